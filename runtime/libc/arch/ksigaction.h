/* SPDX-License-Identifier: MIT */
/* The generic kernel's struct sigaction, which has no restorer; musl's sigaction() fills one in regardless.
 */
#include <features.h>

#undef SA_RESTORER
#define SA_RESTORER 0

struct k_sigaction {
    void (*handler)(int);
    unsigned long flags;
    unsigned mask[2];
    void (*restorer)(void);
};

#define __restore ((void (*)(void))0)
#define __restore_rt __restore
