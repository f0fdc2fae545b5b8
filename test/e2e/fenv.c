/* SPDX-License-Identifier: MIT */
/* Rounding mode and exceptions stay with the thread wherever it goes: in hardware and in software, in new
 * threads, around signal handlers and through longjmp. */
/* e2e: flags=-frounding-math hop=every:3 */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "e2e.h"

static const struct {
    int mode;
    const char *name;
} modes[] = {{FE_TONEAREST, "nearest"}, {FE_TOWARDZERO, "zero"}, {FE_DOWNWARD, "down"}, {FE_UPWARD, "up"}};

static const char *mode_name(void) {
    for (int i = 0; i < 4; i++)
        if (modes[i].mode == fegetround())
            return modes[i].name;
    return "none";
}

static void show_raised(const char *what) {
    int raised = fetestexcept(FE_ALL_EXCEPT);
    printf("%s: mode %s (%d), raised%s%s%s%s%s\n", what, mode_name(), FLT_ROUNDS,
           raised & FE_INVALID ? " invalid" : "", raised & FE_DIVBYZERO ? " division" : "",
           raised & FE_OVERFLOW ? " overflow" : "", raised & FE_UNDERFLOW ? " underflow" : "",
           raised & FE_INEXACT ? " inexact" : "");
}

static volatile float f1 = 1, f3 = 3;
static volatile double d1 = 1, d3 = 3, dbig = DBL_MAX, dtiny = DBL_MIN, zero = 0;
static volatile long double l1 = 1, l3 = 3, lbig = LDBL_MAX, ltiny = LDBL_MIN;

/* Each with one operation that is not exact, before and behind a point. */
static NOINLINE void arithmetic(void) {
    float f = f1 / f3;
    double d = -d1 / d3;
    point();
    printf("%a %a %a %a", (double)f, (double)(f * f), d, d * d + d1);
    printf(" %a %a", (double)(float)d, sqrt(d3));
    printf(" %d %d %.17g\n", (int)lrint(2.5), (int)lrint(-3.5), nearbyint(1.25));
}

/* Only what is the same for every format of long double. */
static NOINLINE void extended(void) {
    long double third = l1 / l3, minus = -l1 / l3;
    point();
    long double near = third * l3;
    printf("%d %d %d %d", third + third + third == l1, near == l1, third == -minus,
           (double)third == 1.0 / 3.0);
    printf(" %d %d\n", l1 + ltiny > l1, l1 - ltiny < l1);
}

static NOINLINE void raise_each(void) {
    static const char *const names[] = {"inexact",  "division",  "invalid",
                                        "overflow", "underflow", "all of it in long double"};
    for (int i = 0; i < 6; i++) {
        feclearexcept(FE_ALL_EXCEPT);
        volatile double d = i == 0   ? d1 / d3
                            : i == 1 ? d1 / zero
                            : i == 2 ? zero / zero
                            : i == 3 ? dbig * d3
                                     : dtiny / d3;
        (void)d;
        if (i == 5) {
            volatile long double l = l1 / (long double)zero;
            l = lbig * l3;
            l = ltiny / l3;
            l = l - l / l3;
            (void)l;
        }
        point();
        show_raised(names[i]);
    }
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_OVERFLOW | FE_INVALID);
    point();
    feclearexcept(FE_INVALID);
    show_raised("one of two cleared");
}

static void *in_thread(void *name) {
    point();
    show_raised(name);
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    return NULL;
}

static void threads(void) {
    pthread_t thread;
    fesetround(FE_DOWNWARD);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_INEXACT);
    point();
    pthread_create(&thread, NULL, in_thread, "a new thread");
    pthread_join(thread, NULL);
    show_raised("its maker");
}

static volatile sig_atomic_t handled;

static void handler(int sig) {
    (void)sig;
    handled = 1;
    fesetround(FE_UPWARD);
    feraiseexcept(FE_DIVBYZERO);
}

static void signals(void) {
    signal(SIGUSR1, handler);
    fesetround(FE_TOWARDZERO);
    feclearexcept(FE_ALL_EXCEPT);
    point();
    raise(SIGUSR1);
    require(handled);
    show_raised("behind a handler");
}

static void held(void) {
    fenv_t before;
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_UNDERFLOW);
    feholdexcept(&before);
    show_raised("held");
    point();
    feraiseexcept(FE_OVERFLOW);
    fesetround(FE_TONEAREST);
    feupdateenv(&before);
    show_raised("updated");
    point();
    fesetenv(FE_DFL_ENV);
    show_raised("default");
    fesetenv(&before);
    show_raised("as before");
    require(fesetround(12345) != 0);
}

static void jumps(void) {
    static jmp_buf buf;
    fesetround(FE_DOWNWARD);
    feclearexcept(FE_ALL_EXCEPT);
    if (!setjmp(buf)) {
        fesetround(FE_UPWARD);
        feraiseexcept(FE_INVALID);
        point();
        longjmp(buf, 1);
    }
    show_raised("behind longjmp");
}

int main(void) {
    for (int i = 0; i < 4; i++) {
        require(fesetround(modes[i].mode) == 0);
        for (int round = 0; round < 3; round++) {
            arithmetic();
            extended();
        }
    }
    fesetround(FE_TONEAREST);
    raise_each();
    threads();
    signals();
    held();
    jumps();
    return 0;
}
