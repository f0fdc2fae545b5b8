/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <stdio.h>

struct function functions[FUNCTIONS];
struct variable scope[MOST_LOCALS + MOST_PARAMETERS];
int scope_count, callable;

void declare(const struct type *type, const char *prefix, int number) {
    struct variable *v = &scope[scope_count++];
    v->type = type;
    snprintf(v->name, sizeof v->name, "%s%d", prefix, number);
}

const struct variable *random_variable(const struct type *type) {
    int start = (int)random_below((uint32_t)scope_count + 1);
    for (int i = 0; i < scope_count; i++) {
        const struct variable *v = &scope[(start + i) % scope_count];
        if (!type || v->type == type)
            return v;
    }
    return NULL;
}

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
void as_double(const struct variable *v) {
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

void call(int number) {
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

void expression(const struct type *type, int depth) {
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

static void assignment(void) {
    const struct variable *v = &scope[random_below((uint32_t)scope_count)];
    out("        %s = ", v->name);
    expression(v->type, 2);
    out(";\n");
}

/* Loops over statements with a point somewhere among them. */
void loop(const char *counter) {
    uint32_t statements = 2 + random_below(4), point = random_below(statements);
    out("    for (int %s = 0; %s < %u; %s++) {\n", counter, counter, 1 + random_below(4), counter);
    for (uint32_t i = 0; i < statements; i++) {
        assignment();
        if (i == point)
            out("        POINT();\n");
    }
    out("    }\n");
}
