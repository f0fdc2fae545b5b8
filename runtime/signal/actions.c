/* SPDX-License-Identifier: MIT */
/* What the program wants done with each signal; and its masks. */
#include "base/home.h"
#include "base/kernel.h"
#include "base/lock.h"
#include "base/own_signal.h"
#include "memory/layout.h"
#include "popcorn/control.h"
#include "signal/internal.h"
#include "thread/family.h"

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

/*
 * The place for one may be taken, by a signal that came on top of this one: then this waits in the kernel,
 * blocked. Faults are not blocked: memory may be lost with a machine meanwhile.
 */
void signals_defer(struct native *native, int sig, const void *info, void *ucontext) {
    uint64_t first = native->deferred ? SIGNAL_BIT(native->deferred) : 0;
    native->deferred_mask = machine_ucontext_mask(ucontext);
    machine_ucontext_set_mask(ucontext, ~KERNEL_FAULTS | SIGNAL_BIT(sig) | first);
    if (first) {
        KERNEL(NR_rt_tgsigqueueinfo, KERNEL(NR_getpid), native->tid, sig, info);
        return;
    }
    __builtin_memcpy(native->deferred_info, info, sizeof native->deferred_info);
    native->deferred = sig;
}

static bool may_be_fault(int sig) {
    return KERNEL_FAULTS & SIGNAL_BIT(sig);
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
        return machine_sigaction(sig, take, ACTION_SIGINFO | ACTION_ONSTACK | ACTION_RESTART, ~KERNEL_FAULTS);
    if (action->handler == SIGNAL_DEFAULT && may_be_fault(sig) && !native_self()->vfork_child)
        return machine_sigaction(sig, entry, ACTION_SIGINFO | ACTION_ONSTACK, ~KERNEL_FAULTS);
    if (action->handler == SIGNAL_DEFAULT || action->handler == SIGNAL_IGNORE)
        return machine_sigaction(sig, (void (*)(int, void *, void *))action->handler, action->flags, 0);
    return machine_sigaction(sig, entry, action->flags | ACTION_SIGINFO, ~KERNEL_FAULTS);
}

/* A signal that is put off comes a second time: SA_RESETHAND has not done its work yet. */
static void rearm(int sig, const struct signal_action *action) {
    if (action->flags & (unsigned)ACTION_RESETHAND)
        install(sig, action);
}

/* The program dies of a fault where it happened: the instruction is tried again. */
static void not_handled(int sig, const struct fault_info *info) {
    struct signal_action action = signals_current(sig);
    if (!may_be_fault(sig) || action.handler != SIGNAL_DEFAULT)
        return; /* changed while the signal was under way */
    if (info->code <= 0)
        signals_die(sig);
    machine_sigaction(sig, NULL, 0, 0);
}

/* SA_RESETHAND: the kernel has done so; the handler may set it anew. */
static void reset(int sig) {
    table()->action[sig].handler = SIGNAL_DEFAULT;
    if (may_be_fault(sig))
        install(sig, &table()->action[sig]);
}

/* What the kernel would block while the handler runs. */
static uint64_t during_handler(int sig, const struct signal_action *action, uint64_t mask) {
    uint64_t own = action->flags & ACTION_NODEFER ? 0 : SIGNAL_BIT(sig);
    return signals_allowed(mask | action->mask | own);
}

static void set_mask(uint64_t mask) {
    KERNEL(NR_rt_sigprocmask, MASK_SET, &mask, 0, 8);
}

/* For the interrupted code; after a signal that was put off on top of this one, if there is any. */
static void set_mask_after(struct native *native, void *ucontext, uint64_t mask) {
    if (native->deferred)
        native->deferred_mask = mask;
    else
        machine_ucontext_set_mask(ucontext, mask);
}

/* Runs the handler, or has it run where the thread is. False: later. */
static bool handle(struct native *native, int sig, const struct signal_action *action,
                   const void *kernels_info, void *ucontext) {
    uint64_t mask = machine_ucontext_mask(ucontext);
    int32_t info[32];
    __builtin_memcpy(info, kernels_info, sizeof info);
    family_translate_info(info);
    set_mask(during_handler(sig, action, mask));
    bool interrupted = signals_calls_begin();
    enum home_forwarding forwarding = home->forward_signal(native->thread, sig, action, info, &mask);
    signals_calls_end(interrupted);
    if (forwarding == HOME_RUN_HERE) {
        signals_run_on(native, sig, action, info, ucontext);
        return true;
    }
    set_mask(~KERNEL_FAULTS);
    if (forwarding == HOME_FORWARDED)
        set_mask_after(native, ucontext, signals_allowed(mask));
    return forwarding == HOME_FORWARDED;
}

/*
 * By the kernel, for every signal that the program handles, and for faults. It begins with all others
 * blocked: of two that come at once the second waits until the first has been put off or has its handler's
 * mask, and does not begin on top of it.
 */
static void entry(int sig, void *info, void *ucontext) {
    fault_end_if_lost(sig, info);
    bool fault = may_be_fault(sig) && ((const struct fault_info *)info)->code > 0;
    if (fault && fault_is_own(info, ucontext))
        fault_end(sig, info, ucontext);
    struct native *native = native_self();
    struct signal_action action = signals_current(sig);
    if (!signals_handled(&action)) {
        not_handled(sig, info);
        return;
    }
    if (native->critical && !fault) {
        rearm(sig, &action);
        signals_defer(native, sig, info, ucontext);
        return;
    }
    native->program_signals++;
    if (action.flags & (unsigned)ACTION_RESETHAND)
        reset(sig);
    if (fault)
        fault_explain(native, sig, info);
    if (!handle(native, sig, &action, info, ucontext)) {
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

void signals_watch_faults(void) {
    for (int sig = 1; sig < SIGNAL_COUNT; sig++)
        if (may_be_fault(sig)) {
            learn(sig);
            install(sig, &table()->action[sig]);
        }
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
