/* SPDX-License-Identifier: MIT */
/* e2e: func=nest */
/* Pointers to locals stay right wherever they are kept: structs, arrays, heap, globals, integers, one past
 * the end. */
#include "e2e.h"

struct node {
    int value;
    struct node *next;
};

static int *global_pointer;
static struct node *global_list;
static uintptr_t as_integer;

static NOINLINE int sum_list(const struct node *list) {
    int sum = 0;
    for (; list; list = list->next) {
        point();
        sum += list->value;
    }
    return sum;
}

/* Builds a linked list of frames: each node lives in its caller's frame. */
static NOINLINE int nest(int depth, struct node *outer) {
    struct node here = {depth, outer};
    point();
    if (depth == 0) {
        global_list = &here;
        return sum_list(global_list);
    }
    int inner = nest(depth - 1, &here);
    point();
    here.value += 1;
    return inner + here.value;
}

static NOINLINE void in_heap(void) {
    int local[4] = {1, 2, 3, 4};
    int **box = malloc(4 * sizeof *box);
    for (int i = 0; i < 4; i++)
        box[i] = &local[3 - i];
    for (int i = 0; i < 4; i++) {
        point();
        *box[i] *= 10;
    }
    printf("heap %d %d %d %d\n", local[0], local[1], local[2], local[3]);
    free(box);
}

static NOINLINE void one_past_the_end(void) {
    int array[8];
    int *end = array + 8;
    for (int *p = array; p != end; p++) {
        point();
        *p = (int)(p - array) * 3;
    }
    int sum = 0;
    for (const int *p = end; p-- != array;) {
        point();
        sum = sum * 2 + *p;
    }
    printf("end %d\n", sum);
}

static NOINLINE void in_integers(void) {
    int local = 5;
    as_integer = (uintptr_t)&local ^ 0x5a5a5a5a;
    uintptr_t split[2] = {(uintptr_t)&local >> 16, (uintptr_t)&local & 0xffff};
    for (int i = 0; i < 10; i++) {
        point();
        *(int *)(as_integer ^ 0x5a5a5a5a) += i;
        *(int *)(split[0] << 16 | split[1]) *= 2;
    }
    printf("integers %d\n", local);
}

static NOINLINE void set_through(int **where, int *what) {
    point();
    *where = what;
    point();
}

static NOINLINE void in_globals(void) {
    int a = 1, b = 2;
    set_through(&global_pointer, &a);
    *global_pointer += 10;
    set_through(&global_pointer, &b);
    *global_pointer += 20;
    int **twice = &global_pointer;
    point();
    **twice += 100;
    printf("globals %d %d\n", a, b);
    global_pointer = NULL;
}

int main(void) {
    printf("nest %d\n", nest(50, NULL));
    in_heap();
    one_past_the_end();
    in_integers();
    in_globals();
    return 0;
}
