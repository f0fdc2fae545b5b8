/* SPDX-License-Identifier: MIT */
/* How ioctl numbers are made up, for the module's uapi header; the same on all ISAs here. */
#ifndef POPCORN_LINUX_IOCTL_H
#define POPCORN_LINUX_IOCTL_H

#define POPCORN_IOC(direction, type, number, size)                                                           \
    ((direction) << 30 | (unsigned)(size) << 16 | (unsigned)(type) << 8 | (number))
#define _IO(type, number) POPCORN_IOC(0U, type, number, 0)
#define _IOW(type, number, argument) POPCORN_IOC(1U, type, number, sizeof(argument))
#define _IOR(type, number, argument) POPCORN_IOC(2U, type, number, sizeof(argument))
#define _IOWR(type, number, argument) POPCORN_IOC(3U, type, number, sizeof(argument))

#endif
