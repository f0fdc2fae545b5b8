/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "thread/internal.h"

static struct threads_keeper *first;

void threads_kept_by(struct threads_keeper *keeper) {
    struct threads_keeper **end = &first;
    while (*end)
        end = &(*end)->next;
    *end = keeper;
}

void threads_tell_begin(struct popcorn_thread *thread) {
    for (const struct threads_keeper *k = first; k; k = k->next)
        if (k->begin)
            k->begin(thread);
}

void threads_tell_end(struct popcorn_thread *thread) {
    for (const struct threads_keeper *k = first; k; k = k->next)
        if (k->end)
            k->end(thread);
}

void threads_tell_forked(struct popcorn_thread *thread) {
    for (const struct threads_keeper *k = first; k; k = k->next)
        if (k->forked)
            k->forked(thread);
}

void threads_tell_program_ends(struct popcorn_thread *thread) {
    for (const struct threads_keeper *k = first; k; k = k->next)
        if (k->program_ends)
            k->program_ends(thread);
}
