/* SPDX-License-Identifier: MIT */
/*
 * Connections whose other end has not said yet who it is. Anybody who reaches this machine can make them, so
 * there are only so many, and each has so much time. What a function here shuts down is closed by its owner.
 */
#ifndef AGENT_GUESTS_H
#define AGENT_GUESTS_H

/* A connection has come. If there are too many, the oldest one is shut down. */
void guests_enter(int socket);

/* It is known, or refused. Before its owner closes it. */
void guests_leave(int socket);

/* Shuts down those whose time is over: to be called every second or so. */
void guests_watch(void);

#endif
