/* SPDX-License-Identifier: MIT */
/* Conversions that code generators call: from and to floating point of 16 and 128 bits, and integers of 128
 * bits. */
#include "values.h"

#define CONVERT(name, from, from_type, to, to_type, format)                                                  \
    to_type name(from_type value);                                                                           \
    to_type name(from_type value) {                                                                          \
        return to##_make(convert(from##_take(value), format));                                               \
    }

CONVERT(__gnu_h2f_ieee, half, _Float16, float, float, FORMAT_FLOAT)
CONVERT(__gnu_f2h_ieee, float, float, half, _Float16, FORMAT_HALF)
CONVERT(__extendbfsf2, bfloat, __bf16, float, float, FORMAT_FLOAT)
CONVERT(__extendhfdf2, half, _Float16, double, double, FORMAT_DOUBLE)
CONVERT(__extendhfsf2, half, _Float16, float, float, FORMAT_FLOAT)
CONVERT(__extendhftf2, half, _Float16, quad, quad, FORMAT_QUAD)
CONVERT(__extendsftf2, float, float, quad, quad, FORMAT_QUAD)
CONVERT(__extenddftf2, double, double, quad, quad, FORMAT_QUAD)
CONVERT(__truncsfhf2, float, float, half, _Float16, FORMAT_HALF)
CONVERT(__truncdfhf2, double, double, half, _Float16, FORMAT_HALF)
CONVERT(__trunctfhf2, quad, quad, half, _Float16, FORMAT_HALF)
CONVERT(__truncsfbf2, float, float, bfloat, __bf16, FORMAT_BFLOAT)
CONVERT(__truncdfbf2, double, double, bfloat, __bf16, FORMAT_BFLOAT)
CONVERT(__trunctfsf2, quad, quad, float, float, FORMAT_FLOAT)
CONVERT(__trunctfdf2, quad, quad, double, double, FORMAT_DOUBLE)

#define FROM_INTEGER(name, from_type, is_negative, to, to_type, format)                                      \
    to_type name(from_type value);                                                                           \
    to_type name(from_type value) {                                                                          \
        bool negative = is_negative;                                                                         \
        return to##_make(from_integer(negative, negative ? -(uint128)value : (uint128)value, format));       \
    }

FROM_INTEGER(__floatsitf, int32_t, value < 0, quad, quad, FORMAT_QUAD)
FROM_INTEGER(__floatditf, int64_t, value < 0, quad, quad, FORMAT_QUAD)
FROM_INTEGER(__floattitf, int128, value < 0, quad, quad, FORMAT_QUAD)
FROM_INTEGER(__floatunsitf, uint32_t, false, quad, quad, FORMAT_QUAD)
FROM_INTEGER(__floatunditf, uint64_t, false, quad, quad, FORMAT_QUAD)
FROM_INTEGER(__floatuntitf, uint128, false, quad, quad, FORMAT_QUAD)
FROM_INTEGER(__floatsihf, int32_t, value < 0, half, _Float16, FORMAT_HALF)
FROM_INTEGER(__floatdihf, int64_t, value < 0, half, _Float16, FORMAT_HALF)
FROM_INTEGER(__floatunsihf, uint32_t, false, half, _Float16, FORMAT_HALF)
FROM_INTEGER(__floatundihf, uint64_t, false, half, _Float16, FORMAT_HALF)
FROM_INTEGER(__floattihf, int128, value < 0, half, _Float16, FORMAT_HALF)
FROM_INTEGER(__floattisf, int128, value < 0, float, float, FORMAT_FLOAT)
FROM_INTEGER(__floattidf, int128, value < 0, double, double, FORMAT_DOUBLE)
FROM_INTEGER(__floatuntihf, uint128, false, half, _Float16, FORMAT_HALF)
FROM_INTEGER(__floatuntisf, uint128, false, float, float, FORMAT_FLOAT)
FROM_INTEGER(__floatuntidf, uint128, false, double, double, FORMAT_DOUBLE)

#define TO_INTEGER(name, from, from_type, to_type, is_signed)                                                \
    to_type name(from_type value);                                                                           \
    to_type name(from_type value) {                                                                          \
        return (to_type)to_integer(from##_take(value), 8 * sizeof(to_type), is_signed);                      \
    }

TO_INTEGER(__fixtfsi, quad, quad, int32_t, true)
TO_INTEGER(__fixtfdi, quad, quad, int64_t, true)
TO_INTEGER(__fixtfti, quad, quad, int128, true)
TO_INTEGER(__fixunstfsi, quad, quad, uint32_t, false)
TO_INTEGER(__fixunstfdi, quad, quad, uint64_t, false)
TO_INTEGER(__fixunstfti, quad, quad, uint128, false)
TO_INTEGER(__fixhfsi, half, _Float16, int32_t, true)
TO_INTEGER(__fixhfdi, half, _Float16, int64_t, true)
TO_INTEGER(__fixunshfsi, half, _Float16, uint32_t, false)
TO_INTEGER(__fixunshfdi, half, _Float16, uint64_t, false)
TO_INTEGER(__fixhfti, half, _Float16, int128, true)
TO_INTEGER(__fixsfti, float, float, int128, true)
TO_INTEGER(__fixdfti, double, double, int128, true)
TO_INTEGER(__fixunshfti, half, _Float16, uint128, false)
TO_INTEGER(__fixunssfti, float, float, uint128, false)
TO_INTEGER(__fixunsdfti, double, double, uint128, false)
