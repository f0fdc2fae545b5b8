/* SPDX-License-Identifier: MIT */
#include "base/unpack.h"
#include "base/kernel.h"

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

size_t unpack_room(void) {
    return ZSTD_estimateDCtxSize();
}

int unpack(void *to, size_t size, const void *from, size_t stored, void *room) {
    ZSTD_DCtx *context = ZSTD_initStaticDCtx(room, unpack_room());
    return context && ZSTD_decompressDCtx(context, to, size, from, stored) == size ? 0 : -E_NOEXEC;
}
