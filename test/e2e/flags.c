/* SPDX-License-Identifier: MIT */
/* open's flags, fcntl, pipe2, dup3, locks, directories: numbers that differ between ISAs do what they say. */
#include "e2e.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int try_open(const char *name, int flags) {
    point();
    int fd = open(name, flags, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

int main(void) {
    char folder[] = "/tmp/popcorn-flags-XXXXXX", buffer[4096];
    require(mkdtemp(folder) && chdir(folder) == 0);
    require(try_open("file", O_CREAT | O_EXCL | O_WRONLY) == 0);
    require(try_open("file", O_CREAT | O_EXCL | O_WRONLY) == -EEXIST);
    require(try_open("nothing", O_RDONLY) == -ENOENT);
    require(try_open("file", O_DIRECTORY) == -ENOTDIR);
    require(try_open(".", O_DIRECTORY) == 0 && try_open(".", O_WRONLY) == -EISDIR);
    require(symlink("file", "link") == 0);
    require(try_open("link", O_NOFOLLOW) == -ELOOP && try_open("link", O_RDONLY) == 0);
    int path = open("link", O_PATH | O_NOFOLLOW);
    require(path >= 0 && read(path, buffer, 1) == -1 && errno == EBADF);
    close(path);
    int unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
    require(unnamed >= 0 || errno == EOPNOTSUPP || errno == EISDIR);
    if (unnamed >= 0)
        close(unnamed);
    puts("open");

    int fd = open("file", O_RDWR | O_APPEND | O_CLOEXEC | O_LARGEFILE);
    require(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    printf("append %d\n", (fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK)) == (O_RDWR | O_APPEND));
    require(write(fd, "abc", 3) == 3 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "def", 3) == 3);
    require(pread(fd, buffer, 10, 0) == 6 && memcmp(buffer, "abcdef", 6) == 0);
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    int flags = fcntl(fd, F_GETFL);
    printf("nonblock %d append %d\n", (flags & O_NONBLOCK) != 0, (flags & O_APPEND) != 0);
    int sync = open("file", O_RDWR | O_SYNC), direct;
    printf("sync %d dsync %d\n", (fcntl(sync, F_GETFL) & O_SYNC) == O_SYNC,
           (fcntl(fd, F_GETFL) & O_DSYNC) != 0);
    direct = open("file", O_RDWR | O_DIRECT);
    require(direct >= 0 || errno == EINVAL);
    require(direct < 0 || (fcntl(direct, F_GETFL) & O_DIRECT));
    point();

    int ends[2];
    require(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    require(read(ends[0], buffer, 1) == -1 && errno == EAGAIN && fcntl(ends[1], F_GETFD) == FD_CLOEXEC);
    require(dup3(ends[1], 50, O_CLOEXEC) == 50 && fcntl(50, F_GETFD) == FD_CLOEXEC);
    require(dup2(ends[1], 51) == 51 && fcntl(51, F_GETFD) == 0 && fcntl(ends[0], F_DUPFD, 60) == 60);
    require(write(51, "x", 1) == 1 && read(60, buffer, 5) == 1 && buffer[0] == 'x');
    puts("pipe");
    point();

    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
    require(fcntl(fd, F_SETLK, &lock) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct flock probe = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
        require(fcntl(fd, F_GETLK, &probe) == 0);
        printf("lock %d %lld %lld %d\n", probe.l_type == F_WRLCK, (long long)probe.l_start,
               (long long)probe.l_len, probe.l_pid == getppid());
        fflush(stdout);
        _exit(flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    require(WEXITSTATUS(status) == 0);

    int here = open(".", O_RDONLY | O_DIRECTORY);
    require(mkdirat(here, "sub", 0700) == 0);
    int sub = openat(here, "sub", O_DIRECTORY | O_RDONLY);
    char name[20], names[64][32];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "entry%02d", i);
        int made = openat(sub, name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
        require(made >= 0 && close(made) == 0);
        point();
    }
    int count = 0;
    DIR *directory = fdopendir(sub);
    for (struct dirent *entry; (entry = readdir(directory));) {
        point();
        require(entry->d_type == DT_REG || entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
        strcpy(names[count++], entry->d_name);
    }
    qsort(names, (size_t)count, sizeof names[0], by_name);
    printf("entries %d %s %s\n", count, names[2], names[41]);
    for (int i = 2; i < count; i++)
        require(unlinkat(dirfd(directory), names[i], 0) == 0);
    closedir(directory);
    require(unlinkat(here, "sub", AT_REMOVEDIR) == 0 && renameat(here, "file", here, "other") == 0);
    require(faccessat(here, "other", R_OK, 0) == 0 && readlinkat(here, "link", buffer, sizeof buffer) == 4);
    unlink("other"), unlink("link");
    require(getcwd(buffer, sizeof buffer) && strcmp(buffer, folder) == 0);
    require(chdir("/") == 0 && rmdir(folder) == 0);
    puts("done");
    return 0;
}
