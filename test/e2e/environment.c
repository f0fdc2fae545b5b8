/* SPDX-License-Identifier: MIT */
/* Arguments, environment, program name, ids, limits, system names. */
/* e2e: args=one two\ words "" --flag=x */
#include "e2e.h"

#include <errno.h>
#include <getopt.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
    for (int i = 0; i < 4; i++)
        point();
    printf("%d arguments:", argc);
    for (int i = 1; i < argc; i++) {
        point();
        printf(" [%s]", argv[i]);
    }
    puts("");
    require(argv[argc] == NULL && strcmp(program_invocation_name, argv[0]) == 0);
    require(getenv("PATH") != NULL && getenv("E2E_NOT_SET") == NULL);
    setenv("E2E_NEW", "value", 1);
    point();
    putenv((char[]){"E2E_PUT=put"});
    unsetenv("HOME");
    int seen = 0;
    for (char **e = environ; *e; e++)
        seen += strncmp(*e, "E2E_", 4) == 0;
    printf("%s %s %d %d\n", getenv("E2E_NEW"), getenv("E2E_PUT"), seen, getenv("HOME") == NULL);
    int option, flags = 0;
    static const struct option longs[] = {{"flag", required_argument, NULL, 'f'}, {0}};
    while ((option = getopt_long(argc, argv, "f:", longs, NULL)) != -1) {
        point();
        flags += option == 'f' ? optarg[0] : 1000;
    }
    printf("option %c\n", flags);
    struct rlimit limit;
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 0);
    limit.rlim_cur = 100;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0 && sysconf(_SC_OPEN_MAX) == 100);
    struct utsname names;
    require(uname(&names) == 0 && strcmp(names.sysname, "Linux") == 0);
    pid_t pid = getpid();
    for (int i = 0; i < 20; i++) {
        point();
        require(getpid() == pid && gettid() == pid && getsid(0) == getsid(pid) && getuid() == geteuid());
    }
    printf("page %d cpus %d\n", sysconf(_SC_PAGESIZE) >= 4096, sysconf(_SC_NPROCESSORS_ONLN) > 0);
    return 0;
}
