/* SPDX-License-Identifier: MIT */
/* Numbers to text and back; the time. */
#include "measure.h"

static char text[64];
static volatile double result;
static volatile time_t now;

int main(void) {
    static volatile double pi = 3.14159265358979, short_one = 2.5;
    MEASURE("snprintf-d", 200000, snprintf(text, sizeof text, "%d", (int)i));
    MEASURE("snprintf-s", 200000, snprintf(text, sizeof text, "%s", "a string"));
    MEASURE("snprintf-g", 200000, snprintf(text, sizeof text, "%g", pi));
    MEASURE("snprintf-.17g", 200000, snprintf(text, sizeof text, "%.17g", pi));
    MEASURE("snprintf-.2f", 200000, snprintf(text, sizeof text, "%.2f", short_one));
    MEASURE("strtod-2.5", 200000, result = strtod(hide("2.5"), NULL));
    MEASURE("strtod-15-digits", 200000, result = strtod(hide("3.14159265358979"), NULL));
    MEASURE("strtod-17-digits", 200000, result = strtod(hide("3.1415926535897931"), NULL));
    MEASURE("strtol", 200000, result = (double)strtol(hide("123456"), NULL, 10));
    MEASURE("time", 200000, now = time(NULL));
    return 0;
}
