/* SPDX-License-Identifier: MIT */
/*
 * digits WHAT COUNT [SEED]: numbers as text, by libc's functions and by musl's own, which test/digits/run
 * links under other names; ends with 1 at the first difference. WHAT is `print` (doubles), `print-long` (long
 * doubles), `format` (all other conversions) or `read` (double and float). In every rounding mode by turns.
 */
#include <errno.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int musl_vsnprintf(char *, size_t, const char *, va_list);
double musl_strtod(const char *, char **);
float musl_strtof(const char *, char **);

enum { ROOM = 6000 };
static uint64_t state = 1;

static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

static int below(int limit) {
    return (int)(random_bits() % (unsigned)limit);
}

static void turn_mode(long i) {
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (i % 256 == 0)
        fesetround(modes[i / 256 % 4]);
}

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* All kinds: any bits, short decimal numbers, integers, halves of a last digit, powers of two and their
 * neighbours. */
static double any_double(void) {
    static const double tens[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e9, 1e15, 1e22};
    uint64_t r = random_bits();
    double sign = r & 1 << 20 ? -1 : 1;
    switch (r % 8) {
    case 0:
        return sign * (double)(int)(random_bits() >> 40) / tens[below(10)];
    case 1:
        return sign * (double)(random_bits() >> below(64));
    case 2:
        return sign * (double)(random_bits() >> (34 + below(30))) / (double)(1 << below(20));
    case 3:
        return sign * ldexp(1, below(2098) - 1074);
    case 4:
        return from_bits((random_bits() & 0x800fffffffffffff) | (uint64_t)(950 + below(150)) << 52);
    case 5:
        return from_bits(((uint64_t)(1 + below(2045)) << 52) + (uint64_t)below(5) - 2);
    case 6:
        return sign * (double)(random_bits() >> (11 + below(50))) * tens[below(10)];
    default:
        return from_bits(random_bits());
    }
}

static long double any_long_double(void) {
    if (below(2))
        return any_double();
    unsigned __int128 bits = (unsigned __int128)random_bits() << 64 | random_bits();
    if (below(3))
        bits &= ~(((unsigned __int128)1 << below(112)) - 1);
    if (below(8))
        bits = (bits << 16 >> 16) | (unsigned __int128)(16383 - 100 + below(200)) << 112;
    long double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int reference(char *to, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = musl_vsnprintf(to, ROOM, format, arguments);
    va_end(arguments);
    return length;
}

/* `%`, flags, `*`, and with a precision `.*`, and the letters; returns whether there is a precision. */
static int write_format(char *to, const char *letters) {
    int precise = below(4) != 0;
    *to++ = '%';
    for (const char *flag = "-+ #0"; *flag; flag++)
        if (!below(6))
            *to++ = *flag;
    sprintf(to, "*%s%s", precise ? ".*" : "", letters);
    return precise;
}

static int some_precision(void) {
    int r = below(64);
    return r < 40 ? below(18) : r < 60 ? below(40) : r < 63 ? below(400) : below(1200);
}

static int differ(const char *format, int width, int precision, int ours, const char *text, int theirs,
                  const char *expected) {
    if (ours == theirs && !strcmp(text, expected))
        return 0;
    printf("mode %d, \"%s\", %d, %d:\n%d %s, not\n%d %s\n", fegetround(), format, width, precision, ours,
           text, theirs, expected);
    return 1;
}

/* Both print VALUE. */
#define BOTH(value)                                                                                          \
    (precise ? (ours = snprintf(text, ROOM, format, width, precision, value),                                \
                theirs = reference(expected, format, width, precision, value))                               \
             : (ours = snprintf(text, ROOM, format, width, value),                                           \
                theirs = reference(expected, format, width, value)))

static int print_one(int is_long) {
    static char text[ROOM], expected[ROOM];
    char letters[3] = {0}, format[32];
    int ours, theirs, width = below(3) ? 0 : below(60), precision = some_precision();
    letters[0] = "efgEFGaA"[below(3) ? below(3) : below(8)];
    if (is_long) {
        memcpy(letters, (char[2]){'L', letters[0]}, 2);
        if (precision == 27)
            precision++; /* musl prints 28 digits by %.27La */
    }
    int precise = write_format(format, letters);
    double number = any_double();
    long double long_number = any_long_double();
    if (is_long)
        BOTH(long_number);
    else
        BOTH(number);
    return differ(format, width, precision, ours, text, theirs, expected);
}

static int print_double(void) {
    return print_one(0);
}

static int print_long_double(void) {
    return print_one(1);
}

static int print_integer(const char *letters, int is_long) {
    char text[ROOM], expected[ROOM], format[32];
    int ours, theirs, width = below(3) ? 0 : below(140) - 70, precision = below(30) - 3;
    long value = (long)(random_bits() >> below(64)) * (below(2) ? 1 : -1);
    if (!below(16))
        value = below(3) ? 0 : (long)(1UL << 63);
    int precise = write_format(format, letters);
    if (is_long)
        BOTH(value);
    else
        BOTH((int)value);
    return differ(format, width, precision, ours, text, theirs, expected);
}

static int print_string(const char *letters) {
    static const char *const strings[] = {"", "a", "some text", "Sch\303\266nes Wetter", NULL};
    static const wchar_t *const wide[] = {L"", L"a", L"some text", L"Sch\u00f6nes \u20acuro \U0001f600",
                                          L"\u00e9"};
    char text[ROOM], expected[ROOM], format[32];
    int ours, theirs, width = below(3) ? 0 : below(300) - 100, precision = below(20) - 3, which = below(5);
    int precise = write_format(format, letters);
    for (char *zero; (zero = strchr(format, '0'));)
        *zero = '-';
    if (letters[0] == 'l' || letters[0] == 'S')
        BOTH(wide[which]);
    else
        BOTH(strings[which]);
    return differ(format, width, precision, ours, text, theirs, expected);
}

/* Formats that are right, and wrong, in other ways; and how many characters there are by %n. */
static int print_mixed(void) {
    static const char *const formats[] = {"%2$d %1$s %2$d%%",
                                          "%1$s%2$n",
                                          "%s: %5u %lx\n",
                                          "%%%s%%%d%lx",
                                          "%s %d %lx %",
                                          "%s %q",
                                          "%2$*2$d|%1$.*2$s",
                                          "%s %.99999999999d",
                                          "%s%99999999999d",
                                          "%s %c|%-3c|",
                                          "%3$lx %1$s",
                                          "%s %hhd %hd",
                                          "%s %#o %p",

                                          "%2$d",
                                          "%s %hhn %x",
                                          "%s %C%lc",
                                          "abc",
                                          "",
                                          "%.3s %+i % li",
                                          "%s %'d %Lf",
                                          "%2$*4$d%1$s%4$d"};
    char text[200], expected[200];
    const char *format = formats[below(sizeof formats / sizeof *formats)];
    int width = below(40), size = below(200), counts[2] = {0}, ours, theirs;
    long value = (long)random_bits();
    if (strstr(format, "n") || strstr(format, "%hhn")) {
        ours = snprintf(text, sizeof text, format, "some text", &counts[0], width);
        theirs = reference(expected, format, "some text", &counts[1], width);
    } else {
        ours = snprintf(text, sizeof text, format, "some text", width, value, 7L, 8L);
        theirs = reference(expected, format, "some text", width, value, 7L, 8L);
    }
    if (ours != theirs || counts[0] != counts[1] || (ours >= 0 && strcmp(text, expected))) {
        printf("\"%s\": %d %s %d, not %d %s %d\n", format, ours, text, counts[0], theirs, expected,
               counts[1]);
        return 1;
    }
    memset(text, '!', sizeof text);
    snprintf(text, (size_t)size, "%s %d", "some text to cut", width);
    snprintf(expected, sizeof expected, "%s %d", "some text to cut", width);
    if (size &&
        (strlen(text) != strnlen(expected, (size_t)size - 1) || strncmp(text, expected, (size_t)size - 1)))
        return printf("cut to %d: %s\n", size, text), 1;
    return text[size] != '!';
}

static int print_any(void) {
    static const char *const ints[] = {"d", "i", "u", "x", "X", "o", "hd", "hhd", "hu", "hhu", "hx"};
    static const char *const longs[] = {"ld", "lu", "lx", "lo", "lld", "jd", "zu", "td", "lX"};
    static const char *const strings[] = {"s", "S", "ls", "s"};
    switch (below(4)) {
    case 0:
        return print_integer(ints[below(11)], 0);
    case 1:
        return print_integer(longs[below(9)], 1);
    case 2:
        return print_string(strings[below(4)]);
    default:
        return print_mixed();
    }
}

/* Writes a number for strtod: digits and an exponent at random, a double in some precision, or one that lies
 * just between two, by all of its digits, and then one digit more or less. */
static void write_number(char *to) {
    double value = any_double();
    int kind = below(8), length;
    if (kind < 3) {
        sprintf(to, "%.*e", kind ? below(25) : below(800), value);
    } else if (kind < 5) {
        long double half = ((long double)value + nextafter(value, 0)) / 2;
        length = sprintf(to, "%.*Le", below(3) ? 780 : 15 + below(20), half);
        char *e = strchr(to, 'e');
        if (e && below(2))
            e[-1 - below(10)] = (char)('0' + below(10));
        (void)length;
    } else {
        char *p = to;
        for (int i = below(3) ? below(25) : below(60); i; i--)
            *p++ = (char)('0' + below(10));
        if (below(2))
            *p++ = '.';
        for (int i = below(3) ? below(20) : below(400); i; i--)
            *p++ = (char)('0' + (below(3) ? below(10) : 0));
        if (below(3))
            p += sprintf(p, "%c%d", below(2) ? 'e' : 'E', below(2) ? below(60) - 30 : below(800) - 400);
        strcpy(p, below(2) ? "" : below(2) ? "e+" : below(2) ? "x" : "..");
    }
}

static int read_number(void) {
    static const char *const others[] = {"inf",
                                         "-nan",
                                         "0x1.8p3",
                                         "0x",
                                         "+.5e1",
                                         ".",
                                         "-",
                                         "1e",
                                         " \n12",
                                         "infinit",
                                         "1e-99999999999",
                                         "1e99999999999",
                                         "0e999999",
                                         "nan(12)",
                                         "-0",
                                         "00000000000000000000000001",
                                         "0.0000000000000000000000000000000000001",
                                         "1.7976931348623158e308",
                                         "1.7976931348623159e308",
                                         "2.2250738585072011e-308",
                                         "4.9e-324",
                                         "2.4e-324",
                                         "3.4028236e38",
                                         "1e-46"};
    char text[ROOM], *end, *expected_end;
    if (below(16))
        write_number(text);
    else
        strcpy(text, others[below(sizeof others / sizeof *others)]);
    errno = 0;
    double ours = strtod(text, &end);
    int error = errno;
    errno = 0;
    double theirs = musl_strtod(text, &expected_end);
    if ((memcmp(&ours, &theirs, sizeof ours) && !(isnan(ours) && isnan(theirs))) || end != expected_end ||
        error != errno) {
        printf("mode %d, strtod(\"%s\") = %a (%td, %d), not %a (%td, %d)\n", fegetround(), text, ours,
               end - text, error, theirs, expected_end - text, errno);
        return 1;
    }
    errno = 0;
    float short_ours = strtof(text, &end);
    error = errno;
    errno = 0;
    float short_theirs = musl_strtof(text, &expected_end);
    if ((memcmp(&short_ours, &short_theirs, sizeof short_ours) &&
         !(isnan(short_ours) && isnan(short_theirs))) ||
        end != expected_end || error != errno) {
        printf("mode %d, strtof(\"%s\") = %a (%d), not %a (%d)\n", fegetround(), text, short_ours, error,
               short_theirs, errno);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*work)(void);
    } tests[] = {{"print", print_double},
                 {"print-long", print_long_double},
                 {"format", print_any},
                 {"read", read_number}};
    if (argc < 3)
        return 2;
    setlocale(LC_ALL, "C.UTF-8");
    state += argc > 3 ? strtoul(argv[3], NULL, 10) * 0x9e3779b97f4a7c15 : 0;
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++)
        for (long i = 0; !strcmp(tests[t].name, argv[1]) && i < atol(argv[2]); i++) {
            turn_mode(i);
            if (tests[t].work())
                return 1;
        }
    return 0;
}
