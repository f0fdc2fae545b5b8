/* SPDX-License-Identifier: MIT */
#include "isa.h"

#include <string.h>

#include "buffer.h"

/*
 * The CPUs are each ISA's baseline: what every Linux distribution of it runs on. Loop strength reduction
 * makes values out of values, each of which then lives across the loop's migration point; x86_64, with few
 * registers and rich addresses, is better off without it (SQLite executes 3 % less, bzip2 4 %). The terminal
 * rule keeps the coalescer from joining values whose lives then collide at records (SQLite: 1 % less).
 */
static const struct isa isas[] = {
    {"x86_64",
     "x86_64-linux-musl",
     "elf_x86_64",
     "-mcpu=x86-64",
     {"-disable-lsr", "-terminal-rule"},
     {{"x86_64-v3", "x86-64-v3", 3}, {"x86_64-v4", "x86-64-v4", 4}}},
    {"aarch64", "aarch64-linux-musl", "aarch64linux", "-mcpu=generic", {0}, {{0}}},
    {"riscv64",
     "riscv64-linux-musl",
     "elf64lriscv",
     "-mattr=+m,+a,+f,+d,+c,-relax",
     {"-target-abi=lp64d"},
     {{0}}},
};

const struct isa *isa_at(size_t index) {
    return index < sizeof isas / sizeof *isas ? &isas[index] : NULL;
}

const struct isa *isa_find(const char *name) {
    for (size_t i = 0; isa_at(i); i++)
        if (!strcmp(isa_at(i)->name, name))
            return isa_at(i);
    return NULL;
}

const struct isa_level *isa_level(const struct isa *isa, const char *name) {
    for (const struct isa_level *l = isa->level; l->name; l++)
        if (!strcmp(l->name, name))
            return l;
    return NULL;
}

const char *isa_names(void) {
    static struct buffer names;
    names.size = 0;
    for (size_t i = 0; isa_at(i); i++) {
        buffer_printf(&names, "%s%s", i ? ", " : "", isa_at(i)->name);
        for (const struct isa_level *l = isa_at(i)->level; l->name; l++)
            buffer_printf(&names, ", %s", l->name);
    }
    return (const char *)names.bytes;
}
