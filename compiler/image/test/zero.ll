; SPDX-License-Identifier: MIT
; A call across which lives the upper half of a value that was widened: aarch64 and riscv64 have it in their zero
; registers.

; What the pass says of site 1: two live slots.
@frames = private constant <{ i32, i32, i32, i32, i32, i32, i16, i16, i8 }>
    <{ i32 2, i32 1, i32 1, i32 0, i32 1, i32 0, i16 2, i16 0, i8 3 }>, section ".popcorn.frames"

declare void @callee()
declare token @llvm.experimental.gc.statepoint.p0(i64 immarg, i32 immarg, ptr, i32 immarg, i32 immarg, ...)

define i128 @wide(i64 %a, i64 %n) uwtable gc "statepoint-example" {
entry:
  br label %loop

loop:
  %sum = phi i128 [ 0, %entry ], [ %next, %body ]
  %i = phi i64 [ 0, %entry ], [ %i1, %body ]
  %low = trunc i128 %sum to i64
  %widened = zext i64 %low to i128
  %more = icmp ult i64 %i, %n
  br i1 %more, label %body, label %out

body:
  %upper = lshr i128 %widened, 64
  %high = trunc i128 %upper to i64
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 2, i32 0, ptr elementtype(void ()) @callee, i32 0, i32 0, i32 0, i32 0) ["deopt"(i64 %high, i64 %low)]
  %i1 = add i64 %i, 1
  %next = add i128 %widened, 12345
  br label %loop

out:
  ret i128 %widened
}
