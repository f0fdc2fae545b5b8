/* SPDX-License-Identifier: MIT */
/* e2e: hop=1,2,3,random:3:7 */
/* A program's own functions and variables may bear names that the run time uses too, and the libraries in it.
 */
#include "e2e.h"

int memory_lock = 1, home_here = 2, native_node = 3;

NOINLINE int unpack(int a) {
    point();
    return a + 1;
}

NOINLINE int lock_take(int a) {
    point();
    return unpack(a) * 3;
}

NOINLINE int text_error(int a) {
    point();
    return lock_take(a) - 2;
}

NOINLINE int bell_ring(int a) {
    point();
    return text_error(a) + memory_lock;
}

NOINLINE int ZSTD_decompressDCtx(int a) {
    point();
    return bell_ring(a) ^ home_here;
}

NOINLINE int HUF_readStats_wksp(int a) {
    point();
    return ZSTD_decompressDCtx(a) + native_node;
}

NOINLINE int stack_rebuild(int a) {
    point();
    return HUF_readStats_wksp(a) + 5;
}

NOINLINE int machine_run(int a) {
    point();
    return stack_rebuild(a) * 2;
}

int main(void) {
    for (int i = 0; i < 20; i++)
        printf("%d\n", machine_run(i));
    return 0;
}
