/* SPDX-License-Identifier: MIT */
#ifndef POPCORN_LD_DIE_H
#define POPCORN_LD_DIE_H

/* Prints "popcorn-ld: error: …" as one line, cleans up (work.h) and exits with 1. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);

/* The same without a line: a program that was run has said what is wrong. */
__attribute__((noreturn)) void die_quietly(void);

#endif
