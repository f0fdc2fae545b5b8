/* SPDX-License-Identifier: MIT */
/* Checksums: CRC-32 by bytes and by bits, Adler-32, Fletcher. */
#include <stdint.h>
#include <stdio.h>

enum { N = 1 << 18 };
static uint8_t data[N];
static uint32_t table[256];

static uint32_t crc_bytes(const uint8_t *p, size_t n) {
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++)
        c = table[(c ^ p[i]) & 255] ^ c >> 8;
    return ~c;
}

static uint16_t crc_bits(const uint8_t *p, size_t n) {
    uint16_t c = 0;
    for (size_t i = 0; i < n; i++) {
        c = (uint16_t)(c ^ p[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            c = (uint16_t)(c & 0x8000 ? c << 1 ^ 0x1021 : c << 1);
    }
    return c;
}

static uint32_t adler(const uint8_t *p, size_t n) {
    uint32_t a = 1, b = 0;
    while (n) {
        size_t part = n < 5552 ? n : 5552;
        for (size_t i = 0; i < part; i++) {
            a += p[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
        p += part;
        n -= part;
    }
    return b << 16 | a;
}

static uint32_t sum_of(const uint8_t *p, size_t n) {
    uint32_t s = 0;
    for (size_t i = 0; i < n; i++)
        s += p[i];
    return s;
}

int main(void) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        table[i] = c;
    }
    for (int i = 0; i < N; i++)
        data[i] = (uint8_t)(i * 131 >> 3);
    for (int round = 0; round < 120; round++) {
        data[round] ^= 1;
        sum = sum * 31 + crc_bytes(data, N) + adler(data, N) + sum_of(data, N);
        if (round % 4 == 0)
            sum = sum * 31 + crc_bits(data, N);
    }
    printf("%u\n", sum);
    return 0;
}
