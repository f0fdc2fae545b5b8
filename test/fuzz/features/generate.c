/* SPDX-License-Identifier: MIT */
/*
 * generate SEED: a random C program on standard output, as one function `uint64_t program_SEED(void)` that
 * returns a checksum. It has what other generators cannot write: integers of 128 and of any number of bits,
 * complex numbers, vectors, floating point of 16 and 128 bits, all of them live across migration points, as
 * arguments (named and unnamed), results and members of structs; variable arrays, setjmp, computed goto,
 * atomics, bit-fields, function pointers, thread-local variables and rounding modes.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

enum { FUNCTIONS = 5, MOST_LOCALS = 16, MOST_PARAMETERS = 6 };

struct variable {
    const struct type *type;
    char name[24];
};

struct function {
    const struct type *result;
    const struct type *parameter[MOST_PARAMETERS];
    int count;
};

static uint64_t state;
static long seed;
static struct function functions[FUNCTIONS];
static struct variable scope[MOST_LOCALS + MOST_PARAMETERS];
static int scope_count;
static int callable; /* functions so far */

static uint32_t random_below(uint32_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

static const struct type *random_type(void) {
    return &types[random_below(COUNT(types))];
}

static void out(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}

static void declare(const struct type *type, const char *prefix, int number) {
    struct variable *v = &scope[scope_count++];
    v->type = type;
    snprintf(v->name, sizeof v->name, "%s%d", prefix, number);
}

static const struct variable *random_variable(const struct type *type) {
    int start = (int)random_below((uint32_t)scope_count + 1);
    for (int i = 0; i < scope_count; i++) {
        const struct variable *v = &scope[(start + i) % scope_count];
        if (!type || v->type == type)
            return v;
    }
    return NULL;
}

static void expression(const struct type *type, int depth);

static void constant(const struct type *type) {
    switch (type->kind) {
    case INTEGER:
        out("(%s)%uu", type->name, random_below(random_below(2) ? 200 : 2000000000));
        break;
    case FLOATING:
        out("(%s)%d.%uf", type->name, (int)random_below(60) - 20, random_below(1000));
        break;
    case COMPLEX:
        out("((%s)%d.5f + (%s)%d.25f * (cfloat)I)", type->name, (int)random_below(30) - 10, type->name,
            (int)random_below(30) - 10);
        break;
    case VECTOR:
        out("(%s){", type->name);
        for (int i = 0; i < type->count; i++)
            out("%s%u", i ? ", " : "", random_below(100));
        out("}");
        break;
    }
}

/* LLVM converts integers of more than 128 bits to floating point in the default rounding mode only. */
static const char *narrowed(const struct type *type) {
    return type->width > 128 ? "(int64_t)" : "";
}

/* A real number of any scalar type as a double; of a vector or a complex number, a part of it. */
static void as_double(const struct variable *v) {
    switch (v->type->kind) {
    case VECTOR:
        out("(double)%s[%u]", v->name, random_below((uint32_t)v->type->count));
        break;
    case COMPLEX:
        out("(double)__%s__ %s", random_below(2) ? "real" : "imag", v->name);
        break;
    default:
        out("(double)%s%s", narrowed(v->type), v->name);
    }
}

static void converted(const struct type *type) {
    const struct variable *v = random_variable(NULL);
    if (!v) {
        constant(type);
        return;
    }
    bool from_integer = v->type->kind == INTEGER;
    switch (type->kind) {
    case INTEGER:
        if (from_integer) {
            out("(%s)%s", type->name, v->name);
        } else {
            out("(%s)to_%s(", type->name, type->width >= 64 ? "large" : "integer");
            as_double(v);
            out(")");
        }
        break;
    case FLOATING:
        if (from_integer || v->type->kind == FLOATING) {
            out("(%s)%s%s", type->name, narrowed(v->type), v->name);
        } else {
            out("(%s)", type->name);
            as_double(v);
        }
        break;
    case COMPLEX:
        out("(%s)", type->name);
        as_double(v);
        break;
    case VECTOR:
        constant(type);
        break;
    }
}

static void call(int number) {
    const struct function *f = &functions[number];
    out("%s_%ld_%d(", random_below(4) ? "f" : "pointer", seed, number);
    for (int i = 0; i < f->count; i++) {
        out(i ? ", " : "");
        expression(f->parameter[i], 0);
    }
    out(")");
}

static bool call_of(const struct type *type) {
    for (int i = 0; i < callable; i++)
        if (functions[i].result == type) {
            call(i);
            return true;
        }
    return false;
}

static void binary(const struct type *type, int depth) {
    static const char *const of_integers[] = {"+", "-", "*", "&", "|", "^"};
    static const char *const of_reals[] = {"+", "-", "*"};
    bool integers = type->width != 0;
    uint32_t choice = random_below(8);
    out("(%s)(", type->name);
    expression(type, depth - 1);
    if (type->kind == INTEGER && choice < 2) {
        out(choice ? " / " : " %% ");
        const struct variable *v = random_variable(type);
        if (v)
            out("DIVISOR(%s)", v->name);
        else
            out("7");
    } else if (integers && choice == 2 && type->kind == INTEGER) {
        out(random_below(2) ? " << %u" : " >> %u", random_below((uint32_t)type->width));
    } else {
        if ((type->kind == FLOATING || (type->kind == VECTOR && !integers)) && choice == 3)
            out(" / ");
        else
            out(" %s ", integers ? of_integers[random_below(COUNT(of_integers))]
                                 : of_reals[random_below(COUNT(of_reals))]);
        expression(type, depth - 1);
    }
    out(")");
}

static void condition(void) {
    const struct variable *v = random_variable(NULL), *w = random_variable(NULL);
    if (!v || !w) {
        out("1");
        return;
    }
    as_double(v);
    out(random_below(2) ? " < " : " != ");
    as_double(w);
}

static void expression(const struct type *type, int depth) {
    const struct variable *v = random_variable(type);
    uint32_t choice = random_below(10);
    if (depth > 0 && choice < 6) {
        binary(type, depth);
    } else if (depth > 0 && choice == 6) {
        out("(");
        condition();
        out(" ? ");
        expression(type, depth - 1);
        out(" : ");
        expression(type, depth - 1);
        out(")");
    } else if (depth > 0 && choice == 7 && call_of(type)) {
        return;
    } else if (choice == 8 || !v) {
        converted(type);
    } else if (choice == 9) {
        constant(type);
    } else {
        out("%s", v->name);
    }
}

static void mix(const struct type *type, const char *name) {
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

static void assignment(void) {
    const struct variable *v = &scope[random_below((uint32_t)scope_count)];
    out("        %s = ", v->name);
    expression(v->type, 2);
    out(";\n");
}

/* Loops over statements with a point somewhere among them. */
static void loop(const char *counter) {
    uint32_t statements = 2 + random_below(4), point = random_below(statements);
    out("    for (int %s = 0; %s < %u; %s++) {\n", counter, counter, 1 + random_below(4), counter);
    for (uint32_t i = 0; i < statements; i++) {
        assignment();
        if (i == point)
            out("        POINT();\n");
    }
    out("    }\n");
}

/*
 * Blocks that each use one feature, with the scope's variables around them.
 */
static void variable_array(void) {
    const struct type *type = random_type();
    out("    {\n        int n = 1 + (int)(h %% 9);\n        %s array[n];\n", type->name);
    out("        %s *more = __builtin_alloca_with_align(sizeof(%s) * (size_t)n, 8 * _Alignof(%s));\n",
        type->name, type->name, type->name);
    out("        for (int i = 0; i < n; i++) {\n            array[i] = ");
    expression(type, 1);
    out(";\n            POINT();\n            more[n - 1 - i] = array[i];\n        }\n    ");
    mix(type, "more[n / 2]");
    out("    ");
    mix(type, "array[n - 1]");
    out("    }\n");
}

static const struct {
    char letter;
    const char *type;
} unnamed[] = {
    {'i', "int32_t"}, {'l', "int64_t"}, {'t', "i128"},    {'d', "double"},  {'q', "quad"},
    {'c', "cdouble"}, {'C', "cquad"},   {'f', "cfloat"},  {'v', "int4"},    {'w', "double4"},
    {'W', "long8"},   {'r', "char3"},   {'B', "bits100"}, {'b', "bits200"}, {'o', "bits33"},
    {'h', "half"},    {'s', "small"},   {'p', "pair"},    {'L', "large"},   {'m', "mixed"},
};

static const struct type *named_type(const char *name) {
    for (int i = 0; i < COUNT(types); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

static void structure(const char *name) {
    if (!strcmp(name, "small"))
        out("((small){(int8_t)(h >> 3), (int8_t)h, 5})");
    else if (!strcmp(name, "pair"))
        out("((pair){(double)(h %% 1000), 1.5f})");
    else if (!strcmp(name, "large"))
        out("((large){{h, h >> 5, 9}, (int32_t)h})");
    else
        out("((mixed){(float)(h %% 77), (int32_t)(h >> 7)})");
}

static void mix_structure(const char *name) {
    if (!strcmp(name, "small"))
        out("h = mix(h, (uint64_t)(x.a + 3 * x.b + 5 * x.c));");
    else if (!strcmp(name, "pair"))
        out("h = mix_float(mix_double(h, x.d), x.f);");
    else if (!strcmp(name, "large"))
        out("h = mix(mix(h, x.a[0] + x.a[1] * 3 + x.a[2]), (uint64_t)x.b);");
    else
        out("h = mix(mix_float(h, x.f), (uint64_t)x.i);");
}

static void variadic_function(void) {
    out("static NOINLINE uint64_t unnamed_%ld(uint64_t h, const char *letters, ...) {\n", seed);
    out("    va_list list, again;\n    va_start(list, letters);\n    va_copy(again, list);\n");
    out("    for (const char *letter = letters; *letter; letter++) {\n        POINT();\n        switch "
        "(*letter) {\n");
    for (int i = 0; i < COUNT(unnamed); i++) {
        out("        case '%c': {\n            %s x = va_arg(list, %s);\n        ", unnamed[i].letter,
            unnamed[i].type, unnamed[i].type);
        const struct type *type = named_type(unnamed[i].type);
        if (type) {
            mix(type, "x");
        } else {
            out("    ");
            mix_structure(unnamed[i].type);
            out("\n");
        }
        out("            break;\n        }\n");
    }
    out("        }\n    }\n    va_end(list);\n    va_end(again);\n    return h;\n}\n\n");
}

static void variadic_call(void) {
    int chosen[7], count = 1 + (int)random_below(COUNT(chosen));
    out("    h = unnamed_%ld(h, \"", seed);
    for (int i = 0; i < count; i++) {
        chosen[i] = (int)random_below(COUNT(unnamed));
        out("%c", unnamed[chosen[i]].letter);
    }
    out("\"");
    for (int i = 0; i < count; i++) {
        const struct type *type = named_type(unnamed[chosen[i]].type);
        out(", ");
        if (type)
            expression(type, 1);
        else
            structure(unnamed[chosen[i]].type);
    }
    out(");\n");
}

/* No variable of the scope changes between setjmp and longjmp, so all keep their values. */
static void jump(void) {
    out("    {\n        jmp_buf buffer;\n        volatile int rounds = 0;\n        volatile uint64_t sum = "
        "h;\n");
    out("        if (setjmp(buffer))\n            sum = mix(sum, 77);\n        POINT();\n        ");
    out("sum = mix(sum, (uint64_t)to_large(");
    const struct variable *v = random_variable(NULL);
    as_double(v);
    out("));\n        if (++rounds < %u)\n            thrower_%ld(buffer, 2);\n        h = sum;\n    }\n",
        2 + random_below(3), seed);
}

static void computed_goto(void) {
    static int number;
    int n = number++;
    out("    {\n        static const void *const labels[] = {&&add_%d, &&sub_%d, &&turn_%d, &&stop_%d};\n", n,
        n, n, n);
    out("        uint64_t program = h | (uint64_t)3 << 40;\n        goto *labels[program & 3];\n");
    out("    add_%d:\n        h = mix(h, 1);\n        POINT();\n        goto *labels[(program >>= 2) & 3];\n",
        n);
    out("    sub_%d:\n        h = h * 5 - 3;\n        goto *labels[(program >>= 2) & 3];\n", n);
    out("    turn_%d:\n        h = h << 7 | h >> 57;\n        POINT();\n        goto *labels[(program >>= 2) "
        "& 3];\n",
        n);
    out("    stop_%d:;\n    }\n", n);
}

static void atomics(void) {
    static const char *const scalar[] = {"int8_t", "uint16_t", "int32_t", "uint64_t", "i128"};
    const struct type *type = named_type(scalar[random_below(COUNT(scalar))]);
    out("    {\n        static _Atomic(%s) cell;\n        %s old = __c11_atomic_exchange(&cell, ", type->name,
        type->name);
    expression(type, 1);
    out(", __ATOMIC_SEQ_CST);\n        (void)old;\n        for (int i = 0; i < 3; i++) {\n");
    out("            old = __c11_atomic_fetch_%s(&cell, (%s)(h + (uint64_t)i), __ATOMIC_SEQ_CST);\n",
        random_below(2) ? "add" : "xor", type->name);
    out("            POINT();\n            %s wanted = old;\n", type->name);
    out("            __c11_atomic_compare_exchange_strong(&cell, &wanted, (%s)7, __ATOMIC_SEQ_CST, "
        "__ATOMIC_SEQ_CST);\n",
        type->name);
    out("        %s        }\n", "");
    mix(type, "old");
    out("        old = __c11_atomic_load(&cell, __ATOMIC_SEQ_CST);\n");
    mix(type, "old");
    out("        _Atomic(pair) both;\n        __c11_atomic_init(&both, ((pair){1.5, 2.5f}));\n        "
        "POINT();\n");
    out("        pair had = __c11_atomic_exchange(&both, ((pair){(double)(h %% 99), 4.5f}), "
        "__ATOMIC_SEQ_CST);\n");
    out("        pair has = __c11_atomic_load(&both, __ATOMIC_SEQ_CST);\n        h = mix_double(h, had.d + "
        "has.d);\n    }\n");
}

static void bit_fields(void) {
    out("    {\n        struct {\n            uint64_t a : %u;\n            int b : %u;\n            "
        "unsigned _BitInt(50) c : %u;\n"
        "            int64_t d : %u;\n        } fields = {0};\n",
        1 + random_below(60), 1 + random_below(31), 1 + random_below(45), 1 + random_below(62));
    out("        for (int i = 0; i < 3; i++) {\n            fields.a += h;\n            fields.b -= "
        "(int)h;\n            POINT();\n"
        "            fields.c = (unsigned _BitInt(50))(fields.c * 3 + h);\n            fields.d ^= "
        "(int64_t)h;\n"
        "            h = mix(h, fields.a + (uint64_t)fields.b + (uint64_t)fields.c + (uint64_t)fields.d);\n  "
        "      }\n    }\n");
}

static void thread_local_variable(void) {
    const struct type *type = random_type();
    out("    {\n        static _Thread_local %s kept;\n        %s before = kept;\n        kept = ",
        type->name, type->name);
    expression(type, 1);
    out(";\n        POINT();\n    ");
    mix(type, "kept");
    out("    ");
    mix(type, "before");
    out("    }\n");
}

/* In every other program, for then it is compiled with -frounding-math. */
static void rounding(void) {
    if (seed % 2 == 0)
        return;
    static const char *const modes[] = {"FE_UPWARD", "FE_DOWNWARD", "FE_TOWARDZERO"};
    static const char *const reals[] = {"float", "double", "quad"};
    const struct type *type = named_type(reals[random_below(COUNT(reals))]);
    out("    {\n        volatile %s one = (%s)(1 + h %% 1000), three = 3;\n        fesetround(%s);\n",
        type->name, type->name, modes[random_below(COUNT(modes))]);
    out("        volatile %s part = one / three;\n        POINT();\n", type->name);
    out("        part = part * part - one * three + (one - part) / (three + part);\n        POINT();\n");
    out("        volatile float narrow = (float)part;\n        volatile double wide = (double)((quad)part / "
        "three);\n");
    out("        fesetround(FE_TONEAREST);\n        h = mix_double(mix_float(h, narrow), wide);\n    ");
    mix(type, "part");
    out("    }\n");
}

/* What two libraries may compute by different methods. */
static void complex_division(void) {
    static const char *const names[] = {"cfloat", "cdouble", "cquad"};
    const struct type *type = named_type(names[random_below(COUNT(names))]);
    out("    {\n        %s a = ", type->name);
    expression(type, 1);
    out(", b = ");
    expression(type, 1);
    out(";\n        POINT();\n        %s q = a / b;\n        own = %s(%s(own, __real__ q), __imag__ q);\n    "
        "}\n",
        type->name, type->mix, type->mix);
}

static void feature(void) {
    static void (*const all[])(void) = {
        variable_array,   variadic_call,         jump,         computed_goto, atomics, bit_fields, rounding,
        complex_division, thread_local_variable, variadic_call};
    all[random_below(COUNT(all))]();
}

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

static void types_of_the_program(void) {
    out("#include \"support.h\"\n\n");
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
        "mixed;\n\n"
        "static uint64_t total_%ld;\n\n"
        "static NOINLINE void thrower_%ld(jmp_buf buffer, int depth) {\n    POINT();\n    if (depth)\n"
        "        thrower_%ld(buffer, depth - 1);\n    else\n        longjmp(buffer, 1);\n    POINT();\n}\n\n",
        seed, seed, seed);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: generate SEED\n");
        return 2;
    }
    seed = atol(argv[1]);
    state = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1;
    random_below(1);
    types_of_the_program();
    variadic_function();
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
