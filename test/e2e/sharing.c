/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* Memory shared between processes, wherever their threads are: System V's and POSIX' shared memory, mapped files. */
#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 5 * 4096 };

struct shared {
    sem_t ask, answer;
    atomic_uint counter;
    unsigned value[1000];
};

static void hop_about(int n) {
    for (int i = 0; i < n; i++)
        point();
}

/* The child adds to what the parent writes, turn by turn; both count without one. */
static NOINLINE void play(const char *name, struct shared *shared) {
    int status;
    require(sem_init(&shared->ask, 1, 0) == 0 && sem_init(&shared->answer, 1, 0) == 0);
    fflush(stdout);
    pid_t child = fork();
    require(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 20; i++) {
            hop_about(2);
            while (sem_wait(&shared->ask))
                require(errno == EINTR);
            for (int k = 0; k < 1000; k++)
                shared->value[k] += (unsigned)k;
            sem_post(&shared->answer);
        }
        for (int i = 0; i < 1000; i++, shared->counter++)
            if (i % 100 == 0)
                point();
        _exit(5);
    }
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 1000; k++)
            shared->value[k] ^= 0x55;
        sem_post(&shared->ask);
        hop_about(2);
        while (sem_wait(&shared->answer))
            require(errno == EINTR);
    }
    for (int i = 0; i < 1000; i++, shared->counter++)
        if (i % 100 == 0)
            point();
    require(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
    unsigned sum = 0;
    for (int k = 0; k < 1000; k++)
        sum = sum * 31 + shared->value[k];
    printf("%s: %u, %u\n", name, (unsigned)shared->counter, sum);
}

static NOINLINE void segments(void) {
    struct shmid_ds about;
    int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
    require(id >= 0);
    hop_about(3);
    char *at = shmat(id, NULL, 0), *again = shmat(id, NULL, SHM_RDONLY);
    require(at != (void *)-1 && again != (void *)-1 && at != again);
    hop_about(3);
    require(shmctl(id, IPC_RMID, NULL) == 0);
    play("segment", (struct shared *)at);
    require(memcmp(at, again, SIZE) == 0);
    hop_about(3);
    require(shmctl(id, IPC_STAT, &about) == 0);
    printf("segment: %lu bytes, attached %lu\n", (unsigned long)about.shm_segsz, (unsigned long)about.shm_nattch);
    errno = 0;
    require(shmat(id, at + 1, 0) == (void *)-1 && errno == EINVAL);
    require(shmat(id, at, 0) == (void *)-1 && errno == EINVAL);
    /* A part goes, and something else comes there. */
    strcpy(at + 3 * 4096, "third page");
    require(munmap(at + 4096, 4096) == 0);
    char *other = mmap(at + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    require(other == at + 4096);
    strcpy(other, "private");
    hop_about(5);
    at[0] = 'x';
    require(strcmp(other, "private") == 0 && strcmp(at + 3 * 4096, "third page") == 0 && again[0] == 'x');
    require(strcmp(again + 3 * 4096, "third page") == 0);
    require(shmdt(at) == 0);
    hop_about(3);
    require(strcmp(other, "private") == 0 && again[0] == 'x');
    require(shmdt(at) == -1 && errno == EINVAL);
    require(shmdt(again) == 0 && munmap(other, 4096) == 0);
    require(shmat(id, NULL, 0) == (void *)-1 && errno == EINVAL);
    /* At an address of one's own, and over what is there. */
    id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    char *place = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(place, "before");
    strcpy(place + 4096, "gone");
    hop_about(3);
    require(shmat(id, place + 4097, SHM_RND | SHM_REMAP) == place + 4096);
    hop_about(3);
    printf("over: %s, %d\n", place, place[4096]);
    require(shmctl(id, IPC_RMID, NULL) == 0 && shmdt(place + 4096) == 0);
}

static NOINLINE void objects(void) {
    char name[40];
    snprintf(name, sizeof name, "/popcorn-e2e-%d", (int)getpid());
    int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    require(file >= 0 && ftruncate(file, SIZE) == 0);
    hop_about(3);
    struct shared *one = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    require(one != MAP_FAILED && shm_unlink(name) == 0);
    hop_about(3);
    play("object", one);
    struct shared *two = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    hop_about(3);
    require(memcmp(one, two, SIZE) == 0);
    munmap(one, SIZE);
    hop_about(2);
    printf("object: %u\n", (unsigned)two->counter);
    munmap(two, SIZE);
}

static NOINLINE void files(void) {
    char name[] = "/tmp/popcorn-e2e-XXXXXX", line[10] = "";
    int file = mkstemp(name);
    require(file >= 0 && unlink(name) == 0 && ftruncate(file, SIZE) == 0);
    struct shared *shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    require(shared != MAP_FAILED);
    play("file", shared);
    hop_about(3);
    strcpy((char *)shared + SIZE - 10, "the end");
    require(pread(file, line, 10, SIZE - 10) == 10);
    printf("file: %s\n", line);
    require(pwrite(file, "The", 3, SIZE - 10) == 3);
    hop_about(3);
    printf("file: %s\n", (char *)shared + SIZE - 10);
    munmap(shared, SIZE);
    close(file);
    shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    play("anonymous", shared);
    munmap(shared, SIZE);
}

int main(void) {
    segments();
    objects();
    files();
    return 0;
}
