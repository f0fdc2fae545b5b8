/* SPDX-License-Identifier: MIT */
/*
 * generate SEED: a random C program on standard output, as one function `uint64_t program_SEED(void)` that
 * returns a checksum. It has what other generators cannot write: integers of 128 and of any number of bits,
 * complex numbers, vectors, floating point of 16 and 128 bits, all of them live across migration points, as
 * arguments (named and unnamed), results and members of structs; variable arrays, setjmp, computed goto,
 * atomics, bit-fields, function pointers, thread-local variables and rounding modes.
 */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>

static void function(int number) {
    struct function *f = &functions[number];
    scope_count = 0;
    f->result = random_type();
    f->count = 1 + (int)random_below(MOST_PARAMETERS);
    out("static NOINLINE %s f_%ld_%d(", f->result->name, seed, number);
    for (int i = 0; i < f->count; i++) {
        f->parameter[i] = random_type();
        declare(f->parameter[i], "p", i);
        out("%s%s p%d", i ? ", " : "", f->parameter[i]->name, i);
    }
    out(") {\n    uint64_t h = %u;\n", random_below(1000));
    int locals = 4 + (int)random_below(MOST_LOCALS - 4);
    for (int i = 0; i < locals; i++) {
        const struct type *type = random_type();
        out("    %s v%d = ", type->name, i);
        expression(type, 1);
        out(";\n");
        declare(type, "v", i);
    }
    loop("i");
    for (uint32_t i = 0, n = 1 + random_below(3); i < n; i++) {
        feature();
        loop("j");
    }
    for (int i = 0; i < scope_count; i++)
        mix(scope[i].type, scope[i].name);
    out("    total_%ld = mix(total_%ld, h);\n    return ", seed, seed);
    expression(f->result, 1);
    out(";\n}\n\nstatic %s (*volatile pointer_%ld_%d)(", f->result->name, seed, number);
    for (int i = 0; i < f->count; i++)
        out("%s%s", i ? ", " : "", f->parameter[i]->name);
    out(") = f_%ld_%d;\n\n", seed, number);
    callable = number + 1;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: generate SEED\n");
        return 2;
    }
    seed = atol(argv[1]);
    random_begin();
    out("#include \"support.h\"\n\n");
    write_types();
    out("static uint64_t total_%ld;\n\n", seed);
    write_thrower();
    write_variadic_function();
    for (int i = 0; i < FUNCTIONS; i++)
        function(i);
    scope_count = 0;
    out("uint64_t program_%ld(void);\nuint64_t program_%ld(void) {\n    uint64_t h = 0;\n", seed, seed);
    for (int i = 0; i < FUNCTIONS; i++) {
        out("    {\n        %s r = ", functions[i].result->name);
        call(i);
        out(";\n    ");
        mix(functions[i].result, "r");
        out("    }\n");
    }
    out("    return mix(h, total_%ld);\n}\n", seed);
    return 0;
}
