/* SPDX-License-Identifier: MIT */
/*
 * A wrong pointer is -EFAULT, as the program expects of a system call. The run time knows what is mapped in
 * portable memory; of other places the kernel has the last word, if it has one (not under qemu-user).
 */
#include <sys/syscall.h>

#include "generic.h"
#include "machine.h"
#include "native.h"

struct vector {
    void *base;
    size_t size;
};

static int copy(long number, void *ours, void *users, size_t size) {
    struct vector local = {ours, size}, remote = {users, size};
    long pid = machine_syscall(NATIVE_getpid, 0, 0, 0, 0, 0, 0);
    long done = machine_syscall(number, pid, (long)&local, 1, (long)&remote, 1, 0);

    return done == (long)size ? 0 : -EFAULT;
}

int machine_from_user(void *to, const void *users, size_t size) {
    if (!popcorn_reachable(users, size, false))
        return copy(NATIVE_process_vm_readv, to, (void *)(uintptr_t)users, size);
    __builtin_memcpy(to, users, size);
    return 0;
}

int machine_to_user(void *users, const void *from, size_t size) {
    if (!popcorn_reachable(users, size, true))
        return copy(NATIVE_process_vm_writev, (void *)(uintptr_t)from, users, size);
    __builtin_memcpy(users, from, size);
    return 0;
}
