/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/popcorn: what user space asks, and who may ask it. */
#ifndef _POPCORN_DEVICE_H
#define _POPCORN_DEVICE_H

int popcorn_device_init(void);
void popcorn_device_exit(void);

#endif
