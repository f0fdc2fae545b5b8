/* SPDX-License-Identifier: MIT */
/* How often the nodes' processes have segments of System V shared memory attached, which the program must not
 * see: it has one process. */
#include "base/text.h"
#include "node/internal.h"

enum { FIELD_INODE = 4, FIELD_PATH = 5 }; /* of a line of /proc/PID/maps: range, mode, offset, device, … */

/* A line being read. */
struct line {
    int field, length; /* which it is, and how much of it has been read */
    uint64_t inode;    /* of a segment: its number */
    bool segment;
};

static const char segment_path[] = "/SYSV";

static void read_byte(struct line *line, char byte) {
    if (byte == ' ') {
        line->field += line->length > 0;
        line->length = 0;
        return;
    }
    if (line->field == FIELD_INODE)
        line->inode = line->inode * 10 + (uint64_t)(byte - '0');
    if (line->field == FIELD_PATH && line->length < (int)sizeof segment_path - 1)
        line->segment = (line->length == 0 || line->segment) && byte == segment_path[line->length];
    line->length++;
}

static uint64_t count_lines(int file, uint64_t id) {
    char buffer[1024];
    struct line line = {0};
    uint64_t count = 0;
    for (long n; (n = KERNEL(NR_read, file, buffer, sizeof buffer)) > 0;)
        for (long i = 0; i < n; i++) {
            if (buffer[i] != '\n') {
                read_byte(&line, buffer[i]);
                continue;
            }
            count += line.segment && line.inode == id;
            line = (struct line){0};
        }
    return count;
}

static uint64_t count_in(int pid, int id) {
    char path[64];
    struct text text = text_begin(path, sizeof path);
    text_string(&text, "/proc/");
    text_signed(&text, pid);
    text_string(&text, "/maps");
    int file = (int)KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (file < 0)
        return 0;
    uint64_t count = count_lines(file, (uint32_t)id);
    KERNEL(NR_close, file);
    return count;
}

uint64_t nodes_attached(int id) {
    const struct popcorn_control *control = popcorn_control();
    uint64_t count = 0;
    if (home_machines)
        return 0;
    for (int nid = 0; nid < (int)control->nnodes; nid++)
        if (nid != control->origin && node_runs(nid))
            count += count_in(control->node[nid].pid, id);
    return count;
}
