; SPDX-License-Identifier: MIT
; Two functions with three call sites: values in registers, spilled, constant; a frame image; a call that pushes
; arguments on x86_64.

; What the pass says of sites 1, with five live slots, and 2, with one.
@frames = private constant <{ i32, i32, i32, i32, i32, i32, i16, i16, i8, i8 }>
    <{ i32 3, i32 1, i32 2, i32 0, i32 1, i32 0, i16 5, i16 0, i8 31, i8 1 }>, section ".popcorn.frames"

declare void @callee()
declare void @many(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64)
declare token @llvm.experimental.gc.statepoint.p0(i64 immarg, i32 immarg, ptr, i32 immarg, i32 immarg, ...)

define i64 @plain(i64 %a, i32 %b, double %c) uwtable gc "statepoint-example" {
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 2, i32 0, ptr elementtype(void ()) @callee, i32 0, i32 0, i32 0, i32 0) ["deopt"(i64 %a, i32 %b, double %c, i64 -7, i64 1311768467463790320)]
  %u = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 4, i32 0, ptr elementtype(void (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64)) @many, i32 12, i32 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7, i64 8, i64 9, i64 10, i64 11, i64 12, i32 0, i32 0) ["deopt"(i64 %a)]
  %w = sext i32 %b to i64
  %r = add i64 %a, %w
  ret i64 %r
}

define void @resume(ptr %record) uwtable gc "statepoint-example" {
  %image = alloca [8 x i64], align 16
  store volatile i64 5, ptr %image
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 1, i32 0, ptr elementtype(void ()) @callee, i32 0, i32 0, i32 0, i32 0) ["deopt"(ptr %image)]
  ret void
}
