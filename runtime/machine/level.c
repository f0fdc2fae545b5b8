/* SPDX-License-Identifier: MIT */
#include "machine.h"

/* What versions of functions look at (the pass's Levels.cpp). The baseline is right until it is known. */
uint8_t __popcorn_level;

void machine_level_start(void) {
    __popcorn_level = machine_level();
}
