/* SPDX-License-Identifier: MIT */
/*
 * The popcorn command: what its subcommands share. Each subcommand is a file of its own and gets its own name
 * as argv[0]; it returns the exit code. Wrong use and failures end in die().
 */
#ifndef POPCORN_COMMAND_H
#define POPCORN_COMMAND_H

#include <stddef.h>
#include <stdint.h>

int command_run(int argc, char **argv);
int command_info(int argc, char **argv);
int command_ps(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_checkpoint(int argc, char **argv);
int command_restart(int argc, char **argv);
int command_move(int argc, char **argv);
int command_receive(int argc, char **argv);
int command_relay(int argc, char **argv);
int command_nodes(int argc, char **argv);
int command_agent(int argc, char **argv);

/*
 * resume.c: goes on from the newest whole checkpoint in a directory, if there is one of the program at
 * `path`; what it wrote to its files since is cut off. Those of other users
 * are passed over. Returns if there is none at all.
 */
void resume_newest(const char *directory, const char *path);

/* Prints "popcorn: …" as one line on standard error and exits with code 1. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...);

/* Room for one more element, of `size` bytes, of an array with room for *room: doubled when it is full. The
 * array may be NULL. If there is no memory, the command ends. */
void *grow(void *array, uint64_t count, uint64_t *room, size_t size);

/* An argument that is a number in [least, most]; else the command ends, as it is no `what`. */
int read_number(const char *text, long least, long most, const char *what);

#endif
