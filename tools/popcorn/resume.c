/* SPDX-License-Identifier: MIT */
/*
 * popcorn run --resume. Whoever can write to the folder can put a checkpoint there, and a checkpoint is a
 * program: only those of this user or of root are taken, unless nobody else can write to the folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint_file.h"
#include "popcorn.h"
#include "program.h"
#include "restart.h"
#include "tree_restart.h"

/* The highest number below `below` among the checkpoints of a folder; 0 if there is none. */
static unsigned long highest_below(DIR *folder, unsigned long below) {
    unsigned long highest = 0;
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *digits = entry->d_name + strlen(CHECKPOINT_NAME);
        if (strncmp(entry->d_name, CHECKPOINT_NAME, strlen(CHECKPOINT_NAME)) ||
            strlen(digits) != CHECKPOINT_DIGITS || strspn(digits, "0123456789") != CHECKPOINT_DIGITS)
            continue;
        unsigned long number = strtoul(digits, NULL, 10);
        if (number < below && number > highest)
            highest = number;
    }
    return highest;
}

static bool is_trusted(const struct stat *status) {
    return (status->st_uid == geteuid() || status->st_uid == 0) && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/* A file in the folder, which is not followed if it is a link; or -1. `trusts`: whosever it is. */
static int open_trusted(DIR *folder, const char *name, bool trusts, const char **why) {
    struct stat status;
    int fd = openat(dirfd(folder), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    *why = fd < 0 ? strerror(errno) : "it is no regular file";
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        *why = "others than this user have written it, or may";
        if (trusts || is_trusted(&status))
            return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Is it whole? By a process of its own, which ends with the first thing that is wrong. */
static bool is_whole(int fd, const char *name) {
    int status;
    pid_t pid = fork();
    if (pid < 0)
        die("cannot fork: %s", strerror(errno));
    if (pid == 0) {
        struct checkpoint_input in = {0};
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        checkpoint_open(&in, fd, name);
        tree_skim(&in);
        _exit(0);
    }
    bool whole = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return lseek(fd, 0, SEEK_SET) == 0 && whole;
}

static void check_same_program(const struct restart_checkpoint *c, const char *checkpoint, const char *path) {
    uint8_t digest[SHA256_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    if (!restart_hash_file(fd, digest) || memcmp(digest, c->process.program_hash, sizeof digest))
        die("%s is of another program than %s, or of an older build: remove it to begin anew", checkpoint,
            path);
    close(fd);
}

/* The newest that is whole and trusted, and its path; or -1. */
static int open_newest(DIR *folder, const char *directory, char path[PATH_MAX]) {
    struct stat status;
    bool trusts = fstat(dirfd(folder), &status) == 0 && is_trusted(&status), others = false;
    const char *why;
    for (unsigned long number = ULONG_MAX; (number = highest_below(folder, number));) {
        if (snprintf(path, PATH_MAX, "%s/" CHECKPOINT_NAME "%010lu", directory, number) >= PATH_MAX)
            die("%s: %s", directory, strerror(ENAMETOOLONG));
        int fd = open_trusted(folder, strrchr(path, '/') + 1, trusts, &why);
        if (fd >= 0 && is_whole(fd, path))
            return fd;
        others |= fd < 0;
        fprintf(stderr, "popcorn: %s: %s; trying the one before\n", path, fd < 0 ? why : "it is not whole");
        if (fd >= 0)
            close(fd);
    }
    if (others)
        die("%s: none of the checkpoints is this user's: remove them to begin anew, or `popcorn restart` one "
            "that "
            "you trust",
            directory);
    return -1;
}

void resume_newest(const char *directory, const char *path) {
    struct restart request = {.isa = machine_isa(), .force = true};
    static struct restart_tree tree;
    char name[PATH_MAX];
    DIR *folder = opendir(directory);
    if (!folder && errno == ENOENT)
        return;
    if (!folder)
        die("%s: %s", directory, strerror(errno));
    int fd = open_newest(folder, directory, name);
    closedir(folder);
    if (fd < 0)
        return;
    request.path = name;
    restart_read(&request, fd, &tree);
    check_same_program(&tree.process[0], name, path);
    tree_find_programs(&request, &tree);
    tree_become(&request, &tree);
}
