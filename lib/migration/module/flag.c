/* SPDX-License-Identifier: MIT */
#include "popcorn/query.h"

volatile char __popcorn_flag;
