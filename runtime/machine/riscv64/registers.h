/* SPDX-License-Identifier: MIT */
/* riscv64's registers for machine/registers.h. */
#include "../registers.h"

static const uint8_t kept_riscv64[] = {8,
                                       9,
                                       18,
                                       19,
                                       20,
                                       21,
                                       22,
                                       23,
                                       24,
                                       25,
                                       26,
                                       27, /* s0-s11 */
                                       40,
                                       41,
                                       50,
                                       51,
                                       52,
                                       53,
                                       54,
                                       55,
                                       56,
                                       57,
                                       58,
                                       59, /* fs0-fs11 */
                                       MACHINE_NO_REGISTER};
static const uint8_t kept_at_point_riscv64[] = {MACHINE_NO_REGISTER};

static const struct machine_registers machine_registers_riscv64 = {
    .machine = 243,
    .count = 64,
    .stack_pointer = 2,
    .return_address = 1,
    .zero = 0,
    .kept = kept_riscv64,
    .kept_at_point = kept_at_point_riscv64,
};
