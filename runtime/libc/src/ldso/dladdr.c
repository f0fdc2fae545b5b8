/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>

#include "symbols.h"

extern const char _end[];

/* A function is known by its address alone, as its size differs between ISAs; a variable by all of its bytes.
 */
static int has(const struct popcorn_symbol *symbol, const char *address) {
    const char *begin = symbol->address;
    return begin && (address == begin || (address > begin && address < begin + symbol->size));
}

int dladdr(const void *address, Dl_info *info) {
    const char *base = (const char *)POPCORN_TEXT_BASE, *place = address;
    if (place < base || place >= _end)
        return 0;
    *info = (Dl_info){.dli_fname = program_invocation_name, .dli_fbase = (void *)base};
    for (uint64_t i = 0; i < __popcorn_symbol_count; i++) {
        const struct popcorn_symbol *symbol = &__popcorn_symbols[i];
        if (!has(symbol, place))
            continue;
        info->dli_sname = symbol->name;
        info->dli_saddr = (void *)symbol->address;
        break;
    }
    return 1;
}
