/* SPDX-License-Identifier: MIT */
/* Makes the process in which a program of another machine runs here. */
#ifndef AGENT_LAUNCH_H
#define AGENT_LAUNCH_H

#include <uapi/popcorn.h>

/*
 * Runs the image as the request's user, and waits until the process has adopted the program or failed to. The
 * image's descriptor stays the caller's. 0, or a positive errno with a line in `error`.
 */
int launch(const struct popcorn_clone_request *, int self, int image, char error[256]);

#endif
