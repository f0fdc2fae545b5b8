/* SPDX-License-Identifier: MIT */
typedef unsigned long __jmp_buf[34]; /* POPCORN_JUMP_WORDS; struct popcorn_jump in the run time */
