/* SPDX-License-Identifier: MIT */
/* Nothing: the native start code calls _start_c with a portable copy of the initial stack. */
