/* SPDX-License-Identifier: MIT */
/* e2e: self=every:53@self hop=every:907 min=4 */
/* Locals of a megabyte, several frames deep. */
#include "e2e.h"

static NOINLINE uint64_t big(int depth) {
    uint32_t block[256 * 1024];
    uint32_t seed = (uint32_t)depth;
    for (size_t i = 0; i < sizeof block / sizeof block[0]; i += 16) {
        block[i] = next_random(&seed);
        for (size_t j = 1; j < 16; j++)
            block[i + j] = block[i] ^ (uint32_t)j;
    }
    point();
    uint64_t inner = depth ? big(depth - 1) : 0;
    point();
    return inner * 31 + hash_bytes(block, sizeof block);
}

int main(void) {
    printf("%016llx\n", (unsigned long long)big(7));
    return 0;
}
