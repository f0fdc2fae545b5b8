/* SPDX-License-Identifier: MIT */
/* SIMD values: loops that vectorise, and vector types that are live at migration points. */
#include "e2e.h"

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int64_t i64x4 __attribute__((vector_size(32)));
typedef int16_t i16x2 __attribute__((vector_size(4)));

static NOINLINE float dot(const float *a, const float *b, int n) {
    f32x4 sum = {0, 0, 0, 0};
    for (int i = 0; i + 4 <= n; i += 4) {
        f32x4 x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sum += x * y;
        point();
    }
    return sum[0] + sum[1] + sum[2] + sum[3];
}

static NOINLINE i32x4 rotate(i32x4 v, int turns) {
    for (int i = 0; i < turns; i++) {
        v = __builtin_shufflevector(v, v, 1, 2, 3, 0) + i;
        point();
    }
    return v;
}

static NOINLINE uint64_t many_live(void) {
    f64x2 a = {1, 2}, b = {3, 4}, c = {5, 6};
    u8x16 bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    i64x4 wide = {1, -2, 3, -4};
    i16x2 tiny = {7, -7};
    for (int i = 0; i < 50; i++) {
        a = a * b - c;
        point();
        b = b + (f64x2){0.25, -0.25};
        c = c + __builtin_convertvector(a > b, f64x2) * 0.5 + 2;
        bytes = bytes * 3 + 1;
        wide =
            wide * 5 + __builtin_convertvector(tiny, __typeof__(int64_t __attribute__((vector_size(16)))))[0];
        point();
        tiny += (i16x2){1, 2};
        if (a[0] > 1e6 || a[0] < -1e6)
            a = (f64x2){1, 2};
    }
    return hash_bytes(&b, sizeof b) ^ hash_bytes(&bytes, 16) ^ hash_bytes(&wide, 32) ^ hash_bytes(&tiny, 4) ^
           hash_bytes(&c, sizeof c);
}

/* No vector types: the compiler makes them. */
static NOINLINE void saxpy(float *restrict y, const float *restrict x, float a, int n) {
    for (int i = 0; i < n; i++)
        y[i] += a * x[i];
}

static NOINLINE long sum_of(const int *v, int n) {
    long sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i] * (long)(i & 7);
    return sum;
}

int main(void) {
    enum { N = 4096 };
    static float x[N], y[N];
    static int v[N];
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i % 97) / 8;
        y[i] = (float)(i % 31) / 4;
        v[i] = i * 17 % 1001;
    }
    printf("dot %.6g\n", (double)dot(x, y, 512));
    i32x4 r = rotate((i32x4){1, 2, 3, 4}, 21);
    printf("rotate %d %d %d %d\n", r[0], r[1], r[2], r[3]);
    printf("live %016llx\n", (unsigned long long)many_live());
    for (int i = 0; i < 20; i++) {
        saxpy(y, x, 0.5f, N);
        point();
    }
    printf("saxpy %016llx\n", (unsigned long long)hash_bytes(y, sizeof y));
    printf("sum %ld\n", sum_of(v, N));
    return 0;
}
