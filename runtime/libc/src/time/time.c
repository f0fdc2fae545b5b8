/* SPDX-License-Identifier: MIT */
/* The second that began last, by the clock that the kernel keeps for this: it costs no reading of a counter.
 */
#include <time.h>

time_t time(time_t *t) {
    struct timespec now;
    __clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}
