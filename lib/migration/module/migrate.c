/* SPDX-License-Identifier: MIT */
#include "popcorn/migrate.h"
#include "popcorn/query.h"

/* The shim comes back on the other node, so the callback is ordinary code there. */
static int arrive(long hopped, void (*callback)(void *), void *data) {
    if (hopped < 0)
        return (int)hopped;
    if (hopped && callback)
        callback(data);
    return 0;
}

int migrate(int nid, void (*callback)(void *), void *data) {
    /* A negative number must not reach the shim, where it would stand for a migration point. */
    return arrive(__migrate_shim_internal(nid < 0 ? MAX_POPCORN_NODES : nid), callback, data);
}

int check_migrate(void (*callback)(void *), void *data) {
    return __popcorn_flag ? arrive(__migrate_shim_internal(-1), callback, data) : 0;
}
