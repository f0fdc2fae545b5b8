/* SPDX-License-Identifier: MIT */
/* Much of libc in one place: formatting, wide characters, regular expressions, patterns, random numbers,
 * hashes. */
#include "e2e.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <locale.h>
#include <regex.h>
#include <search.h>
#include <wchar.h>
#include <wctype.h>

int main(void) {
    char text[300], *save;
    for (int i = 0; i < 30; i++) {
        point();
        snprintf(text, sizeof text, "%05d|%-8s|%+.3e|%#x|%o|%5.1f%%|%c|%lld|%zu|%hhd", i, "left", i * 1e3, i,
                 i, i / 3.0, 'a' + i % 26, (long long)i << 33, sizeof text, (signed char)(i * 50));
        if (i % 10 == 0)
            puts(text);
    }
    char sentence[] = "the quick,brown fox;jumps over";
    for (char *word = strtok_r(sentence, " ,;", &save); word; word = strtok_r(NULL, " ,;", &save)) {
        point();
        printf("<%s>", word);
    }
    printf("\n%ld %lu %" PRId64 "\n", strtol("-0x1f", NULL, 0), strtoul("777", NULL, 8),
           (int64_t)strtoll("9e9", NULL, 10));

    setlocale(LC_ALL, "C.UTF-8");
    wchar_t wide[50];
    size_t length = mbstowcs(wide, "gr\u00fcn \u2192 \U0001F33D", 50);
    for (size_t i = 0; i < length; i++) {
        point();
        wide[i] = (wchar_t)towupper((wint_t)wide[i]);
    }
    wcstombs(text, wide, sizeof text);
    printf("%zu %s %d\n", length, text, wcscmp(wide, L"A") > 0);

    regex_t regex;
    regmatch_t match[4];
    require(regcomp(&regex, "([a-z]+)([0-9]*)-(x|yy)+", REG_EXTENDED) == 0);
    const char *subjects[] = {"abc123-xyyx", "no match", "  z-yy", "A9-x"};
    for (int i = 0; i < 4; i++) {
        point();
        int result = regexec(&regex, subjects[i], 4, match, 0);
        printf("%d:%d-%d ", result, result ? 0 : (int)match[0].rm_so, result ? 0 : (int)match[2].rm_eo);
    }
    regfree(&regex);
    puts("");
    printf("%d %d %d\n", fnmatch("*.[ch]", "file.c", 0), fnmatch("a?c*", "abcd", 0),
           fnmatch("a/*", "a/b/c", FNM_PATHNAME) != 0);

    hcreate(100);
    static char keys[60][12];
    for (intptr_t i = 0; i < 60; i++) {
        snprintf(keys[i], sizeof keys[i], "key%d", (int)i);
        hsearch((ENTRY){keys[i], (void *)(i * i)}, ENTER);
        point();
    }
    ENTRY *found = hsearch((ENTRY){"key37", NULL}, FIND);
    printf("%d %d\n", (int)(intptr_t)found->data, hsearch((ENTRY){"none", NULL}, FIND) == NULL);
    hdestroy();

    unsigned short state[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++) {
        point();
        printf("%ld %.6f ", nrand48(state), erand48(state));
    }
    puts("");
    char *duplicate = strdup("duplicate me"), *at = strstr(duplicate, "cat"), joined[40];
    stpcpy(stpcpy(joined, at), "|");
    point();
    printf("%s%s %zu %zu %d\n", joined, strrchr(duplicate, ' '), strspn("aabbc", "ab"), strcspn("hello", "l"),
           strcasecmp("ABC", "abd") < 0);
    free(duplicate);
    return 0;
}
