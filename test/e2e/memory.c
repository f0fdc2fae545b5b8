/* SPDX-License-Identifier: MIT */
/* The heap and the mapping calls: large and many blocks, realloc, mremap, mprotect, unmapping parts. */
#include "e2e.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf fault;
static void on_fault(int signal) {
    siglongjmp(fault, signal);
}

static int writable(volatile char *p) {
    point();
    if (sigsetjmp(fault, 1))
        return 0;
    *p = *p;
    return 1;
}

static void churn(void) {
    enum { SLOTS = 200 };
    char *block[SLOTS] = {0};
    size_t size[SLOTS] = {0};
    uint32_t seed = 9;
    uint64_t checked = 0;
    for (int i = 0; i < 4000; i++) {
        unsigned s = next_random(&seed) % SLOTS;
        if (i % 16 == 0)
            point();
        for (size_t j = 0; j < size[s]; j += 509)
            require(block[s][j] == (char)(s + j));
        if (next_random(&seed) % 3 == 0) {
            free(block[s]);
            block[s] = NULL;
            size[s] = 0;
        } else {
            size_t want = next_random(&seed) % 20000 + 1;
            block[s] = realloc(block[s], want);
            require(block[s]);
            size[s] = want;
            for (size_t j = 0; j < want; j += 509)
                block[s][j] = (char)(s + j);
        }
        checked += size[s];
    }
    for (int i = 0; i < SLOTS; i++)
        free(block[i]);
    printf("churn %llu\n", (unsigned long long)checked);
}

static void big(void) {
    size_t size = 100 << 20;
    char *p = calloc(size, 1);
    require(p);
    for (size_t i = 0; i < size; i += 1 << 20) {
        point();
        require(p[i] == 0);
        p[i] = (char)(i >> 20);
    }
    p = realloc(p, size * 2);
    require(p && p[99 << 20] == 99);
    p[2 * size - 1] = 1;
    point();
    p = realloc(p, size / 2);
    require(p && p[49 << 20] == 49);
    free(p);
    volatile size_t impossible = SIZE_MAX / 2;
    require(malloc(impossible) == NULL && errno == ENOMEM);
    void *aligned;
    require(posix_memalign(&aligned, 65536, 100000) == 0 && (uintptr_t)aligned % 65536 == 0);
    require(malloc_usable_size(aligned) >= 100000);
    free(aligned);
    puts("big");
}

static void mappings(void) {
    enum { PAGE = 65536 };
    signal(SIGSEGV, on_fault);
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(p != MAP_FAILED);
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = (char)('a' + i);
    point();
    require(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
    printf("protect %d%d%d %c\n", writable(p), writable(p + PAGE), writable(p + 2 * PAGE), p[PAGE]);
    require(munmap(p + 3 * PAGE, 2 * PAGE) == 0);
    printf("hole %d%d%d\n", writable(p + 2 * PAGE), writable(p + 3 * PAGE), writable(p + 5 * PAGE));
    char *again =
        mmap(p + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    require(again == p + 3 * PAGE && again[0] == 0);
    char *grown = mremap(p + 5 * PAGE, 3 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
    require(grown != MAP_FAILED && grown[0] == 'f' && grown[2 * PAGE] == 'h' && grown[19 * PAGE] == 0);
    point();
    char *shrunk = mremap(grown, 20 * PAGE, PAGE, 0);
    require(shrunk == grown && grown[0] == 'f');
    require(madvise(grown, PAGE, MADV_DONTNEED) == 0 && grown[0] == 0);
    require(munmap(grown, PAGE) == 0 && munmap(p, 4 * PAGE) == 0);
    p = mmap(NULL, 256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(p != MAP_FAILED && mprotect(p + 17 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    printf("reserve %d%d\n", writable(p), writable(p + 17 * PAGE));
    munmap(p, 256 * PAGE);
    int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(shared != MAP_FAILED);
    *shared = 6;
    munmap(shared, PAGE);
}

int main(void) {
    point();
    churn();
    big();
    mappings();
    return 0;
}
