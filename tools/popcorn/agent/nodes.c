/* SPDX-License-Identifier: MIT */
#include "agent/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static bool wrong(char error[256], const char *path, int line, const char *why) {
    snprintf(error, 256, "%s:%d: %s", path, line, why);
    return false;
}

static bool take_line(struct machines *m, const char *path, int number, char *text, char *error) {
    struct machine machine = {0};
    char security[256], rest[2];
    int nid;
    text[strcspn(text, "#\n")] = 0;
    if (!text[strspn(text, " \t")])
        return true;
    int n = sscanf(text, "%d %63s %63s %7s %255s %1s", &nid, machine.name, machine.address, machine.port,
                   security, rest);
    if (n != 5)
        return wrong(error, path, number, "not NUMBER NAME ADDRESS PORT SECURITY");
    if (nid < 0 || nid >= NODES_MAX)
        return wrong(error, path, number, "the number of a node is 0 to 31");
    if (m->known[nid])
        return wrong(error, path, number, "this number is taken");
    if (strcmp(security, "insecure") != 0) {
        if (security[0] != '/')
            return wrong(error, path, number, "security is the path of a key file, or the word insecure");
        snprintf(machine.key, sizeof machine.key, "%s", security);
    }
    m->known[nid] = true;
    m->machine[nid] = machine;
    return true;
}

static int find(const struct machines *m, const char *name) {
    for (int i = 0; i < NODES_MAX; i++)
        if (m->known[i] && strcmp(m->machine[i].name, name) == 0)
            return i;
    return -1;
}

bool machines_read(struct machines *m, const char *path, const char *name, char error[256]) {
    char line[1024];
    struct utsname host;
    FILE *file = fopen(path, "re");
    bool good = true;
    *m = (struct machines){.self = -1};
    if (!file) {
        snprintf(error, 256, "%s: %s", path, strerror(errno));
        return false;
    }
    for (int number = 1; good && fgets(line, sizeof line, file); number++)
        good = take_line(m, path, number, line, error);
    fclose(file);
    uname(&host);
    m->self = find(m, name ? name : host.nodename);
    return good;
}
