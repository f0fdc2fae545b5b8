/* SPDX-License-Identifier: MIT */
/* popcorn nodes: where threads can go, by the kernel module's word or, without it, on this machine. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <uapi/popcorn.h>
#include <unistd.h>

#include "agent/nodes.h"
#include "popcorn.h"

#define DEVICE "/dev/popcorn"

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)state;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    die("nodes takes no arguments: \"%s\"", argument);
}

static const struct argp parser = {
    NULL,
    parse,
    "",
    "Lists the machines that programs started with POPCORN_BACKEND=kernel can use: number, name, ISA, state, "
    "processors, load of the last minute, free and total memory. Without the kernel module: the ISAs whose "
    "images this machine can run as processes of its own.",
    NULL,
    NULL,
    NULL};

static const struct {
    uint32_t machine;
    const char *isa;
} isas[] = {{62, "x86_64"}, {183, "aarch64"}, {243, "riscv64"}};
enum { ISAS = sizeof isas / sizeof isas[0] };

static const char *isa_name(uint32_t machine) {
    for (int i = 0; i < ISAS; i++)
        if (isas[i].machine == machine)
            return isas[i].isa;
    return "-";
}

static const char *state_name(uint32_t state) {
    static const char *const names[] = {"down", "connecting", "up"};
    return state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static void show(int nid, const struct popcorn_node_info *node, bool here) {
    printf("%-4d %-16s %-8s %-10s", nid, node->name[0] ? node->name : "-", isa_name(node->isa),
           state_name(node->state));
    if (node->state == POPCORN_NODE_UP && node->memory_total)
        printf(" %4u %7.2f %9llu %9llu", node->cpus, node->load / 1000.0,
               (unsigned long long)node->memory_free >> 20, (unsigned long long)node->memory_total >> 20);
    puts(here ? "  (here)" : "");
}

static void list_machines(int device, int self) {
    printf("%-4s %-16s %-8s %-10s %4s %7s %9s %9s\n", "NODE", "NAME", "ISA", "STATE", "CPUS", "LOAD",
           "FREE MiB", "OF MiB");
    for (int nid = 0; nid < NODES_MAX; nid++) {
        struct popcorn_node_info node = {.nid = (uint32_t)nid};
        if (ioctl(device, POPCORN_IOC_NODE_INFO, &node))
            die("nodes: %s", strerror(errno));
        if (node.name[0] || node.state != POPCORN_NODE_DOWN)
            show(nid, &node, nid == self);
    }
}

/* Is there a qemu for the ISA in a folder of PATH? */
static bool have_qemu(const char *isa) {
    static const char *const suffixes[] = {"", "-static"};
    char path[4096];
    const char *at = getenv("PATH");
    if (!at || !*at)
        at = "/usr/local/bin:/usr/bin:/bin";
    while (*at) {
        size_t n = strcspn(at, ":");
        for (int i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "%.*s/qemu-%s%s", (int)n, at, isa, suffixes[i]);
            if (access(path, X_OK) == 0)
                return true;
        }
        at += n + (at[n] == ':');
    }
    return false;
}

static void list_isas(void) {
    struct utsname host;
    uname(&host);
    printf("%-8s %s\n", "ISA", "HOW");
    printf("%-8s %s\n", host.machine, "this machine's own");
    for (int i = 0; i < ISAS; i++)
        if (strcmp(isas[i].isa, host.machine) != 0)
            printf("%-8s %s%s%s\n", isas[i].isa, have_qemu(isas[i].isa) ? "under qemu-" : "not here: qemu-",
                   isas[i].isa, have_qemu(isas[i].isa) ? "" : " is not installed");
}

int command_nodes(int argc, char **argv) {
    struct popcorn_info info;
    argp_parse(&parser, argc, argv, 0, NULL, NULL);
    int device = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (device < 0 && errno != ENOENT)
        die("nodes: " DEVICE ": %s", strerror(errno));
    if (device < 0) {
        list_isas();
        return 0;
    }
    if (ioctl(device, POPCORN_IOC_INFO, &info) || info.api != POPCORN_API_VERSION)
        die("nodes: the module is of another version");
    list_machines(device, info.nid);
    close(device);
    return 0;
}
