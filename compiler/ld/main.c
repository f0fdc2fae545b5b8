/* SPDX-License-Identifier: MIT */
/*
 * popcorn-ld: links bitcode into one executable file that holds the program for several ISAs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "arguments.h"
#include "buffer.h"
#include "container_write.h"
#include "die.h"
#include "image.h"
#include "inputs.h"
#include "module.h"
#include "work.h"

static const char usage[] =
    "Usage: popcorn-ld [OPTION|FILE]...\n"
    "Links what popcorn-clang compiled into one executable for several ISAs; called by popcorn-clang.\n"
    "  -o FILE                      output (a.out)\n"
    "  -L DIR, -l NAME, -u NAME, --defsym NAME=VALUE, --start-group, --whole-archive, ...  as GNU ld\n"
    "  -s, -S                       leave out all symbols, debugging information\n"
    "  --popcorn-isas=LIST          ISAs of the program, separated by commas; native: this machine's (all);\n"
    "                               x86_64-v3, x86_64-v4: with code for machines of that level besides\n"
    "  --popcorn-no-migration       leave out migration points and call-site tables\n"
    "  --popcorn-keep-temps=DIR     keep intermediate files in DIR\n"
    "  --popcorn-time               show where the time goes: each step, its processor time and memory\n"
    "  -v, --verbose                show progress (also: POPCORN_LD_VERBOSE in the environment)\n";

/*
 * The output is written beside its place and renamed: there is a whole file or none. Beginning it early tells
 * before a long link that it cannot be written. Null for a device, which is written directly.
 */
static const char *begin_output(const char *path) {
    struct stat st;
    bool exists = !stat(path, &st);
    if (exists && S_ISDIR(st.st_mode))
        die("%s: is a directory", path);
    if (exists && !S_ISREG(st.st_mode))
        return NULL;
    const char *temporary = must_format("%s.popcorn-%ld", path, (long)getpid());
    work_remove_later(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    close(fd);
    return temporary;
}

static void write_output(const char *path, const char *temporary, const struct buffer *contents) {
    work_write(temporary ? temporary : path, contents->bytes, contents->size);
    if (!temporary)
        return;
    mode_t mask = umask(0);
    umask(mask);
    if (chmod(temporary, 0777 & ~mask) || rename(temporary, path))
        die("%s: %s", path, strerror(errno));
    work_keep();
}

static void join(const struct arguments *a, const struct list *paths, struct buffer *out) {
    struct container_image images[16];
    struct file_bytes files[16];
    struct popcorn_error error;
    for (size_t i = 0; i < paths->count; i++) {
        if (!file_map(paths->item[i], &files[i]))
            die("%s: %s", paths->item[i], strerror(errno));
        images[i] = (struct container_image){a->isas.item[i], files[i].bytes, files[i].size};
    }
    if (!container_write(images, paths->count, CONTAINER_SMALL, out, &error))
        die("%s", error.text);
    for (size_t i = 0; i < paths->count; i++)
        file_unmap(&files[i]);
}

static void link_program(const struct arguments *a) {
    struct buffer out = {0};
    inputs_check(a);
    const char *temporary = begin_output(a->output);
    const char *module = module_make(a);
    struct list images = images_make(a, module);
    join(a, &images, &out);
    write_output(a->output, temporary, &out);
    progress("%s: %zu bytes", a->output, out.size);
    buffer_free(&out);
}

static void link_relocatable(const struct arguments *a) {
    struct file_bytes file;
    const char *joined = work_file("joined.o");
    inputs_check(a);
    const char *temporary = begin_output(a->output);
    module_join(a, joined);
    if (!file_map(joined, &file))
        die("%s: %s", joined, strerror(errno));
    struct buffer out = {.bytes = file.bytes, .size = file.size};
    write_output(a->output, temporary, &out);
    file_unmap(&file);
}

int main(int argc, char **argv) {
    struct arguments a;
    arguments_read(&a, argc, argv);
    if (a.mode == LINK_HELP) {
        fputs(usage, stdout);
        return 0;
    }
    if (a.mode == LINK_VERSION || a.show_version)
        puts("popcorn-ld 0.1 (LLD 19; compatible with GNU linkers)");
    if (a.mode == LINK_VERSION || (a.show_version && !a.inputs.count))
        return 0;
    progress_begin(a.verbose);
    work_begin(a.keep_temps);
    if (a.mode == LINK_RELOCATABLE)
        link_relocatable(&a);
    else
        link_program(&a);
    if (a.show_time)
        work_print_times();
    work_end();
    return 0;
}
