/* SPDX-License-Identifier: MIT */
#include "checkpoint/tree.h"
#include "thread/family.h"

#define TABLE_SIZE (4UL << 20)

static struct checkpoint_table *table; /* TABLE_SIZE bytes, or NULL */

void tree_forget(void) {
    if (table)
        KERNEL(NR_munmap, table, TABLE_SIZE);
    table = NULL;
}

bool tree_take(int file) {
    tree_forget();
    struct checkpoint_table *taken = private_memory(TABLE_SIZE);
    if (!taken)
        return false;
    long n = KERNEL(NR_pread64, file, taken, TABLE_SIZE, 0);
    table = taken;
    if (n >= (long)sizeof *table && table->children <= CHECKPOINT_MEMBERS &&
        table->self < CHECKPOINT_MEMBERS &&
        (uint64_t)n == sizeof *table + table->known * sizeof(struct checkpoint_known))
        return true;
    tree_forget();
    return false;
}

bool tree_is_there(void) {
    return table;
}

static const struct checkpoint_known *find(int fd, uint64_t inode) {
    if (!table)
        return NULL;
    const struct checkpoint_known *known = (const struct checkpoint_known *)(table + 1);
    for (uint32_t i = 0; i < table->known; i++)
        if (known[i].fd == fd && (fd >= 0 || known[i].object == inode))
            return &known[i];
    return NULL;
}

int tree_standard(const struct open_file *f) {
    const struct checkpoint_known *known = find(f->fd, 0);
    return known && known->standard <= 3 ? (int)known->standard - 1 : -1;
}

int tree_same_standard(const struct open_file *f) {
    const struct checkpoint_known *known = find(f->fd, 0);
    return known && known->same_standard && known->same_standard <= 3 ? (int)known->same_standard - 1 : -1;
}

bool tree_is_same_file(const struct open_file *a, const struct open_file *b) {
    const struct checkpoint_known *one = find(a->fd, 0), *other = find(b->fd, 0);
    return one && other && one->object == other->object;
}

bool tree_has_pipe(const struct open_file *f) {
    const struct checkpoint_known *known = find(f->fd, 0);
    return known && known->holders && known->object == f->inode;
}

bool tree_has_socket(uint64_t inode) {
    return find(-1, inode);
}

static uint64_t holders_of_socket(uint64_t inode) {
    const struct checkpoint_known *known = inode ? find(-1, inode) : NULL;
    return known ? known->holders : 0;
}

static struct checkpoint_known who_has(const struct open_file *f) {
    const struct checkpoint_known *known;
    switch (f->what.kind) {
    case CHECKPOINT_PAIR:
        return (struct checkpoint_known){.object = f->inode,
                                         .holders = holders_of_socket(f->inode) |
                                                    holders_of_socket(f->what.detail[0])};
    case CHECKPOINT_LISTENER:
        return (struct checkpoint_known){.object = f->inode, .holders = holders_of_socket(f->inode)};
    case CHECKPOINT_MAPPED:
        known = f->what.detail[0] ? find(f->fd, 0) : NULL;
        break;
    case CHECKPOINT_STANDARD:
    case CHECKPOINT_DEVICE:
    case CHECKPOINT_GONE:
        known = NULL;
        break;
    default:
        known = find(f->fd, 0);
    }
    return known ? *known : (struct checkpoint_known){0};
}

void tree_find_holders(struct open_file *f) {
    struct checkpoint_known who = who_has(f);
    if (!(who.holders & (who.holders - 1))) /* one at most */
        return;
    f->what.object = who.object;
    f->shared = (struct checkpoint_shared){.object = who.object, .holders = who.holders, .self = table->self};
}

static bool is_lowest(uint64_t holders) {
    return holders && (uint32_t)__builtin_ctzl(holders) == table->self;
}

/* What waits in one end of a socketpair only who has that end can see; locks are each process's own. */
bool tree_writes_contents(const struct open_file *f) {
    if (!tree_is_shared(f) || f->what.kind == CHECKPOINT_REGULAR)
        return true;
    return is_lowest(f->what.kind == CHECKPOINT_PAIR ? holders_of_socket(f->inode) : f->shared.holders);
}

void tree_write_children(struct stream *s) {
    enum { PROCESS = 1, NO_HANG = 1, EXITED = 4, NO_WAIT = 0x01000000 };
    for (uint32_t i = 0; table && i < table->children && s->error == 0; i++) {
        int32_t info[32] = {0};
        long r = KERNEL(NR_waitid, PROCESS, table->child[i], info, NO_HANG | EXITED | NO_WAIT, 0);
        if (r || !info[4])
            continue;
        struct checkpoint_child child = {
            .id = table->child[i], .pid = family_seen(table->child[i]), .code = info[2], .status = info[6]};
        stream_put(s, CHECKPOINT_CHILD, 0, &child, sizeof child);
    }
}
