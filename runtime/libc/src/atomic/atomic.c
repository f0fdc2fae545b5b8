/* SPDX-License-Identifier: MIT */
/*
 * What compilers call for atomic objects that one instruction of every ISA cannot handle: objects of more
 * than eight bytes, or that may not be aligned. Elsewhere they are in libatomic, which takes a lock or not as
 * the machine suggests; here all machines must do the same. The interface is GCC's
 * (https://gcc.gnu.org/wiki/Atomic/GCCMM/LIbrary); every order is treated as the strongest. As there, what
 * takes a lock is not for signal handlers.
 */
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

bool is_lock_free(size_t size, const volatile void *) __asm__("__atomic_is_lock_free");
void load(size_t size, const void *from, void *to, int order) __asm__("__atomic_load");
void store(size_t size, void *to, const void *from, int order) __asm__("__atomic_store");
void exchange(size_t size, void *object, const void *desired, void *old,
              int order) __asm__("__atomic_exchange");
bool compare_exchange(size_t size, void *object, void *expected, const void *desired, int success,
                      int failure) __asm__("__atomic_compare_exchange");

bool is_lock_free(size_t size, const volatile void *object) {
    return (size == 1 || size == 2 || size == 4 || size == 8) && (uintptr_t)object % size == 0;
}

/* Objects of a word: values are widened, as all ISAs are little-endian. */
static uint64_t widened(const void *from, size_t size) {
    uint64_t word = 0;
    memcpy(&word, from, size);
    return word;
}

static uint64_t exchange_word(size_t size, void *object, uint64_t desired) {
    switch (size) {
    case 1:
        return __atomic_exchange_n((uint8_t *)object, desired, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_exchange_n((uint16_t *)object, desired, __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_exchange_n((uint32_t *)object, desired, __ATOMIC_SEQ_CST);
    default:
        return __atomic_exchange_n((uint64_t *)object, desired, __ATOMIC_SEQ_CST);
    }
}

static uint64_t load_word(size_t size, const void *object) {
    switch (size) {
    case 1:
        return __atomic_load_n((const uint8_t *)object, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_load_n((const uint16_t *)object, __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_load_n((const uint32_t *)object, __ATOMIC_SEQ_CST);
    default:
        return __atomic_load_n((const uint64_t *)object, __ATOMIC_SEQ_CST);
    }
}

#define COMPARE_EXCHANGE(type)                                                                               \
    __atomic_compare_exchange_n((type *)object, (type *)expected, (type)desired, false, __ATOMIC_SEQ_CST,    \
                                __ATOMIC_SEQ_CST)

static bool compare_exchange_word(size_t size, void *object, void *expected, uint64_t desired) {
    switch (size) {
    case 1:
        return COMPARE_EXCHANGE(uint8_t);
    case 2:
        return COMPARE_EXCHANGE(uint16_t);
    case 4:
        return COMPARE_EXCHANGE(uint32_t);
    default:
        return COMPARE_EXCHANGE(uint64_t);
    }
}

/* All others: neighbouring objects share no lock, and locks share no cache line. */
static struct {
    _Alignas(64) bool taken;
} locks[32];

static bool *take_lock(const void *object) {
    bool *taken = &locks[(uintptr_t)object / 16 % (sizeof locks / sizeof *locks)].taken;
    while (__atomic_exchange_n(taken, true, __ATOMIC_ACQUIRE))
        sched_yield();
    return taken;
}

static void release_lock(bool *taken) {
    __atomic_store_n(taken, false, __ATOMIC_RELEASE);
}

void load(size_t size, const void *from, void *to, int order) {
    (void)order;
    if (is_lock_free(size, from)) {
        uint64_t word = load_word(size, from);
        memcpy(to, &word, size);
        return;
    }
    bool *lock = take_lock(from);
    memcpy(to, from, size);
    release_lock(lock);
}

void store(size_t size, void *to, const void *from, int order) {
    (void)order;
    if (is_lock_free(size, to)) {
        exchange_word(size, to, widened(from, size));
        return;
    }
    bool *lock = take_lock(to);
    memcpy(to, from, size);
    release_lock(lock);
}

void exchange(size_t size, void *object, const void *desired, void *old, int order) {
    (void)order;
    if (is_lock_free(size, object)) {
        uint64_t word = exchange_word(size, object, widened(desired, size));
        memcpy(old, &word, size);
        return;
    }
    bool *lock = take_lock(object);
    for (size_t i = 0; i < size; i++) { /* `old` may be `desired` */
        unsigned char was = ((unsigned char *)object)[i];
        ((unsigned char *)object)[i] = ((const unsigned char *)desired)[i];
        ((unsigned char *)old)[i] = was;
    }
    release_lock(lock);
}

bool compare_exchange(size_t size, void *object, void *expected, const void *desired, int success,
                      int failure) {
    (void)success;
    (void)failure;
    if (is_lock_free(size, object))
        return compare_exchange_word(size, object, expected, widened(desired, size));
    bool *lock = take_lock(object);
    bool same = !memcmp(object, expected, size);
    memcpy(same ? object : expected, same ? desired : object, size);
    release_lock(lock);
    return same;
}
