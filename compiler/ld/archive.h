/* SPDX-License-Identifier: MIT */
/*
 * Walks through an ar archive, thin ones too.
 */
#ifndef POPCORN_LD_ARCHIVE_H
#define POPCORN_LD_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_bytes {
    uint8_t *bytes; /* private mapping; null for an empty file */
    size_t size;
};

/* Maps a file; false (errno is set) if that cannot be done. */
bool file_map(const char *path, struct file_bytes *);
void file_unmap(struct file_bytes *);

bool is_archive(const struct file_bytes *);

/*
 * Calls visit(name, member, data) for every member but the symbol and name tables. The bytes of a thin
 * archive's member are those of the file it stands for. False if the archive is damaged or such a file is not
 * there.
 */
bool archive_walk(const char *path, const struct file_bytes *archive,
                  void (*visit)(const char *name, const struct file_bytes *member, void *data), void *data);

#endif
