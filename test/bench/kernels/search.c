/* SPDX-License-Identifier: MIT */
/* String search: by comparing everywhere, by skipping (Horspool), and of the closest word (edit distance). */
#include <stdio.h>
#include <string.h>

enum { N = 1 << 20 };
static char text[N + 1];

static int everywhere(const char *t, int n, const char *p, int m) {
    int found = 0;
    for (int i = 0; i + m <= n; i++) {
        int j = 0;
        while (j < m && t[i + j] == p[j])
            j++;
        found += j == m;
    }
    return found;
}

static int skipping(const char *t, int n, const char *p, int m) {
    int skip[256], found = 0;
    for (int i = 0; i < 256; i++)
        skip[i] = m;
    for (int i = 0; i < m - 1; i++)
        skip[(unsigned char)p[i]] = m - 1 - i;
    for (int i = 0; i + m <= n; i += skip[(unsigned char)t[i + m - 1]])
        found += !memcmp(t + i, p, (size_t)m);
    return found;
}

static int distance(const char *a, int n, const char *b, int m) {
    int row[65];
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = corner + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

int main(void) {
    unsigned random = 1;
    for (int i = 0; i < N; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = "aaabbcde "[(random >> 16) % 9];
    }
    unsigned long sum = 0;
    for (int round = 0; round < 40; round++) {
        sum = sum * 3 + (unsigned)everywhere(text, N, text + 1000 + round, 6);
        sum = sum * 3 + (unsigned)skipping(text, N, text + 2000 + round, 12);
    }
    for (int i = 0; i < 80000; i++)
        sum = sum * 3 + (unsigned)distance(text + i, 24, text + N / 2 + i, 20);
    printf("%lu\n", sum);
    return 0;
}
