/* SPDX-License-Identifier: MIT */
/* Files: stdio and system calls, seeking, vectors, mmap shared and private, locks of streams, temporary
 * files. */
#include "e2e.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static void streams(void) {
    FILE *file = fopen("text", "w+");
    require(file);
    for (int i = 0; i < 300; i++) {
        point();
        fprintf(file, "line %d %.3f %s\n", i, i / 7.0, i % 2 ? "odd" : "even");
    }
    rewind(file);
    int number, lines = 0;
    double fraction, sum = 0;
    char word[8];
    while (fscanf(file, "line %d %lf %7s\n", &number, &fraction, word) == 3) {
        point();
        sum += fraction + (word[0] == 'o');
        lines++;
    }
    printf("scanned %d %.3f at %ld\n", lines, sum, ftell(file));
    char *line = NULL;
    size_t room = 0;
    fseek(file, -40, SEEK_END);
    getline(&line, &room, file);
    point();
    while (getline(&line, &room, file) > 0)
        printf("%s", line);
    free(line);
    fclose(file);
    char *memory = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&memory, &size);
    for (int i = 0; i < 50; i++) {
        point();
        fprintf(stream, "%d,", i * i);
    }
    fclose(stream);
    printf("memstream %zu %.12s\n", size, memory);
    free(memory);
}

static void mapping(void) {
    enum { SIZE = 3 * 65536 };
    int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    require(fd >= 0 && ftruncate(fd, SIZE) == 0);
    char *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    require(shared != MAP_FAILED && private != MAP_FAILED);
    for (int i = 0; i < SIZE; i += 4096) {
        point();
        shared[i] = (char)(i >> 12);
    }
    private[70000] = 'p';
    require(msync(shared, SIZE, MS_SYNC) == 0);
    char byte;
    require(pread(fd, &byte, 1, 8192) == 1 && byte == 2);
    require(pread(fd, &byte, 1, 70000) == 1 && byte == 0);
    point();
    require(pwrite(fd, "written", 7, 100) == 7);
    printf("shared %.7s private %c\n", shared + 100, private[70000]);
    char *readonly = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, fd, 65536);
    require(readonly != MAP_FAILED && readonly[0] == 16);
    require(munmap(shared, SIZE) == 0 && munmap(private, SIZE) == 0 && munmap(readonly, 65536) == 0);
    close(fd);
}

static void vectors(void) {
    char a[] = "first,", b[] = "second,", c[] = "third", back[32] = {0};
    int fd = open("vector", O_RDWR | O_CREAT, 0600), copy = open("copy", O_RDWR | O_CREAT, 0600);
    struct iovec out[] = {{a, 6}, {b, 7}, {c, 5}}, in[] = {{back, 4}, {back + 4, 20}};
    require(writev(fd, out, 3) == 18);
    point();
    require(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, in, 2) == 18);
    printf("vector %s\n", back);
    off_t offset = 6;
    require(sendfile(copy, fd, &offset, 7) == 7 && offset == 13);
    require(pread(copy, back, 7, 0) == 7 && memcmp(back, "second,", 7) == 0);
    require(ftruncate(copy, 3) == 0 && lseek(copy, 0, SEEK_END) == 3);
    require(posix_fallocate(copy, 0, 10000) == 0 && lseek(copy, 0, SEEK_END) == 10000);
    close(fd), close(copy);
}

int main(void) {
    char folder[] = "/tmp/popcorn-files-XXXXXX", name[] = "made-XXXXXX";
    require(mkdtemp(folder) && chdir(folder) == 0);
    point();
    streams();
    mapping();
    vectors();
    FILE *temporary = tmpfile();
    require(temporary && fputs("kept", temporary) >= 0 && fseek(temporary, 1, SEEK_SET) == 0);
    printf("tmpfile %c\n", fgetc(temporary));
    fclose(temporary);
    int fd = mkstemp(name);
    require(fd >= 0 && close(fd) == 0 && rename(name, "renamed") == 0 && access(name, F_OK) != 0);
    unlink("text"), unlink("mapped"), unlink("vector"), unlink("copy"), unlink("renamed");
    require(chdir("/") == 0 && rmdir(folder) == 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    flockfile(stdout);
    point();
    puts("done");
    funlockfile(stdout);
    return 0;
}
