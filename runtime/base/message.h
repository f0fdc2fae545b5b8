/* SPDX-License-Identifier: MIT */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

/* Prints "popcorn: MESSAGE" and a newline on standard error in one write. Async-signal-safe. */
void popcorn_message(const char *message);

/* popcorn_message(), then ends the whole program, wherever the thread is, with this exit code. Never returns.
 */
_Noreturn void popcorn_fatal(const char *message, int code);

#endif
