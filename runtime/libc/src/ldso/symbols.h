/* SPDX-License-Identifier: MIT */
/*
 * The program as dlsym and dladdr see it. There are no shared objects, only what the pass lists of the
 * program itself: docs/abi.md, "Symbols".
 */
#ifndef POPCORN_LDSO_SYMBOLS_H
#define POPCORN_LDSO_SYMBOLS_H

#include <features.h>

#include "popcorn/abi.h"

/* Made by the pass if something refers to them; sorted by name, as strcmp() compares. */
extern weak hidden const struct popcorn_symbol __popcorn_symbols[];
extern weak hidden const uint64_t __popcorn_symbol_count;

#endif
