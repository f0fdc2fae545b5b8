/* SPDX-License-Identifier: MIT */
/* Variables that a program collects in sections of its own and walks from __start_NAME to __stop_NAME. */
#include "e2e.h"

struct command {
    const char *name;
    int (*run)(int);
};

static int twice(int x) {
    point();
    return 2 * x;
}

static int negated(int x) {
    return -x;
}

#define COMMAND(what)                                                                                        \
    static const struct command command_##what __attribute__((section("commands"), used)) = {#what, what}
COMMAND(twice);
COMMAND(negated);

static int first __attribute__((section("counters"), used)) = 3;
static int second __attribute__((section("counters"), used));
static int *const to_second = &second;

static char small __attribute__((section("mixed"), used)) = 'a';
static long large __attribute__((section("mixed"), used)) = 77;

extern const struct command __start_commands[], __stop_commands[];
extern int __start_counters[], __stop_counters[];
extern char __start_mixed[], __stop_mixed[];
extern int __start_nobody[] __attribute__((weak)), __stop_nobody[] __attribute__((weak));

int main(void) {
    for (const struct command *c = __start_commands; c < __stop_commands; c++) {
        point();
        printf("%s: %d\n", c->name, c->run(21));
    }
    for (int round = 0; round < 3; round++)
        for (int *c = __start_counters; c < __stop_counters; c++) {
            *c += 5;
            point();
        }
    *to_second += 100;
    printf("%d %d, %d counters\n", first, second, (int)(__stop_counters - __start_counters));
    printf("%c %ld, %d bytes\n", small, large, (int)(__stop_mixed - __start_mixed));
    printf("nobody: %d\n", __start_nobody == __stop_nobody);
    return 0;
}
