/* SPDX-License-Identifier: MIT */
/* Numbers written and read; mathematics. */
#include "bench.h"
#include <math.h>

static char text[512];
static double values[256];

static void write_values(void) {
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 256; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        values[i] = ldexp((double)(random >> 11), (int)(random % 60) - 70);
    }
}

static void print_int(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        used(snprintf(text, size, "%d", hidden((int)(i * 7919))));
}

static void print_text(long calls, size_t size) {
    for (long i = 0; i < calls; i++)
        used(snprintf(text, size, "%s: %5u %lx\n", hidden("name"), hidden((unsigned)i), hidden(i)));
}

static void print_short(long calls, size_t size) {
    write_values();
    for (long i = 0; i < calls; i++)
        used(snprintf(text, size, "%g", values[i & 255]));
}

static void print_fixed(long calls, size_t size) {
    write_values();
    for (long i = 0; i < calls; i++)
        used(snprintf(text, size, "%.2f", values[i & 255]));
}

static void print_exact(long calls, size_t size) {
    write_values();
    for (long i = 0; i < calls; i++)
        used(snprintf(text, size, "%.17g", values[i & 255]));
}

/* Numbers of so many digits, one in each 32 bytes. */
static void write_numbers(char (*numbers)[32], int digits) {
    write_values();
    for (int i = 0; i < 256; i++)
        snprintf(numbers[i], sizeof *numbers, "%.*g", digits, values[i]);
}

static void read_double(long calls, size_t digits) {
    static char numbers[256][32];
    write_numbers(numbers, (int)digits);
    for (long i = 0; i < calls; i++)
        used((long)strtod(numbers[i & 255], NULL));
}

static void read_int(long calls, size_t size) {
    (void)size;
    static char numbers[256][32];
    for (int i = 0; i < 256; i++)
        snprintf(numbers[i], sizeof *numbers, "%d", i * 7919 * 31);
    for (long i = 0; i < calls; i++)
        used(strtol(numbers[i & 255], NULL, 10));
}

static void scan(long calls, size_t size) {
    (void)size;
    for (long i = 0; i < calls; i++) {
        int a, b;
        used(sscanf(hidden("12345 -678 word"), "%d %d %15s", &a, &b, text));
    }
}

#define MATH(name, ...)                                                                                      \
    static void do_##name(long calls, size_t size) {                                                         \
        (void)size;                                                                                          \
        double sum = 0;                                                                                      \
        for (long i = 0; i < calls; i++)                                                                     \
            sum += name(__VA_ARGS__);                                                                        \
        used((long)sum);                                                                                     \
    }
MATH(sin, (double)(i & 4095) * 0.01)
MATH(exp, (double)(i & 255) * 0.1 - 12)
MATH(log, (double)(i & 4095) + 0.5)
MATH(pow, (double)(i & 255) + 0.5, 1.7)
MATH(atan2, (double)(i & 255) + 0.5, 3)
MATH(sqrt, (double)(i & 4095))
MATH(floor, (double)(i & 4095) * 0.3)
MATH(fmod, (double)(i & 4095) * 3.3, 1.7)
MATH(cbrt, (double)(i & 4095))

const struct row rows[] = {
    {"snprintf %d", 5000000, print_int, sizeof text},
    {"snprintf %s %u %x", 2000000, print_text, sizeof text},
    {"snprintf %g", 1500000, print_short, sizeof text},
    {"snprintf %.2f", 1500000, print_fixed, sizeof text},
    {"snprintf %.17g", 1000000, print_exact, sizeof text},
    {"strtod 6 digits", 5000000, read_double, 6},
    {"strtod 17 digits", 4000000, read_double, 17},
    {"strtol", 10000000, read_int, 0},
    {"sscanf", 1500000, scan, 0},
    {"sin", 20000000, do_sin, 0},
    {"exp", 30000000, do_exp, 0},
    {"log", 30000000, do_log, 0},
    {"pow", 15000000, do_pow, 0},
    {"atan2", 10000000, do_atan2, 0},
    {"sqrt", 50000000, do_sqrt, 0},
    {"floor", 50000000, do_floor, 0},
    {"fmod", 10000000, do_fmod, 0},
    {"cbrt", 15000000, do_cbrt, 0},
    {0},
};
