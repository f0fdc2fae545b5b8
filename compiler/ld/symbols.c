/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "die.h"
#include "work.h"

/*
 * A line is -r=FILE,NAME,FLAGS. Flags: p, the definition that counts; x, native code or a shared object may
 * refer to it, and as no shared object does, that is an exported name if it is not libc's.
 */
static void read_line(struct symbols *s, char *line, const char *libc_folder) {
    static const char begin[] = "-r=";
    char *flags = strrchr(line, ',');
    if (!flags || strncmp(line, begin, strlen(begin)))
        return;
    *flags++ = 0;
    char *name = strrchr(line, ',');
    if (!name || !strchr(flags, 'p'))
        return;
    *name++ = 0;
    bool libc = !strncmp(line + strlen(begin), libc_folder, strlen(libc_folder));
    const char *kept = must_strdup(name);
    list_add(&s->global, kept);
    if (!libc && strchr(flags, 'x'))
        list_add(&s->exported, kept);
    s->has_dlopen |= libc && !strcmp(name, "dlopen");
    s->has_dlsym |= libc && (!strcmp(name, "dlsym") || !strcmp(name, "dladdr"));
}

void symbols_read(struct symbols *s, const char *path, const char *libc_folder) {
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    if (!f)
        die("%s: %s", path, strerror(errno));
    *s = (struct symbols){0};
    while (getline(&line, &size, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        read_line(s, line, libc_folder);
    }
    free(line);
    fclose(f);
}

void symbols_free(struct symbols *s) {
    for (size_t i = 0; i < s->global.count; i++)
        free((char *)s->global.item[i]);
    free(s->global.item);
    free(s->exported.item);
    *s = (struct symbols){0};
}

/* Exported names are global ones, in the same order. */
void symbols_write(const struct symbols *s, const char *path) {
    struct buffer text = {0};
    for (size_t i = 0, exported = 0; i < s->global.count; i++) {
        bool is_exported = exported < s->exported.count && s->exported.item[exported] == s->global.item[i];
        exported += is_exported;
        buffer_printf(&text, "%c%s\n", is_exported ? '+' : '-', s->global.item[i]);
    }
    work_write(path, text.bytes, text.size);
    buffer_free(&text);
}
