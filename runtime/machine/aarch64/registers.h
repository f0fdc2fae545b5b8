/* SPDX-License-Identifier: MIT */
/* aarch64's registers for machine/registers.h. LLVM gives xzr the number of sp. */
#include "../registers.h"

static const uint8_t kept_aarch64[] = {19, 20, 21, 22, 23, 24, 25, 26, 27,
                                       28, 29,                                               /* x19-x29 */
                                       72, 73, 74, 75, 76, 77, 78, 79, MACHINE_NO_REGISTER}; /* d8-d15 */
static const uint8_t kept_at_point_aarch64[] = {9, 10, 11, 12, 13, 14, 15, MACHINE_NO_REGISTER};

static const struct machine_registers machine_registers_aarch64 = {
    .machine = 183,
    .count = 96,
    .stack_pointer = 31,
    .return_address = 30,
    .zero = 31,
    .kept = kept_aarch64,
    .kept_at_point = kept_at_point_aarch64,
};
