/* SPDX-License-Identifier: MIT */
/* What the files of the generator share: types.c < expressions.c < features.c < generate.c. */
#ifndef GENERATE_H
#define GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

enum kind { INTEGER, FLOATING, COMPLEX, VECTOR };

struct type {
    const char *name;
    enum kind kind;
    int width; /* of an integer, or of the elements if they are integers */
    bool is_signed;
    const char *mix; /* of what is no integer: its function, or that of its parts */
    int count;       /* elements of a vector */
    const char *element;
};

struct variable {
    const struct type *type;
    char name[24];
};

enum { FUNCTIONS = 5, MOST_LOCALS = 16, MOST_PARAMETERS = 6 };

struct function {
    const struct type *result;
    const struct type *parameter[MOST_PARAMETERS];
    int count;
};

extern long seed;

/* types.c: numbers of the seed's, the program's text, and what types there are. */
void random_begin(void);
uint32_t random_below(uint32_t limit);
void out(const char *format, ...);
const struct type *random_type(void);
const struct type *named_type(const char *name);
void write_types(void);
/* A statement that puts what the name stands for into the checksum. */
void mix(const struct type *type, const char *name);

/* expressions.c: of the variables in scope, and of functions 0 to callable - 1. */
extern struct function functions[FUNCTIONS];
extern struct variable scope[MOST_LOCALS + MOST_PARAMETERS];
extern int scope_count, callable;
void declare(const struct type *type, const char *prefix, int number);
const struct variable *random_variable(const struct type *type);
void as_double(const struct variable *v);
void call(int number);
void expression(const struct type *type, int depth);
void loop(const char *counter);

/* features.c: a block that uses one feature, and the functions that these blocks call. */
void feature(void);
void write_thrower(void);
void write_variadic_function(void);

#endif
