/* SPDX-License-Identifier: MIT */
/*
 * The kernel carrier's nodes: machines that the module knows, by their numbers or as POPCORN_NODES numbers
 * them.
 */
#include "base/descriptors.h"
#include "node/device.h"

int device_file = -1;

static const struct {
    uint32_t machine;
    const char *isa;
} machines[] = {{62, "x86_64"}, {183, "aarch64"}, {243, "riscv64"}};

static struct popcorn_manifest images;

static const char *isa_of(uint32_t machine) {
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i].machine == machine)
            return machines[i].isa;
    return "";
}

static void name_isa(char to[16], uint32_t machine) {
    struct text t = text_begin(to, 16);
    text_string(&t, isa_of(machine));
}

static bool image_for(const char *isa) {
    for (uint32_t i = 0; i < images.count; i++)
        if (text_equal(images.image[i].isa, isa))
            return true;
    return text_equal(isa, MACHINE_NAME);
}

int kernel_count(void) {
    return (int)popcorn_control()->nnodes;
}

/* At the origin: what the module knows of the machine now. */
bool kernel_connected(int nid) {
    struct popcorn_node_entry *node = &popcorn_control()->node[nid];
    struct popcorn_node_info info = {.nid = (uint32_t)node->machine};
    if (nid == native_node)
        return true;
    if (device_ioctl(POPCORN_IOC_NODE_INFO, &info) || info.state != POPCORN_NODE_UP)
        return false;
    if (!node->isa[0])
        name_isa(node->isa, info.isa);
    return image_for(node->isa);
}

int kernel_info(int nid, struct popcorn_node *out) {
    const struct popcorn_control *control = popcorn_control();
    if (nid < 0 || nid >= (int)control->nnodes)
        return -E_INVAL;
    out->origin = nid == control->origin;
    out->available = home_here ? kernel_connected(nid) : control->node[nid].isa[0] != 0;
    __builtin_memcpy(out->isa, control->node[nid].isa, sizeof out->isa);
    return 0;
}

static int list_error(char *error, const char *line, const char *more) {
    struct text t = text_begin(error, POPCORN_ERROR_SIZE);
    text_string(&t, "POPCORN_BACKEND=kernel: ");
    text_string(&t, line);
    text_string(&t, more);
    return -E_INVAL;
}

/* All that the module knows of, this one among them; a number that no machine has stays empty. */
static void list_known(struct popcorn_node_list *known, int self) {
    for (int machine = 0; machine < POPCORN_MAX_NODES; machine++) {
        struct popcorn_node_info info = {.nid = (uint32_t)machine};
        known->machine[machine] = machine;
        if (device_ioctl(POPCORN_IOC_NODE_INFO, &info))
            continue;
        if (machine != self && info.state == POPCORN_NODE_DOWN && !info.name[0])
            continue;
        name_isa(known->isa[machine], info.isa);
        struct text name = text_begin(known->name[machine], POPCORN_NODE_NAME);
        text_string(&name, info.name);
        known->count = machine + 1;
    }
}

/* The machine's number, or a negative errno. */
static long open_device(char *error) {
    struct popcorn_info module;
    long fd = KERNEL(NR_openat, AT_CWD, DEVICE, OPEN_RDWR | OPEN_CLOEXEC, 0);
    if (fd == -E_NOENT)
        return list_error(error, "there is no " DEVICE ": the module is not loaded", "");
    if (fd < 0)
        return list_error(error, "cannot open " DEVICE ": ", text_error((int)-fd));
    device_file = descriptors_keep((int)fd);
    if (device_ioctl(POPCORN_IOC_INFO, &module) || module.api != POPCORN_API_VERSION)
        return list_error(error, "the module is of another version", "");
    if (module.nid < 0 || module.nid >= POPCORN_MAX_NODES)
        return list_error(error, "this machine has no number yet: its agent is not running", "");
    if (module.page_size != KERNEL_PAGE)
        return list_error(error, "this machine's pages have another size than 4 KiB", "");
    return module.nid;
}

int kernel_node_of(const struct popcorn_node_list *list, int machine) {
    int nid = 0;
    while (nid < list->count && list->machine[nid] != machine)
        nid++;
    return nid;
}

int kernel_start(struct popcorn_node_list *list, const char *nodes, const struct popcorn_manifest *manifest,
                 char *error) {
    static struct popcorn_node_list known;
    long self = open_device(error);
    if (self < 0)
        return (int)self;
    list_known(&known, (int)self);
    int r = nodes_parse_machines(list, nodes, &known, (int)self, error);
    if (r)
        return r;
    images = *manifest;
    native_node = kernel_node_of(list, (int)self);
    kernel_memory_start();
    nodes_carried_by(&kernel_carrier);
    return 0;
}
