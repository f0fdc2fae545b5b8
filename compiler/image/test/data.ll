; SPDX-License-Identifier: MIT
; Portable data and functions, and what the linked test images lack.

@constant = constant [4 x i32] [i32 1, i32 2, i32 3, i32 4], section ".popcorn.rodata", align 8
@variable = global ptr @portable, section ".popcorn.data", align 8
@zero = global [16 x i8] zeroinitializer, section ".bss.popcorn", align 8

define void @portable() section ".text.portable.0" align 16 {
  ret void
}

define i64 @larger(i64 %a, i64 %b) section ".text.portable.1" align 16 {
  %c = udiv i64 %a, %b
  %d = urem i64 %a, %b
  %e = xor i64 %c, %d
  %f = mul i64 %e, 81985529216486895
  ret i64 %f
}

define void @last() section ".text.portable.2" align 64 {
  ret void
}

define void @callee() {
  ret void
}

define void @many(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) {
  ret void
}
