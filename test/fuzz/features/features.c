/* SPDX-License-Identifier: MIT */
/* Blocks that each use one feature, with the scope's variables around them. */
#include "generate.h"

#include <string.h>

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
    int registers; /* of x86_64's for integers */
} unnamed[] = {
    {'i', "int32_t", 1}, {'l', "int64_t", 1}, {'t', "i128", 2},    {'d', "double", 0},  {'q', "quad", 0},
    {'c', "cdouble", 0}, {'C', "cquad", 0},   {'f', "cfloat", 0},  {'v', "int4", 0},    {'w', "double4", 0},
    {'W', "long8", 0},   {'r', "char3", 1},   {'B', "bits100", 2}, {'b', "bits200", 0}, {'o', "bits33", 1},
    {'h', "half", 0},    {'s', "small", 1},   {'p', "pair", 0},    {'L', "large", 0},   {'m', "mixed", 1},
};

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

void write_variadic_function(void) {
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

/* No argument of two registers when one is left: clang 19 for x86_64 then loses the next integer, and there
 * would be no native result to compare with. */
static void choose_unnamed(int *chosen, int count) {
    int used = 2; /* h and the letters */
    for (int i = 0; i < count; i++) {
        do
            chosen[i] = (int)random_below(COUNT(unnamed));
        while (used + unnamed[chosen[i]].registers == 7 && unnamed[chosen[i]].registers == 2);
        used += unnamed[chosen[i]].registers;
    }
}

static void variadic_call(void) {
    int chosen[7], count = 1 + (int)random_below(COUNT(chosen));
    choose_unnamed(chosen, count);
    out("    h = unnamed_%ld(h, \"", seed);
    for (int i = 0; i < count; i++)
        out("%c", unnamed[chosen[i]].letter);
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

void write_thrower(void) {
    out("static NOINLINE void thrower_%ld(jmp_buf buffer, int depth) {\n    POINT();\n    if (depth)\n"
        "        thrower_%ld(buffer, depth - 1);\n    else\n        longjmp(buffer, 1);\n    POINT();\n}\n\n",
        seed, seed);
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

void feature(void) {
    static void (*const all[])(void) = {
        variable_array,   variadic_call,         jump,         computed_goto, atomics, bit_fields, rounding,
        complex_division, thread_local_variable, variadic_call};
    all[random_below(COUNT(all))]();
}
