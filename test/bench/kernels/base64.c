/* SPDX-License-Identifier: MIT */
/* Base64 there and back; to upper case; hexadecimal. */
#include <stdio.h>
#include <string.h>

enum { N = 96 * 1024 };
static unsigned char data[N], back[N + 3];
static char text[N * 2];
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(char *to, const unsigned char *p, size_t n) {
    char *begin = to;
    for (size_t i = 0; i + 2 < n; i += 3) {
        unsigned v = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];
        *to++ = letters[v >> 18];
        *to++ = letters[v >> 12 & 63];
        *to++ = letters[v >> 6 & 63];
        *to++ = letters[v & 63];
    }
    return (size_t)(to - begin);
}

static size_t decode(unsigned char *to, const char *p, size_t n) {
    static signed char value[256];
    unsigned char *begin = to;
    for (int i = 0; i < 64; i++)
        value[(unsigned char)letters[i]] = (signed char)i;
    for (size_t i = 0; i + 3 < n; i += 4) {
        int v = 0;
        for (int k = 0; k < 4; k++)
            v = v << 6 | value[(unsigned char)p[i + k]];
        *to++ = (unsigned char)(v >> 16);
        *to++ = (unsigned char)(v >> 8);
        *to++ = (unsigned char)v;
    }
    return (size_t)(to - begin);
}

static void hexadecimal(char *to, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[p[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
}

static void upper(char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 'a' && s[i] <= 'z')
            s[i] = (char)(s[i] - 'a' + 'A');
}

int main(void) {
    unsigned sum = 0;
    for (int i = 0; i < N; i++)
        data[i] = (unsigned char)(i * 31 >> 2);
    for (int round = 0; round < 400; round++) {
        size_t n = encode(text, data, N);
        n = decode(back, text, n);
        sum = sum * 31 + (memcmp(back, data, n) == 0) + text[round];
        hexadecimal(text, data, N);
        upper(text, 2 * N);
        sum = sum * 31 + (unsigned)text[round * 3];
    }
    printf("%u\n", sum);
    return 0;
}
