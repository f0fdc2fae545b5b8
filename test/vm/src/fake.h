/* SPDX-License-Identifier: MIT */
/*
 * A node that is played by a test: node 9 or one of the next, at the other end of a socket pair. The header
 * is written down here once more, by hand: should the module's idea of it change, the tests notice.
 */
#ifndef FAKE_H
#define FAKE_H

#include "vm.h"

#define FAKE 9u

struct fake_header {
    uint32_t magic;
    uint8_t version, type;
    uint16_t flags;
    uint32_t length, seq;
    uint64_t id;
};

enum {
    HELLO = 1,
    KEEPALIVE,
    TASK_MIGRATE,
    MIGRATE_NACK,
    PAIRING,
    MIGRATE_BACK,
    EXIT_ORIGIN,
    EXIT_REMOTE,
    SYSCALL_FWD,
    SIGNAL_FWD,
    REMOTE_PAGE,
    PAGE_FETCH,
    PAGE_INVALIDATE,
    PAGE_DISCARD,
    WORKER_TELL,
    TASK_CANCEL,
    TYPES
};
enum { REQUEST = 1, REPLY = 2, NACK = 4 };

uint32_t fake_random(uint32_t n); /* below n */
void fake_fill(uint8_t *data, size_t length);
int fake_join(unsigned nid); /* connects it, and says HELLO */
struct fake_header fake_header(unsigned type, unsigned flags, uint32_t length, uint64_t id);
/* Whether it could be sent: the module may have closed already. */
bool fake_put(int fd, const void *data, size_t length);
bool fake_send(int fd, struct fake_header h, const void *body);
/* The same for many at once: they are kept, and go with the next flush. */
void fake_keep(struct fake_header h, const void *body);
bool fake_flush(int fd);
bool fake_closed(int fd); /* reads until the module closes; false if it does not in time */

#endif
