/* SPDX-License-Identifier: MIT */
/* runtime/include/popcorn/abi.h says what these are. */
#define CALL_MAY_STOP 0x40000000
#define CALL_AGAIN 0x20000000
#define CALL_STOPPED (-4096)

long __migrate_shim_internal(long nid);
long __popcorn_syscall(long n, long a, long b, long c, long d, long e, long f);
