/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INT(name, width, is_signed)                                                                          \
    { name, INTEGER, width, is_signed, NULL, 0, NULL }
#define FLOAT(name)                                                                                          \
    { name, FLOATING, 0, true, "mix_" name, 0, NULL }
#define VEC(name, element, count, width, is_signed, mix)                                                     \
    { name, VECTOR, width, is_signed, mix, count, element }

static const struct type types[] = {
    INT("int8_t", 8, true),
    INT("uint16_t", 16, false),
    INT("int32_t", 32, true),
    INT("uint32_t", 32, false),
    INT("int64_t", 64, true),
    INT("uint64_t", 64, false),
    INT("i128", 128, true),
    INT("u128", 128, false),
    INT("bits7", 7, true),
    INT("bits33", 33, false),
    INT("bits65", 65, true),
    INT("bits100", 100, false),
    INT("bits129", 129, true),
    INT("bits200", 200, false),
    INT("bits333", 333, true),
    FLOAT("half"),
    FLOAT("float"),
    FLOAT("double"),
    FLOAT("quad"),
    {"cfloat", COMPLEX, 0, true, "mix_float", 0, "float"},
    {"cdouble", COMPLEX, 0, true, "mix_double", 0, "double"},
    {"cquad", COMPLEX, 0, true, "mix_quad", 0, "quad"},
    VEC("char3", "int8_t", 3, 8, true, "mix"),
    VEC("char16", "uint8_t", 16, 8, false, "mix"),
    VEC("short7", "uint16_t", 7, 16, false, "mix"),
    VEC("int4", "int32_t", 4, 32, true, "mix"),
    VEC("int8", "uint32_t", 8, 32, false, "mix"),
    VEC("long2", "int64_t", 2, 64, true, "mix"),
    VEC("long8", "uint64_t", 8, 64, false, "mix"),
    VEC("float2", "float", 2, 0, true, "mix_float"),
    VEC("float5", "float", 5, 0, true, "mix_float"),
    VEC("double3", "double", 3, 0, true, "mix_double"),
    VEC("double4", "double", 4, 0, true, "mix_double"),
};

long seed;
static uint64_t state;

void random_begin(void) {
    state = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1;
    random_below(1);
}

uint32_t random_below(uint32_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

void out(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}

const struct type *random_type(void) {
    return &types[random_below(COUNT(types))];
}

const struct type *named_type(const char *name) {
    for (int i = 0; i < COUNT(types); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

void write_types(void) {
    for (int i = 0; i < COUNT(types); i++) {
        const struct type *type = &types[i];
        if (!strncmp(type->name, "bits", 4))
            out("typedef %s _BitInt(%d) %s;\n", type->is_signed ? "signed" : "unsigned", type->width,
                type->name);
        if (type->kind == VECTOR)
            out("typedef %s %s __attribute__((ext_vector_type(%d)));\n", type->element, type->name,
                type->count);
    }
    out("typedef struct { int8_t a, b, c; } small;\ntypedef struct { double d; float f; } pair;\n"
        "typedef struct { uint64_t a[3]; int32_t b; } large;\ntypedef struct { float f; int32_t i; } "
        "mixed;\n\n");
}

void mix(const struct type *type, const char *name) {
    switch (type->kind) {
    case INTEGER:
        out("    MIX_INTEGER(h, %s, %d);\n", name, type->width);
        break;
    case FLOATING:
        out("    h = %s(h, %s);\n", type->mix, name);
        break;
    case COMPLEX:
        out("    h = %s(%s(h, __real__ %s), __imag__ %s);\n", type->mix, type->mix, name, name);
        break;
    case VECTOR:
        out("    MIX_ELEMENTS(h, %s, %d, %s);\n", name, type->count, type->mix);
        break;
    }
}
