/* SPDX-License-Identifier: MIT */
/* The functions that work block by block again, with larger blocks and under other names. */
#include "string_v3.h"
#include <immintrin.h>

#define BLOCK_WIDE
#define memchr STRING_V3(memchr)
#define memrchr STRING_V3(memrchr)
#define memcmp STRING_V3(memcmp)
#define memmove STRING_V3(memmove)
#define strlen STRING_V3(strlen)
#define strnlen STRING_V3(strnlen)
#define __strchrnul STRING_V3(__strchrnul)
#define strrchr STRING_V3(strrchr)
#define strncmp STRING_V3(strncmp)
#define strncasecmp STRING_V3(strncasecmp)
#define strspn STRING_V3(strspn)
#define strcspn STRING_V3(strcspn)
#define __stpcpy STRING_V3(__stpcpy)
#define __stpncpy STRING_V3(__stpncpy)
#define __popcorn_find STRING_V3(__popcorn_find)

#pragma clang attribute push(__attribute__((target("avx2,bmi"))), apply_to = function)
#include "../compare.c"
#undef API
#include "../copy.c"
#undef API
#include "../copy_string.c"
#undef API
#include "../string.c"
#pragma clang attribute pop
