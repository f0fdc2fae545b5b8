/* SPDX-License-Identifier: GPL-2.0-only */
/* The connected socket of a peer: taken from the process that made it, and the module's alone from then on. */
#ifndef _POPCORN_SOCKET_H
#define _POPCORN_SOCKET_H

struct socket;

struct socket *pcn_socket_take(int fd);
void pcn_socket_keep(int fd);
void pcn_socket_put(struct socket *sock);

#endif
