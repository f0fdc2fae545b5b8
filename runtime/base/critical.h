/* SPDX-License-Identifier: MIT */
/*
 * Between enter and leave no handler of the program runs on the calling thread; what arrives is delivered at
 * the end of the outermost section. Before a thread is set up both do nothing.
 */
#ifndef BASE_CRITICAL_H
#define BASE_CRITICAL_H

void critical_enter(void);
void critical_leave(void);

/* Who counts a thread's sections; at the start of a process. */
struct critical_sections {
    void (*enter)(void);
    void (*leave)(void);
};
void critical_counted_by(const struct critical_sections *);

#endif
