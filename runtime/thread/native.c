/* SPDX-License-Identifier: MIT */
#include "thread/native.h"

#include "base/current.h"
#include "base/kernel.h"
#include "popcorn/backend.h"
#include "thread/spares.h"

#define GUARD_SIZE (1UL << 20) /* more than the largest frame: an image has up to 65,535 slots */
#define ALTERNATE_SIZE (8UL << 20)
#define ALTERNATE_NONE 2       /* SS_DISABLE */
#define WARM_SIZE (64UL << 10) /* of a spare stack, what stays in memory */
#define NATIVE_SIZE ((sizeof(struct native) + KERNEL_PAGE - 1) & -KERNEL_PAGE)

int native_node;

int popcorn_this_node(void) {
    return native_node;
}

struct native *native_self(void) {
    struct popcorn_thread *thread = popcorn_current();
    return thread ? thread->native[native_node] : NULL;
}

/* As sigaltstack() takes it. */
struct alternate_stack {
    uintptr_t low;
    int flags;
    size_t size;
};

struct native *native_of_handler(void) {
    struct alternate_stack stack = {.flags = ALTERNATE_NONE};
    KERNEL(NR_sigaltstack, 0, &stack);
    return stack.flags & ALTERNATE_NONE ? NULL : (struct native *)(stack.low + stack.size);
}

static long map_stack(size_t size) {
    return KERNEL(NR_mmap, 0, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
}

/* Stacks of threads that have ended, or are still on their way out. */
static struct spares spares;

/* One that nobody stands on any more. */
static struct native *take_spare(void) {
    long pid = KERNEL(NR_getpid);
    for (int i = 0; i < SPARES; i++) {
        struct native *native = spares_take(&spares, i);
        if (native && KERNEL(NR_tgkill, pid, native->tid, 0) == -E_SRCH)
            return native;
        if (native)
            spares_keep(&spares, native); /* there is room, but for a rare moment; then it stays mapped */
    }
    return NULL;
}

void native_leave(struct native *native) {
    size_t size = native->stack_high - native->stack_low;
    if (size == NATIVE_THREAD_STACK) {
        KERNEL(NR_madvise, native->stack_low, size - WARM_SIZE, MADV_DONTNEED);
        if (spares_keep(&spares, native)) {
            KERNEL(NR_exit, 0);
            __builtin_trap();
        }
    }
    machine_unmap_and_exit((void *)native->map, native->map_end - native->map);
}

/* As it was when it was made. */
static void forget_thread(struct native *before) {
    struct native fresh = {.map = before->map,
                           .map_end = before->map_end,
                           .stack_low = before->stack_low,
                           .stack_high = before->stack_high,
                           .alternate_low = before->alternate_low,
                           .alternate_high = before->alternate_high};
    *before = fresh;
}

void native_rest(struct native *native) {
    forget_thread(native);
    machine_set_thread_pointer(native->last_tcb);
    KERNEL(NR_madvise, native->stack_low, native->stack_high - native->stack_low - WARM_SIZE, MADV_DONTNEED);
}

static struct native *use_again(struct popcorn_thread *thread, struct native *before) {
    forget_thread(before);
    before->thread = thread;
    if (thread)
        thread->native[native_node] = before;
    return before;
}

/* Frames are larger on some ISAs than on others, and those of resume bodies often than those of functions. */
size_t native_main_stack(const struct popcorn_thread *thread) {
    uint64_t size = 4 * (thread->own_stack.high - thread->own_stack.low);
    return size < NATIVE_MAIN_STACK ? size : NATIVE_MAIN_STACK;
}

size_t native_allowed(size_t size) {
    uint64_t limit[2] = {~0UL, ~0UL};
    KERNEL(NR_prlimit64, 0, LIMIT_ADDRESSES, 0, limit);
    uint64_t part = limit[0] / 32 & -KERNEL_PAGE;
    part = part < NATIVE_LEAST_STACK ? NATIVE_LEAST_STACK : part;
    return part < size ? part : size;
}

struct native *native_create(struct popcorn_thread *thread, size_t size) {
    struct native *before = size == NATIVE_THREAD_STACK ? take_spare() : NULL;
    if (before)
        return use_again(thread, before);
    size = native_allowed(size);
    size_t extra = GUARD_SIZE + KERNEL_PAGE + ALTERNATE_SIZE + NATIVE_SIZE;
    long map = map_stack(size + extra);
    while (map < 0 && map > -4096 && size > NATIVE_LEAST_STACK) {
        size /= 2;
        map = map_stack(size + extra);
    }
    if (map < 0 && map > -4096)
        return NULL;
    uintptr_t end = (uintptr_t)map + size + extra;
    struct native *native = (struct native *)(end - NATIVE_SIZE);
    native->thread = thread;
    native->map = (uintptr_t)map;
    native->map_end = end;
    native->stack_low = native->map + GUARD_SIZE;
    native->stack_high = native->stack_low + size;
    native->alternate_low = native->stack_high + KERNEL_PAGE;
    native->alternate_high = native->alternate_low + ALTERNATE_SIZE;
    KERNEL(NR_mprotect, native->map, GUARD_SIZE, PROT_NONE);
    KERNEL(NR_mprotect, native->stack_high, KERNEL_PAGE, PROT_NONE);
    if (thread)
        thread->native[native_node] = native;
    return native;
}

void native_bind(struct native *native, struct popcorn_thread *thread) {
    native->thread = thread;
    thread->native[native_node] = native;
}

void native_adopt(struct native *native) {
    struct alternate_stack stack = {native->alternate_low, 0, native->alternate_high - native->alternate_low};
    KERNEL(NR_sigaltstack, &stack, 0);
    native->tid = (int32_t)KERNEL(NR_gettid);
}

void native_destroy(struct native *native) {
    KERNEL(NR_munmap, native->map, native->map_end - native->map);
}

struct popcorn_native_stack popcorn_native_stack(const struct popcorn_thread *thread) {
    const struct native *native = thread->native[native_node];
    struct popcorn_native_stack stack = {0, 0};
    if (native) {
        stack.low = native->stack_low;
        stack.high = native->stack_high;
    }
    return stack;
}

void popcorn_require_room(const struct popcorn_thread *thread) {
    native_require_room(thread);
}

static void enter_section(void) {
    struct native *native = native_self();
    if (native)
        native->critical++;
}

static void (*deliver)(struct native *);

void native_due(void (*function)(struct native *)) {
    deliver = function;
}

static void leave_section(struct native *native) {
    if (--native->critical == 0 && (native->own_due || native->deferred))
        deliver(native);
}

static void leave_own_section(void) {
    struct native *native = native_self();
    if (native)
        leave_section(native);
}

void native_start(void) {
    static const struct critical_sections sections = {enter_section, leave_own_section};
    critical_counted_by(&sections);
}

void popcorn_hold_signals(void) {
    critical_enter();
}

void popcorn_release_signals(void) {
    critical_leave();
}

void critical_end_of(struct native *native) {
    native->critical = 1;
    leave_section(native);
}

void critical_end(void) {
    critical_end_of(native_self());
}
