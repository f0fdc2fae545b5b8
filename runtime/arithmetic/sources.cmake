# SPDX-License-Identifier: MIT
# The arithmetic that no ISA's instructions do. Floating point is ours, as compiler-rt's rounds to nearest only and raises no
# exceptions; the rest is compiler-rt's, as two sets of its sources.

set(POPCORN_ARITHMETIC_FLOATING ${CMAKE_CURRENT_LIST_DIR}/quad.c ${CMAKE_CURRENT_LIST_DIR}/convert.c)

# What code generators call (popcorn/helpers.h lists the functions) and what that is made of: native code of each ISA.
set(POPCORN_ARITHMETIC_NATIVE
    ashlti3 ashrti3 clzti2 divti3 lshrti3 modti3 mulodi4 muloti4 multi3 powidf2 powisf2 powitf2 udivmodti4 udivti3 umodti3)

# Division of complex numbers, a part of the module, is ours too: compiler-rt's loses bits where exponents are far apart.
set(POPCORN_ARITHMETIC_COMPLEX ${CMAKE_CURRENT_LIST_DIR}/complex.c)

# Everything else that a program can name, as a part of the module.
set(POPCORN_ARITHMETIC_MODULE
    absvdi2 absvsi2 absvti2 addvdi3 addvsi3 addvti3 ashldi3 ashrdi3 bswapdi2 bswapsi2 clzdi2 clzsi2 clzti2 cmpdi2
    cmpti2 ctzdi2 ctzsi2 ctzti2 divdi3 divmoddi4 divmodsi4 divmodti4 divsi3 ffsdi2 ffssi2
    ffsti2 fixdfdi fixsfdi fixunsdfdi fixunsdfsi fixunssfdi fixunssfsi floatdidf floatdisf floatundidf floatundisf
    int_util lshrdi3 moddi3 modsi3 muldc3 muldi3 mulosi4 mulsc3 multc3 mulvdi3 mulvsi3 mulvti3 negdi2 negti2
    negvdi2 negvsi2 negvti2 paritydi2 paritysi2 parityti2 popcountdi2 popcountsi2 popcountti2 subvdi3 subvsi3
    subvti3 ucmpdi2 ucmpti2 udivdi3 udivmoddi4 udivmodsi4 udivmodti4 udivsi3 umoddi3 umodsi3)
