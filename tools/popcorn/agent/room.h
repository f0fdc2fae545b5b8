/* SPDX-License-Identifier: MIT */
/* The room that images may take: what has not been used for longest goes first. */
#ifndef AGENT_ROOM_H
#define AGENT_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#define ROOM_TOTAL (1ULL << 30)        /* bytes of all images */
#define ROOM_LARGEST (ROOM_TOTAL >> 2) /* of one */

/* Makes room in the folder for an image that is to come; room_release() when it has come, or will not. */
bool room_reserve(const char *folder, uint64_t size);
void room_release(uint64_t size);

/* The image has been used. */
void room_used(int image);

#endif
