/* SPDX-License-Identifier: MIT */
/* Atomics by compiler builtins: every ISA's back end knows its own best instructions. */
#define a_cas a_cas
static inline int a_cas(volatile int *object, int expected, int desired) {
    __atomic_compare_exchange_n(object, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

#define a_cas_p a_cas_p
static inline void *a_cas_p(volatile void *object, void *expected, void *desired) {
    __atomic_compare_exchange_n((void *volatile *)object, &expected, desired, 0, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return expected;
}

#define a_swap a_swap
static inline int a_swap(volatile int *object, int value) {
    return __atomic_exchange_n(object, value, __ATOMIC_SEQ_CST);
}

#define a_fetch_add a_fetch_add
static inline int a_fetch_add(volatile int *object, int value) {
    return __atomic_fetch_add(object, value, __ATOMIC_SEQ_CST);
}

#define a_fetch_and a_fetch_and
static inline int a_fetch_and(volatile int *object, int value) {
    return __atomic_fetch_and(object, value, __ATOMIC_SEQ_CST);
}

#define a_fetch_or a_fetch_or
static inline int a_fetch_or(volatile int *object, int value) {
    return __atomic_fetch_or(object, value, __ATOMIC_SEQ_CST);
}

#define a_store a_store
static inline void a_store(volatile int *object, int value) {
    __atomic_store_n(object, value, __ATOMIC_SEQ_CST);
}

#define a_barrier a_barrier
static inline void a_barrier(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Bit scans, with the results that musl's own fall-backs give. */
#define a_ctz_32 a_ctz_32
static inline int a_ctz_32(uint32_t value) {
    return __builtin_ctz(value);
}

#define a_ctz_64 a_ctz_64
static inline int a_ctz_64(uint64_t value) {
    return __builtin_ctzll(value);
}

#define a_clz_32 a_clz_32
static inline int a_clz_32(uint32_t value) {
    return __builtin_clz(value);
}

#define a_clz_64 a_clz_64
static inline int a_clz_64(uint64_t value) {
    return __builtin_clzll(value);
}
