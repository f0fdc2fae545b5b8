/* SPDX-License-Identifier: MIT */
#include "node/qemu.h"
#include "base/kernel.h"
#include "base/text.h"
#include "machine.h"

#define EXECUTABLE_ALLOWED 1 /* X_OK */
#define USUAL_PATH "/usr/local/bin:/usr/bin:/bin"
#define IMAGE_PATH "/proc/self/fd/5" /* NODE_IMAGE */

static const char *search_path = USUAL_PATH;

/* Under qemu's default CPU for aarch64 a signal frame's SIMD registers are not taken back. */
static const struct {
    const char *name, *option, *value;
} options[] = {{"qemu-aarch64", "-cpu", "cortex-a57"}};

void qemu_search_path(const char *path) {
    if (path && *path)
        search_path = path;
}

/* Looks for `name` + `suffix` in the folders of a PATH. */
static bool search(struct qemu *q, const char *path, const char *suffix) {
    while (*path) {
        size_t n = 0;
        while (path[n] && path[n] != ':')
            n++;
        struct text t = text_begin(q->path, sizeof q->path);
        text_bytes(&t, path, n);
        text_string(&t, "/");
        text_string(&t, q->name);
        text_string(&t, suffix);
        if (n && !t.cut && KERNEL(NR_faccessat, AT_CWD, q->path, EXECUTABLE_ALLOWED) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    q->path[0] = 0;
    return false;
}

int qemu_find(struct qemu *q, const char *isa, char reason[POPCORN_REASON_SIZE]) {
    struct text t = text_begin(q->name, sizeof q->name);
    q->path[0] = 0;
    if (text_equal(isa, MACHINE_NAME))
        return 0;
    text_string(&t, "qemu-");
    text_string(&t, isa);
    if (search(q, search_path, "") || search(q, search_path, "-static"))
        return 0;
    t = text_begin(reason, POPCORN_REASON_SIZE);
    text_string(&t, q->name);
    text_string(&t, " is not installed");
    return -E_NOENT;
}

void qemu_arguments(struct qemu *q, char *argument[QEMU_ARGUMENTS]) {
    int n = 0;
    if (!q->path[0]) {
        argument[n++] = NODE_NAME;
        argument[n] = NULL;
        return;
    }
    argument[n++] = q->name;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (text_equal(options[i].name, q->name)) {
            argument[n++] = (char *)(uintptr_t)options[i].option;
            argument[n++] = (char *)(uintptr_t)options[i].value;
        }
    argument[n++] = "-0";
    argument[n++] = NODE_NAME;
    argument[n++] = IMAGE_PATH;
    argument[n] = NULL;
}
