/* SPDX-License-Identifier: MIT */
/* What the files of node/ share. */
#ifndef NODE_INTERNAL_H
#define NODE_INTERNAL_H

#include "node/mailbox.h"
#include "node/nodes.h"
#include "popcorn/backend.h"
#include "popcorn/control.h"
#include "popcorn/stack.h"
#include "syscall/kernel.h"

extern const struct popcorn_backend local_backend;

#endif
