/* SPDX-License-Identifier: MIT */
/* Computed goto, labels as values in static tables, and big switches. */
#include "e2e.h"

enum op { PUSH, ADD, MUL, DUP, SWAP, DROP, DEC, JNZ, HALT };

static NOINLINE long interpret(const int *code, long start) {
    static const void *const jump[] = {&&push, &&add, &&mul, &&dup, &&swap, &&drop, &&dec, &&jnz, &&halt};
    long stack[32], *sp = stack, t;
    const int *pc = code;
    *sp = start;
#define NEXT                                                                                                 \
    point();                                                                                                 \
    goto *jump[*pc++]
    NEXT;
push:
    *++sp = *pc++;
    NEXT;
add:
    sp--;
    *sp += sp[1];
    NEXT;
mul:
    sp--;
    *sp = *sp * sp[1] % 1000003;
    NEXT;
dup:
    sp++;
    *sp = sp[-1];
    NEXT;
swap:
    t = *sp;
    *sp = sp[-1];
    sp[-1] = t;
    NEXT;
drop:
    sp--;
    NEXT;
dec:
    --*sp;
    NEXT;
jnz:
    pc = *sp ? code + *pc : pc + 1;
    NEXT;
halt:
    return sp[-1] * 10 + *sp;
}

static NOINLINE int table(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        point();
        switch ((i * 7) % 23) {
        case 0:
            sum += 3;
            break;
        case 1:
            sum ^= 0x55;
            break;
        case 2:
            sum -= i; /* fall through */
        case 3:
            sum *= 3;
            break;
        case 4:
            sum += sum >> 3;
            break;
        case 5:
            continue;
        case 6:
            sum = -sum;
            break;
        case 7:
            sum |= 1;
            break;
        case 9:
            sum &= 0xfffff;
            break;
        case 11:
            sum += 1000;
            break;
        case 12:
            sum %= 7777;
            break;
        case 20:
            sum += 2;
            break;
        default:
            sum += i;
            break;
        }
    }
    return sum;
}

static NOINLINE const char *words(int i) {
    switch (i) {
    case 0:
        return "zero";
    case 1:
        return "one";
    case 2:
        return "two";
    case 3:
        return "three";
    case 4:
        return "four";
    default:
        return "many";
    }
}

/* Jumps into and out of loops. */
static NOINLINE int knot(int n) {
    int i = 0, j = 1, sum = 0;
    goto middle;
top:
    i++;
    point();
    if (i > n)
        return sum;
    for (j = 0; j < 3; j++) {
        sum += j;
        if (sum % 11 == 0)
            goto top;
    middle:
        point();
        sum += 2;
    }
    goto top;
}

int main(void) {
    const int factorial_like[] = {PUSH, 1, SWAP, DUP,  PUSH, 3,   ADD,  DROP, DEC, SWAP,
                                  PUSH, 5, MUL,  PUSH, 1,    ADD, SWAP, JNZ,  3,   HALT};
    printf("interpret %ld\n", interpret(factorial_like, 50));
    printf("table %d\n", table(500));
    for (int i = -1; i < 6; i++)
        printf("%s ", words(i));
    printf("\nknot %d\n", knot(30));
    return 0;
}
