/* SPDX-License-Identifier: MIT */
/* A power of five is the product of a larger one, of which there is one in 27, and of one that fits in a
 * word. */
#include "five.h"

enum { STEP = 27, BLOCKS = 26, FIRST = FIVE_LEAST / STEP };

/* 5^(STEP * (FIRST + i)) = (high : low + x) * 2^exponent, 0 <= x < 1; those from 5^0 to 5^(2 * STEP) are
 * exact. */
static const struct five large[BLOCKS] = {
    {0x8049a4ac0c5811ae, 0x205b896d777d6278, -942}, {0xcf42894a5dce35ea, 0x52064cac828675b9, -880},
    {0xa76c582338ed2621, 0xaf2af2b80af6f24e, -817}, {0x873e4f75e2224e68, 0x5a7744a6e804a291, -754},
    {0xda7f5bf590966848, 0xaf39a475506a899e, -692}, {0xb080392cc4349dec, 0xbd8d794d96aacfb3, -629},
    {0x8e938662882af53e, 0x547eb47b7282ee9c, -566}, {0xe65829b3046b0afa, 0x0cb4a5a3112a5112, -504},
    {0xba121a4650e4ddeb, 0x92f34d62616ce413, -441}, {0x964e858c91ba2655, 0x3a6a07f8d510f86f, -378},
    {0xf2d56790ab41c2a2, 0xfae27299423fb9c3, -316}, {0xc428d05aa4751e4c, 0xaa97e14c3c26b886, -253},
    {0x9e74d1b791e07e48, 0x775ea264cf55347d, -190}, {0x8000000000000000, 0x0000000000000000, -127},
    {0xcecb8f27f4200f3a, 0x0000000000000000, -65},  {0xa70c3c40a64e6c51, 0x999090b65f67d924, -2},
    {0x86f0ac99b4e8dafd, 0x69a028bb3ded71a3, 61},   {0xda01ee641a708de9, 0xe80e6f4820cc9495, 123},
    {0xb01ae745b101e9e4, 0x5ec05dcff72e7f8f, 186},  {0x8e41ade9fbebc27d, 0x14588f13be847307, 249},
    {0xe5d3ef282a242e81, 0x8f1668c8a86da5fa, 311},  {0xb9a74a0637ce2ee1, 0x6d953e2bd7173692, 374},
    {0x95f83d0a1fb69cd9, 0x4abdaf101564f98e, 437},  {0xf24a01a73cf2dccf, 0xbc633b39673c8cec, 499},
    {0xc3b8358109e84f07, 0x0a862f80ec4700c8, 562},  {0x9e19db92b4e31ba9, 0x6c07a2c26a8346d1, 625},
};

static const uint64_t small[STEP] = {
    0x1,
    0x5,
    0x19,
    0x7d,
    0x271,
    0xc35,
    0x3d09,
    0x1312d,
    0x5f5e1,
    0x1dcd65,
    0x9502f9,
    0x2e90edd,
    0xe8d4a51,
    0x48c27395,
    0x16bcc41e9,
    0x71afd498d,
    0x2386f26fc1,
    0xb1a2bc2ec5,
    0x3782dace9d9,
    0x1158e460913d,
    0x56bc75e2d631,
    0x1b1ae4d6e2ef5,
    0x878678326eac9,
    0x2a5a058fc295ed,
    0xd3c21bcecceda1,
    0x422ca8b0a00a425,
    0x14adf4b7320334b9,
};

bool __popcorn_five(int power, struct five *five) {
    int block = (power - FIVE_LEAST) / STEP, rest = power - FIVE_LEAST - block * STEP;
    int left = __builtin_clzll(small[rest]);
    uint64_t factor = small[rest] << left;
    unsigned __int128 lower = (unsigned __int128)large[block].low * factor;
    unsigned __int128 product = (unsigned __int128)large[block].high * factor + (uint64_t)(lower >> 64);
    uint64_t below = (uint64_t)lower;
    int exponent = large[block].exponent - left + 64;
    if (!(product >> 127)) {
        product = product << 1 | below >> 63;
        below <<= 1;
        exponent--;
    }
    *five = (struct five){(uint64_t)(product >> 64), (uint64_t)product, exponent};
    return block + FIRST >= 0 && block + FIRST <= 2 && !below;
}
