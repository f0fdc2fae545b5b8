/* SPDX-License-Identifier: MIT */
/* Structs of many sizes and kinds by value, as arguments and results, also through function pointers. */
#include "e2e.h"

#define SIZED(N)                                                                                             \
    struct bytes##N {                                                                                        \
        unsigned char b[N];                                                                                  \
    };                                                                                                       \
    static NOINLINE struct bytes##N make##N(int seed) {                                                      \
        struct bytes##N s;                                                                                   \
        for (int i = 0; i < N; i++) {                                                                        \
            point();                                                                                         \
            s.b[i] = (unsigned char)(seed + i * 3);                                                          \
        }                                                                                                    \
        return s;                                                                                            \
    } static NOINLINE struct bytes##N add##N(struct bytes##N a, struct bytes##N b) {                         \
        point();                                                                                             \
        for (int i = 0; i < N; i++)                                                                          \
            a.b[i] = (unsigned char)(a.b[i] + b.b[i]);                                                       \
        point();                                                                                             \
        return a;                                                                                            \
    } static NOINLINE void test##N(void) {                                                                   \
        struct bytes##N (*volatile through)(struct bytes##N, struct bytes##N) = add##N;                      \
        struct bytes##N a = make##N(N), b = make##N(100);                                                    \
        struct bytes##N c = through(a, add##N(a, b));                                                        \
        point();                                                                                             \
        printf("%d %016llx\n", N, (unsigned long long)hash_bytes(&c, sizeof c));                             \
    }

#define ALL(DO)                                                                                              \
    DO(1)                                                                                                    \
    DO(2) DO(3) DO(4) DO(5) DO(7) DO(8) DO(9) DO(12) DO(15) DO(16) DO(17) DO(24) DO(32) DO(33) DO(64)        \
        DO(200)

ALL(SIZED)

struct one_float {
    float f;
};
struct two_floats {
    float a, b;
};
struct three_floats {
    float a, b, c;
};
struct float_int {
    float f;
    int i;
};
struct double_char {
    double d;
    char c;
};
struct two_doubles {
    double a, b;
};
struct four_doubles {
    double v[4];
};
struct nested {
    struct two_floats f;
    struct {
        short s;
        char c;
    } in;
    void *p;
};
struct __attribute__((packed)) packed {
    char c;
    long l;
    short s;
};
union either {
    double d;
    long l;
};

static NOINLINE struct two_floats swap(struct two_floats s) {
    point();
    return (struct two_floats){s.b, s.a};
}
static NOINLINE struct three_floats turn(struct three_floats s) {
    point();
    return (struct three_floats){s.b, s.c, s.a};
}
static NOINLINE struct float_int mix(struct one_float f, struct float_int s) {
    point();
    return (struct float_int){f.f + s.f, s.i + 1};
}
static NOINLINE struct double_char next(struct double_char s, struct two_doubles t) {
    point();
    return (struct double_char){s.d * t.a + t.b, (char)(s.c + 1)};
}
static NOINLINE struct four_doubles scale(struct four_doubles s, double by) {
    for (int i = 0; i < 4; i++) {
        point();
        s.v[i] *= by;
    }
    return s;
}
static NOINLINE struct nested deeper(struct nested s, struct packed p, union either e) {
    point();
    s.in.s = (short)(s.in.s + p.s);
    s.f.a += (float)e.d;
    s.in.c = p.c;
    return s;
}

/* More arguments than registers. */
static NOINLINE long crowded(int a, struct bytes16 b, double c, struct bytes24 d, long e, float f,
                             struct bytes9 g, int h, struct two_doubles i, char j, short k, struct bytes3 l) {
    point();
    return a + b.b[15] + (long)c + d.b[23] + e + (long)f + g.b[8] + h + (long)i.b + j + k + l.b[2];
}

int main(void) {
#define RUN(N) test##N();
    ALL(RUN)
    struct two_floats two = swap(swap(swap((struct two_floats){1.5f, 2.5f})));
    struct three_floats three = turn(turn((struct three_floats){1, 2, 3}));
    struct float_int fi = mix((struct one_float){0.5f}, (struct float_int){1.25f, 7});
    struct double_char dc = {1.5, 'a'};
    for (int i = 0; i < 5; i++)
        dc = next(dc, (struct two_doubles){2, 0.25});
    struct four_doubles four = scale((struct four_doubles){{1, 2, 3, 4}}, 1.5);
    struct nested n = deeper((struct nested){{1, 2}, {3, 4}, &two}, (struct packed){'x', 1L << 40, 9},
                             (union either){.d = 0.5});
    point();
    printf("%g %g | %g %g %g | %g %d | %g %c | %g | %g %d %c %d\n", two.a, two.b, three.a, three.b, three.c,
           fi.f, fi.i, dc.d, dc.c, four.v[3], n.f.a, n.in.s, n.in.c, n.p == &two);
    printf("%ld\n", crowded(1, make16(2), 3.5, make24(4), 5, 6.5f, make9(7), 8, (struct two_doubles){9, 10},
                            11, 12, make3(13)));
    return 0;
}
