/* SPDX-License-Identifier: MIT */
/* Variable-length arrays and alloca, live over migration points and in recursion. */
#include "e2e.h"

#include <alloca.h>

static NOINLINE int triangle(int n) {
    int row[n];
    for (int i = 0; i < n; i++) {
        point();
        row[i] = i * n;
    }
    int inner = n > 1 ? triangle(n - 1) : 0;
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += row[i];
    return inner + sum;
}

static NOINLINE long matrix(int rows, int columns) {
    long m[rows][columns];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            m[r][c] = r * 100 + c;
    long trace = 0;
    for (int r = 0; r < rows && r < columns; r++) {
        point();
        trace += m[r][r];
    }
    return trace + (long)(sizeof m / sizeof m[0]);
}

/* Each turn has an array of another size, given back at its end. */
static NOINLINE int in_loop(int turns) {
    int sum = 0;
    for (int t = 1; t <= turns; t++) {
        char text[t + 10];
        snprintf(text, sizeof text, "turn %d", t);
        point();
        sum += (int)strlen(text) + text[0];
    }
    return sum;
}

static NOINLINE int with_alloca(int n) {
    struct cell {
        int v;
        struct cell *next;
    } *list = NULL;
    for (int i = 0; i < n; i++) {
        struct cell *c = alloca(sizeof *c);
        point();
        *c = (struct cell){i, list};
        list = c;
    }
    int sum = 0;
    for (; list; list = list->next) {
        point();
        sum = sum * 2 + list->v;
    }
    return sum;
}

static NOINLINE int first_of(int n, const int (*rows)[n], int which) {
    point();
    return rows[which][0];
}

/* The compiler finds out that the size is constant; the stack pointer that it saves for the scope is not. */
static NOINLINE int of_constant_size(int first) {
    int sum = first;
    for (int round = 0; round < 3; round++) {
        int n = 7, row[n];
        for (int i = 0; i < n; i++) {
            point();
            row[i] = sum + i;
        }
        sum += row[first % n];
    }
    return sum;
}

int main(void) {
    int n = 4, grid[3][n];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < n; j++)
            grid[i][j] = 10 * i + j;
    printf("triangle %d\n", triangle(40));
    printf("matrix %ld %ld\n", matrix(5, 9), matrix(17, 3));
    printf("loop %d\n", in_loop(100));
    printf("alloca %d\n", with_alloca(25));
    printf("parameter %d\n", first_of(n, grid, 2));
    printf("constant %d\n", of_constant_size(3));
    return 0;
}
