/* SPDX-License-Identifier: MIT */
#include "boot.h"

struct machine_block machine_boot_block = {.self = &machine_boot_block};
