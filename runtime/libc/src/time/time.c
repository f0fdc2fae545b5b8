/* SPDX-License-Identifier: MIT */
/* In place of musl's, which reads a counter for it: the kernel keeps the second that began last. */
#include <time.h>

time_t __popcorn_time(void);

time_t time(time_t *t) {
    time_t now = __popcorn_time();
    if (t)
        *t = now;
    return now;
}
