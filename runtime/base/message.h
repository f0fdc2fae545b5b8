/* SPDX-License-Identifier: MIT */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

/* Prints "popcorn: MESSAGE" and a newline on standard error in one write. Async-signal-safe. */
void popcorn_message(const char *message);

/*
 * popcorn_message() of why the process ends, which the caller then sees to: of threads that come here at once
 * only the first says so and returns, as does one that comes here again. The others give it time to end the
 * process, and return if it has not. Async-signal-safe.
 */
void message_last(const char *message);

/* message_last(), then ends the whole program, wherever the thread is, with this exit code. Never returns.
 */
_Noreturn void popcorn_fatal(const char *message, int code);

#endif
