/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:2:7 min=0 */
/* The statistics are lost with exec, so the program counts its hops itself. */
/* fork, wait, pipes, SIGCHLD, exec, posix_spawn, system and popen from a thread that migrated. */
#include "e2e.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile sig_atomic_t children;
static int shared_value = 5;

#ifdef __popcorn__
static int hops;

static void hop_about(int n) {
    for (int i = 0; i < n; i++) {
        int before = current_nid();
        point();
        hops += current_nid() != before;
    }
}

static void check_hops(void) {
    require(!getenv("POPCORN_NODES") || hops >= 10);
}
#else
static void hop_about(int n) {
    (void)n;
}

static void check_hops(void) {}
#endif

static void on_child(int signal) {
    (void)signal;
    children++;
}

static NOINLINE void forks(void) {
    int local = 11;
    for (int i = 0; i < 4; i++) {
        int ends[2], status;
        char buffer[64];
        hop_about(2);
        require(pipe(ends) == 0);
        fflush(stdout);
        pid_t child = fork();
        require(child >= 0);
        if (child == 0) {
            close(ends[0]);
            hop_about(3);
            local += i;
            shared_value++;
            int length =
                snprintf(buffer, sizeof buffer, "child %d: %d %d %d", i, local, shared_value, getppid() != 1);
            require(write(ends[1], buffer, (size_t)length) == length);
            _exit(40 + i);
        }
        close(ends[1]);
        hop_about(1);
        ssize_t length = read(ends[0], buffer, sizeof buffer);
        require(length > 0 && read(ends[0], buffer + length, 1) == 0);
        close(ends[0]);
        require(waitpid(child, &status, 0) == child);
        printf("%.*s, exit %d, here %d %d\n", (int)length, buffer, WEXITSTATUS(status), local, shared_value);
    }
    require(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static NOINLINE void killed_child(void) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            hop_about(1);
    hop_about(1);
    kill(child, SIGTERM);
    require(waitpid(child, &status, 0) == child);
    printf("killed %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
}

static NOINLINE void grandchildren(void) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        hop_about(2);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            hop_about(2);
            _exit(3);
        }
        waitpid(grandchild, &status, 0);
        _exit(WEXITSTATUS(status) * 10 + 1);
    }
    waitpid(child, &status, 0);
    printf("grandchild %d\n", WEXITSTATUS(status));
}

static NOINLINE void spawns(const char *self) {
    int status;
    pid_t child;
    char *arguments[] = {(char *)self, "spawned", "a b", "", NULL};
    fflush(stdout);
    require(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
    hop_about(1);
    require(waitpid(child, &status, 0) == child);
    printf("spawn %d\n", WEXITSTATUS(status));
    require(posix_spawn(&child, "/does/not/exist", NULL, NULL, arguments, environ) == ENOENT);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        execl(self, self, "executed", (char *)NULL);
        _exit(99);
    }
    waitpid(child, &status, 0);
    printf("exec %d\n", WEXITSTATUS(status));
    child = vfork();
    if (child == 0)
        _exit(17);
    waitpid(child, &status, 0);
    printf("vfork %d\n", WEXITSTATUS(status));
}

static NOINLINE void shells(void) {
    char line[100];
    fflush(stdout);
    hop_about(1);
    int status = system("echo from the shell; exit 7");
    printf("system %d\n", WEXITSTATUS(status));
    FILE *pipe = popen("echo one; echo two; exit 3", "r");
    require(pipe != NULL);
    while (fgets(line, sizeof line, pipe)) {
        hop_about(1);
        printf("popen: %s", line);
    }
    printf("pclose %d\n", WEXITSTATUS(pclose(pipe)));
    fflush(stdout);
    pipe = popen("tr a-z A-Z", "w");
    for (int i = 0; i < 3; i++) {
        hop_about(1);
        fprintf(pipe, "written %d\n", i);
    }
    pclose(pipe);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        hop_about(2);
        for (int i = 1; i < argc; i++)
            printf("[%s]", argv[i]);
        printf(" %s\n", getenv("E2E_MARK") ? getenv("E2E_MARK") : "no mark");
        return 20 + argc;
    }
    setenv("E2E_MARK", "marked", 1);
    forks();
    killed_child();
    grandchildren();
    signal(SIGCHLD, on_child);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    while (!children)
        hop_about(1);
    waitpid(child, NULL, 0);
    printf("SIGCHLD %d\n", (int)children);
    signal(SIGCHLD, SIG_DFL);
    spawns(argv[0]);
    shells();
    check_hops();
    fflush(stdout);
    execl(argv[0], argv[0], "replaced", (char *)NULL);
    return 98;
}
