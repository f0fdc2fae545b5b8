/* SPDX-License-Identifier: MIT */
/*
 * How to find a caller's frame: the rules of .eh_frame (or .debug_frame), read with libdwarf.
 */
#ifndef POPCORN_FRAMES_H
#define POPCORN_FRAMES_H

#include "buffer.h"
#include "elf_image.h"
#include "popcorn/sites.h"

struct frames;

/* Opens the rules of an image (which must stay open). Null and an error if there are none or they are
 * damaged. */
struct frames *frames_open(const struct elf_image *, struct popcorn_error *);
void frames_close(struct frames *);

/*
 * Appends the rule that holds at a return address, encoded as sites.h says. Fast for ascending addresses. The
 * rule is the one of the call instruction, for a call may be the last of its function or of a block with
 * rules of its own.
 */
bool frames_rule(struct frames *, uint64_t return_address, struct buffer *, struct popcorn_error *);

#endif
