/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* stat and its kin: every field that can be known beforehand. */
#include "e2e.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

static const char *kind(mode_t mode) {
    return S_ISREG(mode)    ? "file"
           : S_ISDIR(mode)  ? "directory"
           : S_ISLNK(mode)  ? "link"
           : S_ISFIFO(mode) ? "fifo"
           : S_ISCHR(mode)  ? "device"
                            : "other";
}

static void show(const char *name, const struct stat *s) {
    printf("%s: %s %o size %lld links %d mine %d times %lld.%ld %lld.%ld blocks %d block %d\n", name,
           kind(s->st_mode), (unsigned)s->st_mode & 07777, S_ISDIR(s->st_mode) ? 0LL : (long long)s->st_size,
           S_ISDIR(s->st_mode) ? 0 : (int)s->st_nlink, s->st_uid == getuid() && s->st_gid == getgid(),
           (long long)s->st_atim.tv_sec, s->st_atim.tv_nsec, (long long)s->st_mtim.tv_sec, s->st_mtim.tv_nsec,
           s->st_blocks * 512 >= s->st_size, s->st_blksize >= 512);
}

int main(void) {
    char folder[] = "/tmp/popcorn-stat-XXXXXX";
    struct stat s, again;
    require(mkdtemp(folder) && chdir(folder) == 0);
    umask(0);
    for (int i = 0; i < 4; i++)
        point();
    int fd = open("file", O_CREAT | O_RDWR, 0640);
    require(fd >= 0 && write(fd, "0123456789", 10) == 10);
    struct timespec times[2] = {{1000000000, 123456789}, {1500000000, 987654321}};
    require(futimens(fd, times) == 0);
    point();
    require(fstat(fd, &s) == 0);
    show("fstat", &s);
    require(stat("file", &again) == 0 && again.st_ino == s.st_ino && again.st_dev == s.st_dev);
    require(link("file", "second") == 0 && symlink("file", "pointer") == 0 && mkfifo("pipe", 0600) == 0);
    times[1].tv_nsec = UTIME_OMIT;
    require(utimensat(AT_FDCWD, "file", times, 0) == 0);
    point();
    require(stat("pointer", &s) == 0);
    show("stat", &s);
    require(lstat("pointer", &s) == 0);
    s.st_atim = s.st_mtim = (struct timespec){0, 0};
    s.st_mode = (s.st_mode & S_IFMT) | 0777;
    show("lstat", &s);
    point();
    require(fstatat(AT_FDCWD, "pipe", &s, AT_SYMLINK_NOFOLLOW) == 0 &&
            utimensat(AT_FDCWD, "pipe", times, 0) == 0);
    printf("fstatat: %s %o %lld\n", kind(s.st_mode), (unsigned)s.st_mode & 07777, (long long)s.st_size);
    require(stat(".", &s) == 0);
    printf("folder: %s %o\n", kind(s.st_mode), (unsigned)s.st_mode & 07777);
    require(stat("/dev/null", &s) == 0);
    printf("null: %s %u %u\n", kind(s.st_mode), major(s.st_rdev), minor(s.st_rdev));
    require(truncate("file", 5000000000LL) == 0 && stat("second", &s) == 0);
    printf("large: %lld sparse %d\n", (long long)s.st_size, s.st_blocks < 1000);
    require(chmod("file", 04755) == 0 && stat("file", &s) == 0);
    printf("mode: %o access %d %d\n", (unsigned)s.st_mode & 07777, access("file", R_OK),
           access("nothing", F_OK));
    point();
    struct statvfs v;
    require(statvfs(".", &v) == 0 && v.f_bsize >= 512 && v.f_namemax == 255 && v.f_blocks >= v.f_bfree);
    unlink("file"), unlink("second"), unlink("pointer"), unlink("pipe");
    require(chdir("/") == 0 && rmdir(folder) == 0);
    return 0;
}
