/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic that code generators call by name where an ISA has no instruction for it. It is called after
 * the pass, by each backend in its own ISA's convention, so it must be native code: compiler-rt's and ours,
 * the same source for every ISA, in libarithmetic.a. What is not listed here of compiler-rt is an ordinary
 * part of the module (sysroot/lib/libbuiltins.a).
 *
 * A program may call these by name too, by the signature that stands here and no other: of scalars up to 128
 * bits, backends agree with the front end about where they travel; of complex numbers they do not.
 *
 * X(name, signature): the result's letter, then those of the parameters.
 *   i 32-bit integer   l 64-bit   t 128-bit   p pointer
 *   h half   b bfloat   f float   d double   q IEEE binary128
 */
#ifndef POPCORN_HELPERS_H
#define POPCORN_HELPERS_H

#define POPCORN_HELPERS(X)                                                                                   \
    /* 128-bit integers. */                                                                                  \
    X(__ashlti3, "tti")                                                                                      \
    X(__ashrti3, "tti")                                                                                      \
    X(__lshrti3, "tti")                                                                                      \
    X(__multi3, "ttt")                                                                                       \
    X(__divti3, "ttt")                                                                                       \
    X(__modti3, "ttt")                                                                                       \
    X(__udivti3, "ttt")                                                                                      \
    X(__umodti3, "ttt")                                                                                      \
    X(__mulodi4, "lllp")                                                                                     \
    X(__muloti4, "tttp")                                                                                     \
    /* Between them and floating point. */                                                                   \
    X(__fixhfti, "th")                                                                                       \
    X(__fixsfti, "tf")                                                                                       \
    X(__fixdfti, "td")                                                                                       \
    X(__fixunshfti, "th")                                                                                    \
    X(__fixunssfti, "tf")                                                                                    \
    X(__fixunsdfti, "td")                                                                                    \
    X(__floattihf, "ht")                                                                                     \
    X(__floattisf, "ft")                                                                                     \
    X(__floattidf, "dt")                                                                                     \
    X(__floatuntihf, "ht")                                                                                   \
    X(__floatuntisf, "ft")                                                                                   \
    X(__floatuntidf, "dt")                                                                                   \
    /* Powers with an integer exponent. */                                                                   \
    X(__powisf2, "ffi")                                                                                      \
    X(__powidf2, "ddi")                                                                                      \
    X(__powitf2, "qqi")                                                                                      \
    /* Floating point of 16 bits. */                                                                         \
    X(__gnu_h2f_ieee, "fh")                                                                                  \
    X(__gnu_f2h_ieee, "hf")                                                                                  \
    X(__extendhfsf2, "fh")                                                                                   \
    X(__extendhfdf2, "dh")                                                                                   \
    X(__extendbfsf2, "fb")                                                                                   \
    X(__truncsfhf2, "hf")                                                                                    \
    X(__truncdfhf2, "hd")                                                                                    \
    X(__truncsfbf2, "bf")                                                                                    \
    X(__truncdfbf2, "bd")                                                                                    \
    X(__fixhfsi, "ih")                                                                                       \
    X(__fixhfdi, "lh")                                                                                       \
    X(__fixunshfsi, "ih")                                                                                    \
    X(__fixunshfdi, "lh")                                                                                    \
    X(__floatsihf, "hi")                                                                                     \
    X(__floatdihf, "hl")                                                                                     \
    X(__floatunsihf, "hi")                                                                                   \
    X(__floatundihf, "hl")                                                                                   \
    /* Floating point of 128 bits. */                                                                        \
    X(__addtf3, "qqq")                                                                                       \
    X(__subtf3, "qqq")                                                                                       \
    X(__multf3, "qqq")                                                                                       \
    X(__divtf3, "qqq")                                                                                       \
    X(__eqtf2, "iqq")                                                                                        \
    X(__netf2, "iqq")                                                                                        \
    X(__getf2, "iqq")                                                                                        \
    X(__gttf2, "iqq")                                                                                        \
    X(__letf2, "iqq")                                                                                        \
    X(__lttf2, "iqq")                                                                                        \
    X(__unordtf2, "iqq")                                                                                     \
    X(__extendhftf2, "qh")                                                                                   \
    X(__extendsftf2, "qf")                                                                                   \
    X(__extenddftf2, "qd")                                                                                   \
    X(__trunctfhf2, "hq")                                                                                    \
    X(__trunctfsf2, "fq")                                                                                    \
    X(__trunctfdf2, "dq")                                                                                    \
    X(__fixtfsi, "iq")                                                                                       \
    X(__fixtfdi, "lq")                                                                                       \
    X(__fixtfti, "tq")                                                                                       \
    X(__fixunstfsi, "iq")                                                                                    \
    X(__fixunstfdi, "lq")                                                                                    \
    X(__fixunstfti, "tq")                                                                                    \
    X(__floatsitf, "qi")                                                                                     \
    X(__floatditf, "ql")                                                                                     \
    X(__floattitf, "qt")                                                                                     \
    X(__floatunsitf, "qi")                                                                                   \
    X(__floatunditf, "ql")                                                                                   \
    X(__floatuntitf, "qt")

#endif
