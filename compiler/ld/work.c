/* SPDX-License-Identifier: MIT */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "die.h"

enum { MOST_CHILDREN = 8 };

/* A program that ran, for --popcorn-time. */
struct step {
    char *name;
    double begin, end; /* seconds since the link began */
    struct rusage usage;
};

static struct {
    const char *folder;
    bool temporary;
    const char *extra;          /* the file to be removed later */
    pid_t child[MOST_CHILDREN]; /* 0: free */
    size_t child_step[MOST_CHILDREN];
    struct step *step;
    size_t steps;
    bool show;
    struct timespec start;
} work;

static volatile sig_atomic_t caught;

static const int ending[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT, SIGXCPU};

static void on_signal(int sig) {
    caught = sig;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void work_end(void) {
    for (int i = 0; i < MOST_CHILDREN; i++) {
        if (!work.child[i])
            continue;
        kill(work.child[i], SIGKILL);
        while (waitpid(work.child[i], NULL, 0) < 0 && errno == EINTR)
            ;
        work.child[i] = 0;
    }
    if (work.extra)
        unlink(work.extra);
    if (work.folder && work.temporary)
        nftw(work.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    work.extra = NULL;
    work.folder = NULL;
}

void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("popcorn-ld: error: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    die_quietly();
}

void die_quietly(void) {
    work_end();
    exit(EXIT_QUIETLY);
}

void work_check(void) {
    if (!caught)
        return;
    work_end();
    signal(caught, SIG_DFL);
    raise(caught);
    _exit(128 + caught);
}

void work_begin(const char *keep) {
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction old;
        sigaction(ending[i], &action, &old);
        if (old.sa_handler == SIG_IGN) /* nohup, or a shell's background job */
            sigaction(ending[i], &old, NULL);
    }
    if (keep) {
        if (mkdir(keep, 0777) && errno != EEXIST)
            die("%s: %s", keep, strerror(errno));
        work.folder = keep;
        return;
    }
    const char *base = getenv("TMPDIR");
    char *folder = must_format("%s/popcorn-ld-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder))
        die("%s: %s", folder, strerror(errno));
    work.folder = folder;
    work.temporary = true;
}

const char *work_file(const char *name) {
    return must_format("%s/%s", work.folder, name);
}

void work_remove_later(const char *path) {
    work.extra = path;
}

void work_keep(void) {
    work.extra = NULL;
}

void work_write(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)bytes + done, size - done);
        work_check();
        if (n < 0 && errno != EINTR)
            die("%s: %s", path, strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    if (close(fd))
        die("%s: %s", path, strerror(errno));
}

static void redirect(int fd, const char *path) {
    if (!path)
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0 && dup2(file, fd) >= 0)
        return;
    fprintf(stderr, "popcorn-ld: error: %s: %s\n", path, strerror(errno));
    _exit(1);
}

static _Noreturn void become(const struct list *argv, const char *output, const char *errors) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        signal(ending[i], SIG_DFL);
    redirect(STDOUT_FILENO, output);
    redirect(STDERR_FILENO, errors);
    const char **words = must_alloc((argv->count + 1) * sizeof *words);
    memcpy(words, argv->item, argv->count * sizeof *words);
    words[argv->count] = NULL;
    execvp(words[0], (char **)words);
    if (errno == ENOENT)
        fprintf(stderr,
                "popcorn-ld: error: %s not found: is it installed (Debian packages llvm-19, lld-19)?\n",
                words[0]);
    else
        fprintf(stderr, "popcorn-ld: error: %s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static double seconds_since_start(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - work.start.tv_sec) + (double)(now.tv_nsec - work.start.tv_nsec) / 1e9;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A step is called after its program and what it makes, which comes last on its command line. */
static size_t begin_step(const struct list *argv) {
    const char *program = last_part(argv->item[0]), *dash = strrchr(program, '-');
    const char *made = last_part(argv->item[argv->count - 1]);
    work.step = must_realloc(work.step, (work.steps + 1) * sizeof *work.step);
    work.step[work.steps] = (struct step){
        .name = must_format("%.*s %s", dash ? (int)(dash - program) : (int)strlen(program), program, made),
        .begin = seconds_since_start()};
    return work.steps++;
}

int work_start(const struct list *argv, const char *output, const char *errors) {
    work_check();
    for (int i = 0; i < MOST_CHILDREN; i++) {
        if (work.child[i])
            continue;
        pid_t pid = fork();
        if (pid < 0)
            die("cannot start %s: %s", argv->item[0], strerror(errno));
        if (!pid)
            become(argv, output, errors);
        work.child[i] = pid;
        work.child_step[i] = begin_step(argv);
        return i;
    }
    die("too many programs at once");
}

static int child_number(pid_t pid) {
    for (int i = 0; i < MOST_CHILDREN; i++)
        if (work.child[i] == pid)
            return i;
    return -1;
}

int work_wait(bool *good) {
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, 0, &usage);
        work_check();
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return -1;
        int number = child_number(pid);
        if (number < 0)
            continue;
        work.child[number] = 0;
        struct step *step = &work.step[work.child_step[number]];
        step->end = seconds_since_start();
        step->usage = usage;
        *good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (WIFSIGNALED(status))
            fprintf(stderr, "popcorn-ld: a step of the link was ended by signal %d (%s)\n", WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
        return number;
    }
}

bool work_run(const struct list *argv, const char *output, const char *errors) {
    bool good = false;
    work_start(argv, output, errors);
    return work_wait(&good) >= 0 && good;
}

void progress_begin(bool verbose) {
    work.show = verbose || getenv("POPCORN_LD_VERBOSE") || isatty(STDERR_FILENO);
    clock_gettime(CLOCK_MONOTONIC, &work.start);
}

void progress(const char *format, ...) {
    va_list args;
    if (!work.show)
        return;
    va_start(args, format);
    fprintf(stderr, "popcorn-ld: %6.1f s  ", seconds_since_start());
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static double cpu_seconds(const struct rusage *usage) {
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void print_step(const char *name, double wall, const struct rusage *usage) {
    fprintf(stderr, "%8.2f %8.2f %8ld  %s\n", wall, cpu_seconds(usage), usage->ru_maxrss / 1024, name);
}

/* Seconds in which some program ran; steps are in the order in which they began. */
static double seconds_in_steps(void) {
    double sum = 0, until = 0;
    for (const struct step *s = work.step; s < work.step + work.steps; s++) {
        double begin = s->begin > until ? s->begin : until;
        sum += s->end > begin ? s->end - begin : 0;
        until = s->end > until ? s->end : until;
    }
    return sum;
}

void work_print_times(void) {
    struct rusage own, all;
    double wall = seconds_since_start();
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &all);
    fputs("  wall s    CPU s peak MiB  step\n", stderr);
    for (size_t i = 0; i < work.steps; i++)
        print_step(work.step[i].name, work.step[i].end - work.step[i].begin, &work.step[i].usage);
    print_step("popcorn-ld itself", wall - seconds_in_steps(), &own);
    timeradd(&all.ru_utime, &own.ru_utime, &all.ru_utime);
    timeradd(&all.ru_stime, &own.ru_stime, &all.ru_stime);
    all.ru_maxrss = all.ru_maxrss > own.ru_maxrss ? all.ru_maxrss : own.ru_maxrss;
    print_step("all", wall, &all);
}
