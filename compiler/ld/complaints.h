/* SPDX-License-Identifier: MIT */
/* What lld complains of, in one line each. */
#ifndef POPCORN_LD_COMPLAINTS_H
#define POPCORN_LD_COMPLAINTS_H

#include <stdio.h>

/*
 * Reads lld's standard error and prints one line for each error, with the places that lld names below it in
 * the program's own files. Other text is passed on.
 */
void complaints_print(FILE *from, FILE *to);

#endif
