/* SPDX-License-Identifier: MIT */
/*
 * Included before each file of libc whose work is bounded by its arguments: the pass recognises the section
 * and puts no migration points into these functions (compiler/pass/Points.cpp).
 */
#pragma clang section text = ".text.popcorn.plain"
