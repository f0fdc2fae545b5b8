/* SPDX-License-Identifier: MIT */
#include "thread/native.h"
#include "popcorn/backend.h"
#include "popcorn/stack.h"
#include "signal/signals.h"
#include "syscall/kernel.h"

#define ALTERNATE_SIZE (256UL << 10)
#define NATIVE_SIZE ((sizeof(struct native) + KERNEL_PAGE - 1) & -KERNEL_PAGE)

int native_node;

int popcorn_this_node(void) {
    return native_node;
}

struct native *native_self(void) {
    struct popcorn_thread *thread = popcorn_current();
    return thread ? thread->native[native_node] : NULL;
}

static long map_stack(size_t size) {
    return KERNEL(NR_mmap, 0, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
}

struct native *native_create(struct popcorn_thread *thread, size_t size) {
    size_t extra = 2 * KERNEL_PAGE + ALTERNATE_SIZE + NATIVE_SIZE;
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
    native->stack_low = native->map + KERNEL_PAGE;
    native->stack_high = native->stack_low + size;
    native->alternate_low = native->stack_high + KERNEL_PAGE;
    native->alternate_high = native->alternate_low + ALTERNATE_SIZE;
    KERNEL(NR_mprotect, native->map, KERNEL_PAGE, PROT_NONE);
    KERNEL(NR_mprotect, native->stack_high, KERNEL_PAGE, PROT_NONE);
    thread->native[native_node] = native;
    return native;
}

void native_adopt(struct native *native) {
    struct {
        uintptr_t sp;
        int flags;
        size_t size;
    } alternate = {native->alternate_low, 0, native->alternate_high - native->alternate_low};
    KERNEL(NR_sigaltstack, &alternate, 0);
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

void critical_enter(void) {
    struct native *native = native_self();
    if (native)
        native->critical++;
}

void critical_leave(void) {
    struct native *native = native_self();
    if (!native || --native->critical)
        return;
    if (native->own_due) {
        native->own_due = false;
        signals_own_work(native);
    }
    if (native->deferred)
        signals_deliver_deferred(native);
}

void critical_end(void) {
    native_self()->critical = 1;
    critical_leave();
}
