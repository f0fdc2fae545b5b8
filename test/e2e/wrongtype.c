/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 min=0 self=every:2@self */
/* Functions called through pointers of another type: what cannot be unwound is not moved, and nothing is
 * wrong. */
#include "e2e.h"

static NOINLINE int work(int n) {
    int sum = 0, local = n, *pointer = &local;
    for (int i = 0; i < 20; i++) {
        point();
        sum += *pointer * i;
        local = sum & 0xff;
    }
    return sum;
}

static NOINLINE long calls_back(long (*function)(long), long n) {
    point();
    long result = function(n);
    point();
    return result * 3 + n;
}

int main(void) {
    void *volatile address = (void *)(uintptr_t)work;
    long (*other_type)(long) = (long (*)(long))(uintptr_t)address;
    unsigned (*another_type)(int, int) = (unsigned (*)(int, int))(uintptr_t)address;
    for (int i = 0; i < 10; i++) {
        int through = (int)other_type(i), over = (int)another_type(i, 5);
        printf("%d %d %d\n", through, over, (int)calls_back(other_type, i));
        require(through == work(i) && over == through);
    }
    return 0;
}
