/* SPDX-License-Identifier: MIT */
/* The thread pointer and what lies around it: docs/abi.md, "TLS". */
static inline uintptr_t __get_tp(void) {
    return (uintptr_t)__builtin_thread_pointer();
}

#define TLS_ABOVE_TP
#define GAP_ABOVE_TP 32 /* POPCORN_TCB_SIZE */
#define DTP_OFFSET 0

#define MC_PC __pc
