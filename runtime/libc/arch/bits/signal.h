/* SPDX-License-Identifier: MIT */
/*
 * Signals of the common ABI. What a handler sees of the interrupted machine is the same on every ISA: where
 * it stood. The rest of the registers belong to one ISA and stay in the native frame, on a stack of the run
 * time's own: of an alternate stack, handlers use only what their data needs.
 */
#if defined(_POSIX_SOURCE) || defined(_POSIX_C_SOURCE) || defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) ||  \
    defined(_BSD_SOURCE)

#if defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) || defined(_BSD_SOURCE)
#define MINSIGSTKSZ 2048
#define SIGSTKSZ 8192
#endif

typedef struct {
    unsigned long __pc;             /* interrupted instruction, on the ISA where the handler runs */
    unsigned long __sp;             /* the data stack pointer */
    void *__made;                   /* of a context by makecontext(): its stack (struct popcorn_stack) */
    unsigned long __environment[4]; /* of a context: fenv_t */
    unsigned long __jump[34];       /* of a context: jmp_buf */
} mcontext_t;

struct sigaltstack {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
};

typedef struct __ucontext {
    unsigned long uc_flags;
    struct __ucontext *uc_link;
    stack_t uc_stack;
    sigset_t uc_sigmask;
    mcontext_t uc_mcontext;
} ucontext_t;

#define SA_NOCLDSTOP 1
#define SA_NOCLDWAIT 2
#define SA_SIGINFO 4
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000

#endif
