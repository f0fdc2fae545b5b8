/* SPDX-License-Identifier: MIT */
/* What a small embedded benchmark does: lists, small matrices of integers, a state machine, and a checksum of
 * all. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { N = 24, ITEMS = 256 };
struct item {
    struct item *next;
    int16_t key, value;
};

static struct item items[ITEMS];
static int16_t a[N][N], b[N][N];
static int32_t c[N][N];

static uint16_t checksum(uint16_t sum, uint16_t v) {
    for (int i = 0; i < 16; i++) {
        int bit = (v ^ sum) & 1;
        sum >>= 1;
        v >>= 1;
        if (bit)
            sum ^= 0xa001;
    }
    return sum;
}

static struct item *reversed(struct item *p) {
    struct item *to = NULL;
    while (p) {
        struct item *next = p->next;
        p->next = to;
        to = p;
        p = next;
    }
    return to;
}

static struct item *find(struct item *p, int key) {
    while (p && p->key != key)
        p = p->next;
    return p;
}

static int32_t matrices(int n, int16_t add) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (int16_t)(a[i][j] + add);
            int32_t s = 0;
            for (int k = 0; k < n; k++)
                s += a[i][k] * b[k][j];
            c[i][j] = s;
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            sum += c[i][j] > sum ? 10 : c[i][j] & 7;
    return sum;
}

enum state { START, SIGN, WHOLE, FRACTION, EXPONENT, WRONG };

static enum state scan(const char *s) {
    enum state state = START;
    for (; *s && *s != ','; s++) {
        int digit = *s >= '0' && *s <= '9';
        switch (state) {
        case START:
            state = digit ? WHOLE : *s == '-' || *s == '+' ? SIGN : *s == '.' ? FRACTION : WRONG;
            break;
        case SIGN:
            state = digit ? WHOLE : *s == '.' ? FRACTION : WRONG;
            break;
        case WHOLE:
            state = digit ? WHOLE : *s == '.' ? FRACTION : *s == 'e' ? EXPONENT : WRONG;
            break;
        case FRACTION:
            state = digit ? FRACTION : *s == 'e' ? EXPONENT : WRONG;
            break;
        case EXPONENT:
            state = digit || *s == '-' ? EXPONENT : WRONG;
            break;
        case WRONG:
            return WRONG;
        }
    }
    return state;
}

int main(void) {
    static const char *const numbers[] = {"5012",     "-874.25", "1.5e-12", ".7",
                                          "T0.3e-1F", "+64",     "12e34x",  "0.0001"};
    uint16_t sum = 0;
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){i + 1 < ITEMS ? &items[i + 1] : NULL, (int16_t)(i * 37 % ITEMS), (int16_t)i};
    for (int i = 0; i < N * N; i++) {
        a[i / N][i % N] = (int16_t)(i % 13);
        b[i / N][i % N] = (int16_t)(i % 7);
    }
    struct item *list = items;
    for (int round = 0; round < 9000; round++) {
        list = reversed(list);
        for (int k = 0; k < 12; k++) {
            struct item *found = find(list, (round + k * 19) % ITEMS);
            sum = checksum(sum, (uint16_t)(found ? found->value : -1));
        }
        sum = checksum(sum, (uint16_t)matrices(N, (int16_t)(round & 1 ? 1 : -1)));
        for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++)
            sum = checksum(sum, (uint16_t)scan(numbers[k]));
    }
    printf("%u\n", sum);
    return 0;
}
