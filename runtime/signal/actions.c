/* SPDX-License-Identifier: MIT */
/* What the program wants done with each signal; and its masks. */
#include "base/home.h"
#include "base/kernel.h"
#include "base/lock.h"
#include "base/own_signal.h"
#include "memory/layout.h"
#include "popcorn/control.h"
#include "signal/internal.h"

/* In portable memory behind the control block, since handlers run on any node. */
struct actions {
    struct popcorn_lock lock; /* taken at the origin only */
    uint64_t known;           /* bits of signals in the table; of the others only the kernel knows */
    struct signal_action action[SIGNAL_COUNT];
};

static struct actions *table(void) {
    return (struct actions *)LAYOUT_ACTIONS;
}

uint64_t signals_allowed(uint64_t mask) {
    return mask & ~SIGNAL_BIT(own_signal);
}

static void give_back(void);

void signals_forked(struct popcorn_thread *thread) {
    (void)thread;
    atomic_store(&table()->lock.word, 0);
    give_back();
}

struct signal_action signals_current(int sig) {
    return table()->action[sig];
}

/* What the process was started with: only "ignore" and "default" are possible. */
static void learn(int sig) {
    uint64_t old[4] = {0};
    if (table()->known & SIGNAL_BIT(sig))
        return;
    bool known = KERNEL(NR_rt_sigaction, sig, 0, old, 8) == 0;
    if (known && old[0] == SIGNAL_IGNORE) /* anything else is "default", or the run time's own */
        table()->action[sig].handler = SIGNAL_IGNORE;
    table()->known |= SIGNAL_BIT(sig);
}

void signals_defer(struct native *native, int sig, const void *info, void *ucontext) {
    native->deferred_mask = machine_ucontext_mask(ucontext);
    __builtin_memcpy(native->deferred_info, info, sizeof native->deferred_info);
    native->deferred = sig;
    machine_ucontext_set_mask(ucontext, ~0ULL);
}

static void entry(int sig, void *info, void *ucontext);

static uint64_t taken; /* bits of signals that are the run time's */
static void (*taken_came)(int sig);

static void take(int sig, void *info, void *ucontext) {
    struct native *native = native_self();
    (void)info;
    (void)ucontext;
    if (native)
        native->own_signals++;
    taken_came(sig);
}

/* Makes the kernel act on it. */
static long install(int sig, const struct signal_action *action) {
    if (taken & SIGNAL_BIT(sig))
        return machine_sigaction(sig, take, ACTION_SIGINFO | ACTION_ONSTACK | ACTION_RESTART, ~0ULL);
    if (action->handler == SIGNAL_DEFAULT || action->handler == SIGNAL_IGNORE)
        return machine_sigaction(sig, (void (*)(int, void *, void *))action->handler, action->flags, 0);
    return machine_sigaction(sig, entry, action->flags | ACTION_SIGINFO, signals_allowed(action->mask));
}

/* A signal that is put off comes a second time: SA_RESETHAND has not done its work yet. */
static void rearm(int sig, const struct signal_action *action) {
    if (action->flags & (unsigned)ACTION_RESETHAND)
        install(sig, action);
}

/* By the kernel, for every signal that the program handles. */
static void entry(int sig, void *info, void *ucontext) {
    struct native *native = native_self();
    struct signal_action action = signals_current(sig);
    bool fault = sig == SIGNAL_SEGV || sig == SIGNAL_BUS;
    uint64_t mask = machine_ucontext_mask(ucontext);
    if (!signals_handled(&action))
        return; /* changed while the signal was under way */
    if (native->critical && !fault) {
        rearm(sig, &action);
        signals_defer(native, sig, info, ucontext);
        return;
    }
    native->program_signals++;
    if (action.flags & (unsigned)ACTION_RESETHAND) /* the kernel has done so: the handler may set it anew */
        table()->action[sig].handler = SIGNAL_DEFAULT;
    if (fault)
        fault_explain(native, sig, info);
    switch (home->forward_signal(native->thread, sig, &action, info, &mask)) {
    case HOME_RUN_HERE:
        signals_run_on(native, sig, &action, info, ucontext);
        break;
    case HOME_FORWARDED:
        machine_ucontext_set_mask(ucontext, signals_allowed(mask));
        break;
    case HOME_UNDER_WAY:
        table()->action[sig] = action;
        rearm(sig, &action);
        signals_defer(native, sig, info, ucontext);
        return;
    }
    machine_end_point(ucontext); /* the handler may have cancelled the thread */
}

void signals_deliver_deferred(struct native *native) {
    int sig = native->deferred;
    native->deferred = 0;
    KERNEL(NR_rt_tgsigqueueinfo, KERNEL(NR_getpid), native->tid, sig, native->deferred_info);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &native->deferred_mask, 0, 8);
}

/* A vfork child has dispositions of its own, but the table is its parent's. */
static long change(int sig, const struct signal_action *action) {
    struct signal_action before = table()->action[sig];
    bool own = !native_self()->vfork_child;
    if (own)
        table()->action[sig] = *action;
    long r = install(sig, action);
    if (r && own)
        table()->action[sig] = before;
    return r;
}

long signals_action(int sig, const struct signal_action *action, struct signal_action *old, size_t size) {
    if (size != 8 || sig < 1 || sig >= SIGNAL_COUNT || sig == own_signal)
        return -E_INVAL;
    struct signal_action wanted, before;
    if (action && machine_from_user(&wanted, action, sizeof wanted))
        return -E_FAULT;
    lock_take(&table()->lock);
    learn(sig);
    before = table()->action[sig];
    long r = action ? change(sig, &wanted) : 0;
    lock_release(&table()->lock);
    return r == 0 && old ? machine_to_user(old, &before, sizeof before) : r;
}

long signals_mask(int how, const uint64_t *set, uint64_t *old, size_t size) {
    uint64_t allowed;
    if (!set || size != 8 || how == MASK_UNBLOCK)
        return KERNEL(NR_rt_sigprocmask, how, set, old, size);
    if (machine_from_user(&allowed, set, sizeof allowed))
        return -E_FAULT;
    allowed = signals_allowed(allowed);
    return KERNEL(NR_rt_sigprocmask, how, &allowed, old, size);
}

uint64_t signals_fault_begins(int sig) {
    static const struct signal_action by_default;
    struct signal_action action = signals_current(sig);
    uint64_t set = signals_allowed(action.mask), old = 0;
    if (!(action.flags & ACTION_NODEFER))
        set |= SIGNAL_BIT(sig);
    KERNEL(NR_rt_sigprocmask, MASK_BLOCK, &set, &old, 8);
    if (old & SIGNAL_BIT(sig))
        signals_die(sig);
    if (action.flags & (unsigned)ACTION_RESETHAND)
        signals_action(sig, &by_default, NULL, 8);
    return old;
}

void signals_take(uint64_t set, void (*came)(int sig)) {
    static const struct signal_action none;
    taken_came = came;
    taken = set;
    for (int sig = 1; sig < SIGNAL_COUNT; sig++)
        if (set & SIGNAL_BIT(sig)) {
            learn(sig);
            install(sig, &none);
        }
}

/* What the program has set for them holds. */
static void give_back(void) {
    uint64_t set = taken;
    taken = 0;
    for (int sig = 1; set && sig < SIGNAL_COUNT; sig++)
        if (set & SIGNAL_BIT(sig))
            install(sig, &table()->action[sig]);
}

void signals_reinstall(void) {
    for (int sig = 1; sig < SIGNAL_COUNT; sig++)
        if (table()->known & SIGNAL_BIT(sig) && sig != own_signal)
            install(sig, &table()->action[sig]);
}

void signals_die(int sig) {
    uint64_t set = ~SIGNAL_BIT(sig);
    machine_sigaction(sig, NULL, 0, 0);
    KERNEL(NR_rt_sigprocmask, MASK_SET, &set, 0, 8);
    KERNEL(NR_tgkill, KERNEL(NR_getpid), KERNEL(NR_gettid), sig);
    KERNEL(NR_exit_group, 128 + sig);
    __builtin_trap();
}
