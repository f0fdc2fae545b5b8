/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:200:7 self=random:200:7@self min=50 limit=120 */
/* Threads come and go and give memory back while others hop: what lies at an address now was something else a
 * moment ago. */
#include "e2e.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 5
#define GENERATIONS 8
#define ROUNDS 12

static size_t page;

static void check_zero(const unsigned char *memory, size_t size) {
    for (size_t i = 0; i < size; i += 509)
        require(memory[i] == 0);
}

static uint64_t use(unsigned char *memory, size_t size, uint32_t *state) {
    for (size_t i = 0; i < size; i += 251)
        memory[i] = (unsigned char)next_random(state);
    uint64_t before = hash_bytes(memory, size);
    point();
    require(hash_bytes(memory, size) == before);
    return before;
}

static void *work(void *argument) {
    uint32_t state = (uint32_t)(uintptr_t)argument;
    uint64_t sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = (1 + next_random(&state) % 4) * page;
        unsigned char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(memory != MAP_FAILED);
        check_zero(memory, size);
        point();
        sum ^= use(memory, size, &state);
        if (next_random(&state) % 2) {
            require(munmap(memory, page) == 0);
            memory += page;
            size -= page;
            point();
        }
        if (size) {
            sum ^= use(memory, size, &state);
            require(munmap(memory, size) == 0);
        }
        char *heap = calloc(1, 1000 + next_random(&state) % 300000);
        require(heap && heap[0] == 0 && heap[999] == 0);
        memset(heap, i, 1000);
        point();
        require(heap[999] == i);
        free(heap);
    }
    return (void *)(uintptr_t)sum;
}

int main(void) {
    uint64_t sum = 0;
    page = 4096;
    for (int generation = 0; generation < GENERATIONS; generation++) {
        pthread_t thread[THREADS];
        void *result;
        for (int i = 0; i < THREADS; i++)
            require(pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)(generation * 100 + i + 1)) ==
                    0);
        for (int i = 0; i < THREADS; i++) {
            point();
            require(pthread_join(thread[i], &result) == 0);
            sum = sum * 31 + (uintptr_t)result;
        }
    }
    printf("sum %016llx\n", (unsigned long long)sum);
    return 0;
}
