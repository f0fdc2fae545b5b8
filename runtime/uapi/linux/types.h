/* SPDX-License-Identifier: MIT */
/* The kernel's names of types, for the module's uapi header: the sysroot has no kernel headers. */
#ifndef POPCORN_LINUX_TYPES_H
#define POPCORN_LINUX_TYPES_H

#include <stdint.h>

typedef uint8_t __u8;
typedef uint32_t __u32;
typedef int32_t __s32;
typedef uint64_t __u64;
typedef int64_t __s64;

#endif
