/* SPDX-License-Identifier: MIT */
/* popcorn SUBCOMMAND: finds the subcommand and hands over. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcorn.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does;
} commands[] = {
    {"run", command_run, "run a program, saying where and when it migrates"},
    {"info", command_info, "show what is in a program: ISAs, sizes, call sites"},
    {"ps", command_ps, "list the popcorn programs that are running"},
    {"migrate", command_migrate, "ask a running program to move"},
    {"checkpoint", command_checkpoint, "write a running program to a file"},
    {"restart", command_restart, "let a program go on from a checkpoint"},
    {"move", command_move, "move a running program to another machine"},
    {"receive", command_receive, "take a program that is moved here, or look after one that was"},
    {"relay", command_relay, NULL}, /* what a program's process becomes */
    {"nodes", command_nodes, "list where programs can go"},
    {"agent", command_agent, "connect this machine with others (needs the kernel module)"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

void die(const char *format, ...) {
    va_list arguments;
    fflush(stdout);
    fputs("popcorn: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *grow(void *array, uint64_t count, uint64_t *room, size_t size) {
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    array = realloc(array, *room * size);
    if (!array)
        die("out of memory");
    return array;
}

int read_number(const char *text, long least, long most, const char *what) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < least || value > most)
        die("\"%s\" is no %s", text, what);
    return (int)value;
}

static void help(void) {
    puts("Usage: popcorn COMMAND [OPTIONS]\n"
         "Runs and watches programs that hold several instruction sets and move between them.\n");
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].does)
            printf("  %-10s %s\n", commands[i].name, commands[i].does);
    puts("\n`popcorn COMMAND --help` says more about each. See also popcorn(1).");
}

int main(int argc, char **argv) {
    if (argc < 2)
        die("which command? Try `popcorn --help`");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        help();
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("popcorn " POPCORN_VERSION);
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            char name[32];
            snprintf(name, sizeof name, "popcorn %s", commands[i].name);
            argv[1] = name;
            return commands[i].run(argc - 1, argv + 1);
        }
    die("there is no command \"%s\". Try `popcorn --help`", argv[1]);
}
