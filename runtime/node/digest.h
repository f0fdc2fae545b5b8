/* SPDX-License-Identifier: MIT */
/* The name by which machines know a program: the SHA-256 of its executable file. */
#ifndef NODE_DIGEST_H
#define NODE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

/* Of the file that this process runs. False if it cannot be read. */
bool digest_executable(uint8_t digest[32]);

#endif
