/* SPDX-License-Identifier: MIT */
/*
 * Stack transformation: a thread's native stack becomes a chain of portable frame records (capture), and a
 * chain becomes a native stack again (rebuild), on whatever ISA. docs/abi.md describes records and resume
 * bodies; nobody here writes a native frame: rebuilding runs the program's own resume bodies.
 *
 * Every function works on the calling thread and may run in several threads at once. None may be called from
 * a signal handler. Native code only.
 */
#ifndef POPCORN_STACK_H
#define POPCORN_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/current.h"
#include "machine.h"
#include "popcorn/thread.h"

#define STACK_REASON_SIZE 160

/*
 * Opens this image's call-site table. Once in a process, before any of the functions below. 0, -ENOEXEC if
 * the table is damaged or of another ISA, -ENOMEM.
 */
int stack_init(void);

/*
 * Captures the calling thread, whose module code called a stub that filled `context`: unwinds it to
 * machine_base and writes a record for every frame, and a landing that returns `value` to the innermost call.
 * Makes the hop buffer larger as needed. Sets thread->outermost, frames, bytes, from and landing; the thread
 * and its stack stay as they are. 0, or a negative errno with the cause in `reason`: -ENOENT (a frame that no
 * call site describes), -EFAULT (a frame that points outside the stack), -ENOMEM.
 */
int stack_capture(struct popcorn_thread *, const struct machine_context *context, uint64_t value,
                  enum popcorn_landing, char reason[STACK_REASON_SIZE]);

/*
 * Checks a chain that another process wrote: each record lies in the hop buffer, names a site of this program
 * and has as many values as it, the last and only the last is a landing, frames and bytes are as said.
 * 0 or -EINVAL.
 */
int stack_validate(const struct popcorn_thread *);

/*
 * Throws the calling thread's native stack in this process away and rebuilds the captured chain on it. Never
 * returns: the thread goes on behind its innermost call. A chain of another process must be validated before.
 */
_Noreturn void stack_rebuild(struct popcorn_thread *);

/* Gives back the memory that the functions above have taken for a thread, which runs no more. */
void stack_thread_end(struct popcorn_thread *);

/*
 * Name of the function that holds the call site with this return address; NULL if it is no call site. The
 * string is static.
 */
const char *stack_function_name(uint64_t return_address);

/*
 * Number of the function whose migration point called the stub that filled `context`, or -1. A point that the
 * program makes by check_migrate() belongs to the function that called that. Fast: meant for every point.
 */
int stack_point_function(const struct popcorn_thread *, const struct machine_context *context);

/* Number of a function by its name, or -1 if no function of that name has call sites. Slow. */
int stack_function_find(const char *name);

/*
 * Called by the landing of every hop when the innermost frame has been rebuilt, on the new stack; its result
 * is returned to the innermost call. Set before any thread is rebuilt, by the floor above.
 */
extern long (*stack_landed)(struct popcorn_thread *, long value);

#endif
