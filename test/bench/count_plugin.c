/* SPDX-License-Identifier: MIT */
/*
 * A plugin of qemu-user's: writes to a file how many instructions a program executed, and, if another file
 * lists addresses of instructions, how many at most from one of these to the next (and from the start, and to
 * the end). qemu-aarch64 -plugin libcount.so,to=FILE,points=FILE PROGRAM Instructions count by blocks, when
 * they begin. Debian has no package with qemu-plugin.h; what is needed of its version 1 is declared here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;

enum { VERSION = 1, INLINE_ADD_U64 = 0, NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *to,
                                              uint64_t what);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            int registers, void *);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);

__attribute__((visibility("default"))) int qemu_plugin_version = VERSION;
__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id, const void *, int, char **);

static uint64_t count, last, longest;
static const char *file;
static uint64_t *points; /* in ascending order */
static size_t point_count;

static void note(void) {
    if (count - last > longest)
        longest = count - last;
    last = count;
}

static void passed(unsigned cpu, void *unused) {
    (void)cpu, (void)unused;
    note();
}

static int by_address(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void translated(plugin_id id, struct qemu_plugin_tb *block) {
    (void)id;
    size_t instructions = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &count, instructions);
    for (size_t i = 0; i < instructions; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (bsearch(&address, points, point_count, sizeof address, by_address))
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, passed, NO_REGISTERS, NULL);
    }
}

/* False if the file cannot be read. */
static int read_points(const char *name) {
    FILE *from = fopen(name, "r");
    uint64_t address;
    while (from && fscanf(from, "%jx", (uintmax_t *)&address) == 1) {
        points = realloc(points, (point_count + 1) * sizeof *points);
        points[point_count++] = address;
    }
    if (points)
        qsort(points, point_count, sizeof *points, by_address);
    return from && fclose(from) == 0;
}

static void ended(plugin_id id, void *unused) {
    (void)id, (void)unused;
    note();
    FILE *to = fopen(file, "w");
    if (!to || fprintf(to, points ? "%ju %ju\n" : "%ju\n", (uintmax_t)count, (uintmax_t)longest) < 0 ||
        fclose(to))
        fprintf(stderr, "count: %s: cannot be written\n", file);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], "to=", 3))
            file = strdup(argv[i] + 3);
        else if (strncmp(argv[i], "points=", 7) || !read_points(argv[i] + 7))
            return -1;
    if (!file)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
