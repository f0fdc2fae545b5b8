/* SPDX-License-Identifier: MIT */
/* What machine/string.c does, for x86-64-v3: by blocks of 32 bytes. */
#ifndef X86_64_STRING_V3_H
#define X86_64_STRING_V3_H

#include <stddef.h>
#include <stdint.h>

#define STRING_V3(function) popcorn_v3_##function

extern uint8_t __popcorn_level;

void *STRING_V3(memchr)(const void *, int, size_t);
void *STRING_V3(memrchr)(const void *, int, size_t);
int STRING_V3(memcmp)(const void *, const void *, size_t);
void *STRING_V3(memmove)(void *, const void *, size_t);
size_t STRING_V3(strlen)(const char *);
size_t STRING_V3(strnlen)(const char *, size_t);
char *STRING_V3(__strchrnul)(const char *, int);
char *STRING_V3(strrchr)(const char *, int);
int STRING_V3(strncmp)(const char *, const char *, size_t);
int STRING_V3(strncasecmp)(const char *, const char *, size_t);
size_t STRING_V3(strspn)(const char *, const char *);
size_t STRING_V3(strcspn)(const char *, const char *);
char *STRING_V3(__stpcpy)(char *restrict, const char *restrict);
char *STRING_V3(__stpncpy)(char *restrict, const char *restrict, size_t);
const char *STRING_V3(__popcorn_find)(const char *, const char *, const char *, size_t, const char **);

#endif
