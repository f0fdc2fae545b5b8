/* SPDX-License-Identifier: MIT */
/* popcorn ps: the popcorn programs that are running, their nodes, and where their threads are. */
#include <argp.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "popcorn.h"
#include "process.h"

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)state;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    die("ps takes no arguments: \"%s\"", argument);
}

static const struct argp parser = {
    NULL,
    parse,
    "",
    "Lists the running popcorn programs that you may look at: process id, nodes (* marks the origin, ! a "
    "node that "
    "failed, parentheses one that has not been needed yet), and for every thread the node it runs on.",
    NULL,
    NULL,
    NULL};

/* A machine's number that nobody has stands for no node. */
static void show_nodes(const struct popcorn_control *control) {
    const char *between = "";
    for (uint32_t i = 0; i < control->nnodes; i++) {
        const struct popcorn_node_entry *node = &control->node[i];
        if (!node->isa[0] && !node->name[0])
            continue;
        const char *format = (int)i == control->origin             ? "%s%u:%s*"
                             : node->state == POPCORN_NODE_RUNNING ? "%s%u:%s"
                             : node->state == POPCORN_NODE_FAILED  ? "%s%u:%s!"
                                                                   : "%s(%u:%s)";
        printf(format, between, i, process_node_name(control, (int)i));
        between = " ";
    }
}

static void show_thread(const struct popcorn_thread *thread, void *data) {
    const struct popcorn_control *control = data;
    printf("  thread %-8d on node %d (%s)\n", thread->kernel_tid, thread->node,
           process_node_name(control, thread->node));
}

static void show(const struct popcorn_control *control) {
    printf("%-8d %s  nodes ", control->pid, control->program);
    show_nodes(control);
    putchar('\n');
    process_each_thread(control, show_thread, (void *)control);
}

int command_ps(int argc, char **argv) {
    argp_parse(&parser, argc, argv, 0, NULL, NULL);
    DIR *folder = opendir("/proc");
    if (!folder)
        die("cannot read /proc");
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct popcorn_control control;
        if (isdigit((unsigned char)entry->d_name[0]) && process_read(atoi(entry->d_name), &control))
            show(&control);
    }
    closedir(folder);
    return 0;
}
