/* SPDX-License-Identifier: MIT */
/* The node list: from POPCORN_NODES and the images that the executable holds. */
#include "base/text.h"
#include "node/image.h"
#include "node/internal.h"
#include "node/qemu.h"
#include "thread/native.h"

static struct popcorn_node_list list;

const struct popcorn_node_list *nodes_list(void) {
    return &list;
}

/* This machine's ISA first, then the program's others. */
static int collect_isas(const struct popcorn_manifest *manifest, const char **isas) {
    int count = 0;
    isas[count++] = MACHINE_NAME;
    for (uint32_t i = 0; i < manifest->count; i++)
        if (!text_equal(manifest->image[i].isa, MACHINE_NAME))
            isas[count++] = manifest->image[i].isa;
    return count;
}

/* The first node of this machine's ISA is this process. */
static int find_origin(void) {
    for (int i = 0; i < list.count; i++)
        if (text_equal(list.isa[i], MACHINE_NAME))
            return i;
    return -1;
}

static void fill_control(int origin) {
    struct popcorn_control *control = popcorn_control();
    for (int i = 0; i < list.count; i++) {
        __builtin_memcpy(control->node[i].isa, list.isa[i], sizeof control->node[i].isa);
        __builtin_memcpy(control->node[i].name, list.name[i], sizeof control->node[i].name);
        control->node[i].machine = list.machine[i];
    }
    control->node[origin].pid = control->pid;
    control->node[origin].state = POPCORN_NODE_RUNNING;
    control->origin = origin;
    control->nnodes = (uint32_t)list.count;
}

static int list_error(char *error, const char *line) {
    struct text t = text_begin(error, POPCORN_ERROR_SIZE);
    text_string(&t, line);
    return -E_INVAL;
}

/* The machines that the kernel module knows. */
static int list_machines(char **environment, const struct popcorn_manifest *manifest, char *error) {
    int r = kernel_start(&list, text_variable(environment, "POPCORN_NODES"), manifest, error);
    if (r == 0)
        fill_control(native_node);
    return r;
}

void nodes_restored(char **environment) {
    struct popcorn_control *control = popcorn_control();
    list = (struct popcorn_node_list){.count = (int)control->nnodes};
    if (control->nnodes > POPCORN_CONTROL_NODES)
        popcorn_fatal("the checkpoint is damaged: its list of nodes", NODE_EXIT_DIED);
    for (int i = 0; i < list.count; i++) {
        struct text t = text_begin(list.isa[i], sizeof list.isa[i]);
        control->node[i].isa[sizeof control->node[i].isa - 1] = 0;
        text_string(&t, control->node[i].isa);
        control->node[i].pid = 0;
        control->node[i].state = POPCORN_NODE_ABSENT;
    }
    int origin = find_origin();
    if (origin < 0)
        popcorn_fatal("this machine's ISA, " MACHINE_NAME ", is not among the program's nodes",
                      NODE_EXIT_DIED);
    native_node = origin;
    fill_control(origin);
    __builtin_memset((void *)LAYOUT_NODES, 0, LAYOUT_NODES_SIZE);
    nodes_carried_by(&local_carrier);
    qemu_search_path(text_variable(environment, "PATH"));
}

int nodes_start(char **environment, char error[POPCORN_ERROR_SIZE]) {
    const char *isas[POPCORN_MANIFEST_IMAGES + 1];
    struct popcorn_manifest manifest;
    if (!image_manifest(&manifest))
        return list_error(error, "the executable is damaged: its images cannot be read");
    const char *backend = text_variable(environment, "POPCORN_BACKEND");
    if (backend && text_equal(backend, "kernel"))
        return list_machines(environment, &manifest, error);
    if (backend && *backend && !text_equal(backend, "local"))
        return list_error(error, "POPCORN_BACKEND: neither local nor kernel");
    int r = nodes_parse(&list, text_variable(environment, "POPCORN_NODES"), isas,
                        collect_isas(&manifest, isas), error);
    if (r && manifest.count == 0)
        return list_error(error,
                          "POPCORN_NODES: the program's other images cannot be read: is /proc mounted?");
    if (r)
        return r;
    int origin = find_origin();
    if (origin < 0)
        return list_error(error,
                          "POPCORN_NODES: this machine's own ISA, " MACHINE_NAME ", must be among the nodes");
    nodes_carried_by(&local_carrier);
    qemu_search_path(text_variable(environment, "PATH"));
    native_node = origin;
    fill_control(origin);
    return 0;
}
