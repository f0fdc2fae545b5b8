/* SPDX-License-Identifier: MIT */
#include "registers.h"

#include <stddef.h>

#include "machine/aarch64/registers.h"
#include "machine/riscv64/registers.h"
#include "machine/x86_64/registers.h"

const struct machine_registers *registers_of(uint16_t machine) {
    static const struct machine_registers *const all[] = {
        &machine_registers_x86_64,
        &machine_registers_aarch64,
        &machine_registers_riscv64,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->machine == machine)
            return all[i];
    return NULL;
}

static bool in(const uint8_t *list, unsigned reg) {
    for (; *list != MACHINE_NO_REGISTER; list++)
        if (*list == reg)
            return true;
    return false;
}

bool registers_kept(const struct machine_registers *r, unsigned reg, bool point) {
    return in(r->kept, reg) || (point && in(r->kept_at_point, reg));
}

bool registers_base(const struct machine_registers *r, unsigned reg) {
    return reg == r->stack_pointer || in(r->kept, reg);
}
