/* SPDX-License-Identifier: MIT */
/* Every ISA has a correctly rounded square root, so the instruction gives the bits of musl's own loop. */
#include <math.h>

double sqrt(double x) {
    return __builtin_sqrt(x);
}
