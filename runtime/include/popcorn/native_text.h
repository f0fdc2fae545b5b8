/* SPDX-License-Identifier: MIT */
/*
 * Whose fault is it? That of a native function in POPCORN_SECTION_PROGRAM is the program's, as if it were a
 * function of the program: it acts on the program's pointers. That of any other native code between these two
 * symbols of popcorn-ld's is the run time's. (The stubs that save and load the program's registers lie
 * outside.)
 */
#ifndef POPCORN_NATIVE_TEXT_H
#define POPCORN_NATIVE_TEXT_H

#ifdef POPCORN_OWN_COPY /* of such functions, which the run time calls by itself */
#define POPCORN_SECTION_PROGRAM ".text.own"
#else
#define POPCORN_SECTION_PROGRAM ".text.program"
#endif

extern const char __popcorn_native_start[], __popcorn_native_end[];

#endif
