/* SPDX-License-Identifier: MIT */
#include "node/internal.h"
bool nodes_at_origin = true;
const struct popcorn_backend *popcorn_backend;
static int count(void) { return (int)popcorn_control()->nnodes; }
static int info(int nid, struct popcorn_node *out) {
    struct popcorn_control *c = popcorn_control();
    if (nid < 0 || nid >= (int)c->nnodes) return -E_INVAL;
    __builtin_memcpy(out->isa, c->node[nid].isa, 16);
    out->origin = nid == c->origin;
    out->available = out->origin;
    return 0;
}
static int send(struct popcorn_thread *t, int nid, char reason[POPCORN_REASON_SIZE]) { (void)t; (void)nid; reason[0] = '?'; reason[1] = 0; return -E_NOSYS; }
const struct popcorn_backend local_backend = {"local", count, info, send};
void nodes_forget(uint64_t a, size_t s) { (void)a; (void)s; }
long nodes_call(struct popcorn_thread *t, long n, const long a[6]) { (void)t; (void)n; (void)a; return -E_NOSYS; }
void nodes_end(void) {}
void nodes_forked(void) {}
void nodes_thread_ends(struct popcorn_thread *t) { (void)t; }
bool nodes_forward_signal(struct popcorn_thread *t, int sig, const void *info, uint64_t *mask) { (void)t; (void)sig; (void)info; (void)mask; return false; }
void nodes_enter(int argc, char **argv) { (void)argc; (void)argv; }
void nodes_begin_elsewhere(void *a) { (void)a; }
