/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "popcorn/native_text.h"

void machine_touch(const void *users, size_t size) __attribute__((section(POPCORN_SECTION_PROGRAM)));

void machine_touch(const void *users, size_t size) {
    const volatile char *end = users;
    (void)end[0];
    (void)end[size - 1];
}
