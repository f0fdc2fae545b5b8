/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "popcorn/migrate.h"
#include "popcorn/query.h"

static enum arch arch_of(const char *isa) {
    static const struct {
        const char *isa;
        enum arch arch;
    } known[] = {{"x86_64", ARCH_X86_64}, {"aarch64", ARCH_AARCH64}, {"riscv64", ARCH_RISCV64}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(isa, known[i].isa))
            return known[i].arch;
    return ARCH_UNKNOWN;
}

static int describe(int nid, struct popcorn_node_answer *answer) {
    return (int)__popcorn_node(POPCORN_NODE_DESCRIBE, nid, answer);
}

static int origin_nid(void) {
    struct popcorn_node_answer a;
    for (int nid = 0; !describe(nid, &a); nid++)
        if (a.origin)
            return nid;
    return -1;
}

int current_nid(void) {
    return (int)__popcorn_node(POPCORN_NODE_CURRENT, 0, 0);
}

int popcorn_getnid(void) {
    return current_nid();
}

enum arch current_arch(void) {
    struct popcorn_node_answer a;
    return describe(current_nid(), &a) ? ARCH_UNKNOWN : arch_of(a.isa);
}

int node_available(int nid) {
    struct popcorn_node_answer a;
    return !describe(nid, &a) && a.available;
}

int popcorn_getnodeinfo(int *origin, struct popcorn_node_status status[MAX_POPCORN_NODES]) {
    if (!origin || !status)
        return -EINVAL;
    int here = current_nid();
    *origin = origin_nid();
    for (int nid = 0; nid < MAX_POPCORN_NODES; nid++) {
        struct popcorn_node_answer a;
        status[nid] = (struct popcorn_node_status){0, ARCH_UNKNOWN, -1};
        if (!describe(nid, &a))
            status[nid] = (struct popcorn_node_status){a.available != 0, arch_of(a.isa), nid != here};
    }
    return 0;
}

int popcorn_getthreadinfo(struct popcorn_thread_status *status) {
    if (!status)
        return -EINVAL;
    int origin = origin_nid();
    status->current_nid = current_nid();
    status->proposed_nid = (int)__popcorn_node(POPCORN_NODE_REQUESTED, 0, 0);
    int away = status->current_nid != origin;
    status->peer_nid = away ? origin : -1;
    status->peer_pid = away ? (int)__popcorn_node(POPCORN_NODE_TID, 0, 0) : -1;
    return 0;
}
