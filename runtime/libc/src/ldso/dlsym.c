/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <string.h>

#include "dynlink.h"
#include "pthread_impl.h"
#include "symbols.h"

static const struct popcorn_symbol *find(const char *name) {
    uint64_t low = 0, high = __popcorn_symbol_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order = strcmp(name, __popcorn_symbols[middle].name);
        if (!order)
            return &__popcorn_symbols[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name) {
    const struct popcorn_symbol *symbol = NULL;
    if (handle != RTLD_DEFAULT && handle != RTLD_NEXT && __dl_invalid_handle(handle))
        return NULL;
    if (handle != RTLD_NEXT) /* nothing comes after the program */
        symbol = find(name);
    if (!symbol) {
        __dl_seterr("Symbol not found: %s", name);
        return NULL;
    }
    return symbol->address ? (void *)symbol->address : (char *)__get_tp() + symbol->thread_offset;
}
