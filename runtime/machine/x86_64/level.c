/* SPDX-License-Identifier: MIT */
/* The levels of the System V psABI: 3 for x86-64-v3, 4 for x86-64-v4. */
#include "machine.h"

#include <cpuid.h>

#define BIT(n) (1u << (n))

struct features {
    uint32_t leaf1_ecx, leaf7_ebx, extended_ecx;
    uint64_t saved; /* registers that the kernel saves, as XCR0 says */
};

static struct features features(void) {
    struct features f = {0};
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d))
        f.leaf1_ecx = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        f.leaf7_ebx = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        f.extended_ecx = c;
    if (f.leaf1_ecx & BIT(27)) { /* OSXSAVE: xgetbv may be used */
        __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
        f.saved = (uint64_t)d << 32 | a;
    }
    return f;
}

static bool has(uint64_t features, uint64_t wanted) {
    return (features & wanted) == wanted;
}

uint8_t machine_level(void) {
    /* SSE3, SSSE3, FMA, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, AVX, F16C */
    static const uint32_t leaf1 =
        BIT(0) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(28) | BIT(29);
    static const uint32_t leaf7 = BIT(3) | BIT(5) | BIT(8);                         /* BMI1, AVX2, BMI2 */
    static const uint32_t avx512 = BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31); /* F, DQ, CD, BW, VL */
    static const uint32_t extended = BIT(0) | BIT(5);                               /* LAHF, LZCNT */
    struct features f = features();
    if (!has(f.leaf1_ecx, leaf1) || !has(f.leaf7_ebx, leaf7) || !has(f.extended_ecx, extended) ||
        !has(f.saved, 0x06)) /* xmm, ymm */
        return 0;
    return has(f.leaf7_ebx, avx512) && has(f.saved, 0xe6) ? 4 : 3;
}
