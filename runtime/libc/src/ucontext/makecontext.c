/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FEW 8
#define MOST 32

/* On the context's stack, so that the ucontext_t may be used anew while it runs. */
struct start {
    void (*function)();
    ucontext_t *link;
    int count;
    long argument[MOST];
};

/* More arguments than a function takes do no harm. */
static void call(const struct start *s) {
    const long *a = s->argument;
    if (s->count <= FEW)
        ((void (*)(long, long, long, long, long, long, long, long))s->function)(a[0], a[1], a[2], a[3], a[4],
                                                                                a[5], a[6], a[7]);
    else
        ((void (*)(long, long, long, long, long, long, long, long, long, long, long, long, long, long, long,
                   long, long, long, long, long, long, long, long, long, long, long, long, long, long, long,
                   long, long))s->function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10],
                                            a[11], a[12], a[13], a[14], a[15], a[16], a[17], a[18], a[19],
                                            a[20], a[21], a[22], a[23], a[24], a[25], a[26], a[27], a[28],
                                            a[29], a[30], a[31]);
}

static void begin(void *argument) {
    const struct start *s = argument;
    call(s);
    if (!s->link)
        pthread_exit(0);
    __enter_context(s->link, CONTEXT_END, 0);
    abort(); /* there is nowhere to go on */
}

void makecontext(ucontext_t *context, void (*function)(), int count, ...) {
    char *low = context->uc_stack.ss_sp, *high = low + context->uc_stack.ss_size;
    struct start *s = (struct start *)(((uintptr_t)high - sizeof *s) & -16UL);
    va_list arguments;
    context->uc_mcontext.__made = 0;
    memset(context->uc_mcontext.__jump, 0, sizeof context->uc_mcontext.__jump); /* it is no place any more */
    if (context->uc_stack.ss_size < sizeof *s || count < 0 || count > MOST)
        return;
    *s = (struct start){.function = function, .link = context->uc_link, .count = count};
    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        s->argument[i] = va_arg(arguments, long);
    va_end(arguments);
    context->uc_mcontext.__made = __popcorn_make_stack(low, (size_t)((char *)s - low), begin, s);
}
