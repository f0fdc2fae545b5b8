/* SPDX-License-Identifier: MIT */
/* x86_64's registers for machine/registers.h. */
#include "../registers.h"

static const uint8_t kept_x86_64[] = {3, 6, 12, 13, 14, 15, MACHINE_NO_REGISTER}; /* rbx rbp r12-r15 */
static const uint8_t kept_at_point_x86_64[] = {0, 1, 2, 4, 5, 8, 9, 10, MACHINE_NO_REGISTER}; /* but r11 */

static const struct machine_registers machine_registers_x86_64 = {
    .machine = 62,
    .count = 33,
    .stack_pointer = 7,
    .return_address = 16,
    .zero = MACHINE_NO_REGISTER,
    .kept = kept_x86_64,
    .kept_at_point = kept_at_point_x86_64,
};
