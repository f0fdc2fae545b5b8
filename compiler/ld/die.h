/* SPDX-License-Identifier: MIT */
#ifndef POPCORN_LD_DIE_H
#define POPCORN_LD_DIE_H

/*
 * popcorn-ld's exit code after an error: EX_IOERR of sysexits, the one after which clang does not add a line
 * of its own that the linker has failed.
 */
#define EXIT_QUIETLY 74

/* Prints "popcorn-ld: error: …" as one line, cleans up (work.h) and exits with EXIT_QUIETLY. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);

/* The same without a line: a program that was run has said what is wrong. */
__attribute__((noreturn)) void die_quietly(void);

#endif
