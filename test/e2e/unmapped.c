/* SPDX-License-Identifier: MIT */
/* e2e: hop=every:1 min=10 */
/* Memory that is no longer there, or no longer writable, faults on every node, also where it was used before.
 */
#include "e2e.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS 12

static sigjmp_buf out;
static void *volatile fault_at;

static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)context;
    fault_at = info->si_addr;
    siglongjmp(out, 1);
}

static NOINLINE int reads(volatile char *at) {
    if (sigsetjmp(out, 1))
        return -1;
    return *at;
}

static NOINLINE int writes(volatile char *at) {
    if (sigsetjmp(out, 1))
        return -1;
    *at = 7;
    return 0;
}

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        char *memory = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(memory != MAP_FAILED);
        for (int visit = 0; visit < 3; visit++) { /* every node has used it */
            memset(memory, i + visit, 4 * page);
            point();
        }
        require(munmap(memory + page, page) == 0);
        require(mprotect(memory + 2 * page, page, PROT_READ) == 0);
        for (int visit = 0; visit < 3; visit++) {
            point();
            require(reads(memory) == i + 2 && writes(memory) == 0);
            memory[0] = (char)(i + 2);
            require(reads(memory + page) == -1 && fault_at == memory + page);
            require(writes(memory + page + 5) == -1 && fault_at == memory + page + 5);
            require(reads(memory + 2 * page) == i + 2);
            require(writes(memory + 2 * page) == -1 && fault_at == memory + 2 * page);
            require(writes(memory + 3 * page) == 0);
            memory[3 * page] = (char)(i + 2);
        }
        /* What comes to lie there reads as zeros. */
        char *again =
            mmap(memory + page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        require(again == memory + page);
        point();
        require(reads(again) == 0 && writes(again) == 0);
        point();
        require(reads(again) == 7);
        require(munmap(memory, 4 * page) == 0);
    }
    puts("right");
    return 0;
}
