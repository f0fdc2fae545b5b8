/* SPDX-License-Identifier: MIT */
/*
 * vfprintf, in place of musl's, which computes with long double to print a double and reads a format twice.
 * What it prints and what it refuses is the same.
 */
#include "printing.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <wchar.h>

/* An argument's type, as the letter and what stands before it say. */
enum type {
    INVALID,
    INT,
    UNSIGNED,
    LONG,
    UNSIGNED_LONG,
    SHORT,
    UNSIGNED_SHORT,
    CHAR,
    UNSIGNED_CHAR,
    POINTER,
    DOUBLE,
    LONG_DOUBLE,
    NO_ARGUMENT
};

union argument {
    uint64_t integer;
    void *pointer;
    double number;
    long double long_number;
};

/* A conversion as it stands in the format. Positions of arguments are 1 to 9, NEXT, or ABSENT. */
enum { NEXT = -1, ABSENT = -2 };
struct specification {
    struct conversion c;
    int position, width_position, precision_position;
    enum type type;
    int size; /* of what %n points to */
};

/* Who prints: where to, the arguments yet to come, and those taken by position (types[0] is not used). */
struct printer {
    FILE *f;
    va_list arguments;
    bool positional;
    enum type types[NL_ARGMAX + 1];
    union argument values[NL_ARGMAX + 1];
    int printed;
};

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

/* Reads digits; -1 if they are too large a number. */
static int read_number(const char **s) {
    int number = 0;
    for (; is_digit(**s); (*s)++)
        if (number < 0 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **s - '0', &number))
            number = -1;
    return number;
}

static int read_position(const char **s) {
    if (!is_digit((*s)[0]) || (*s)[1] != '$')
        return NEXT;
    *s += 2;
    return (*s)[-2] - '0';
}

/* A width or precision: a number, or a place among the arguments. False if the number is too large. */
static bool read_count(const char **s, int *number, int *position) {
    *position = ABSENT;
    if (**s == '*') {
        ++*s;
        *position = read_position(s);
    } else {
        *number = read_number(s);
    }
    return *position != ABSENT || *number >= 0;
}

static enum type integer_type(int letter, const char *length) {
    bool is_signed = letter == 'd' || letter == 'i';
    switch (length[0]) {
    case 0:
        return is_signed ? INT : UNSIGNED;
    case 'h':
        return length[1] ? (is_signed ? CHAR : UNSIGNED_CHAR) : is_signed ? SHORT : UNSIGNED_SHORT;
    case 'L':
        return INVALID;
    default:
        return is_signed ? LONG : UNSIGNED_LONG; /* l, ll, j, z, t */
    }
}

/* The type for a letter behind a length, which is "" or one of hh, h, l, ll, j, z, t, L. */
static enum type type_of(int letter, const char *length) {
    bool bare = !*length, long_one = length[0] == 'l' && !length[1];
    switch (letter) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        return integer_type(letter, length);
    case 'a':
    case 'e':
    case 'f':
    case 'g':
    case 'A':
    case 'E':
    case 'F':
    case 'G':
        return bare || long_one ? DOUBLE : *length == 'L' ? LONG_DOUBLE : INVALID;
    case 'c':
        return bare ? CHAR : long_one ? INT : INVALID;
    case 'C':
        return bare ? INT : INVALID;
    case 's':
        return bare || long_one ? POINTER : INVALID;
    case 'S':
        return bare ? POINTER : INVALID;
    case 'p':
        return bare ? UNSIGNED_LONG : INVALID;
    case 'n':
        return POINTER;
    case 'm':
        return bare ? NO_ARGUMENT : INVALID;
    default:
        return INVALID;
    }
}

static int size_of(const char *length) {
    switch (length[0]) {
    case 0:
        return sizeof(int);
    case 'h':
        return length[1] ? sizeof(char) : sizeof(short);
    case 'L':
        return 0;
    default:
        return sizeof(long);
    }
}

static bool is_length(char c) {
    return c == 'l' || c == 'h' || c == 'j' || c == 'z' || c == 't' || c == 'L';
}

/* Reads what follows a percent sign. Returns 0 or an errno. */
static int read_specification(const char **format, struct specification *spec) {
    const char *s = *format;
    char length[3] = "";
    *spec = (struct specification){.c.precision = -1, .precision_position = ABSENT};
    spec->position = read_position(&s);
    for (; (unsigned char)(*s - ' ') < 32 && FLAGS >> (*s - ' ') & 1; s++)
        spec->c.flags |= 1U << (*s - ' ');
    if (!read_count(&s, &spec->c.width, &spec->width_position))
        return EOVERFLOW;
    bool precise = *s == '.';
    if (precise) {
        s++;
        if (!read_count(&s, &spec->c.precision, &spec->precision_position))
            spec->c.precision = -2; /* an error only if it is used */
    }
    for (int i = 0; i < 2 && is_length(*s) && (!i || (*s == s[-1] && (*s == 'l' || *s == 'h'))); i++)
        length[i] = *s++;
    spec->type = type_of(*s, length);
    spec->size = size_of(length);
    if (spec->type == INVALID)
        return EINVAL;
    spec->c.letter = length[0] == 'l' && (*s == 'c' || *s == 's') ? *s - 32 : *s; /* lc and ls are C and S */
    *format = s + 1;
    return 0;
}

static union argument take(va_list *arguments, enum type type) {
    union argument a = {0};
    switch (type) {
    case INT:
        a.integer = (uint64_t)(int64_t)va_arg(*arguments, int);
        break;
    case UNSIGNED:
        a.integer = va_arg(*arguments, unsigned);
        break;
    case LONG:
    case UNSIGNED_LONG:
        a.integer = va_arg(*arguments, uint64_t);
        break;
    case SHORT:
        a.integer = (uint64_t)(int64_t)(short)va_arg(*arguments, int);
        break;
    case UNSIGNED_SHORT:
        a.integer = (unsigned short)va_arg(*arguments, int);
        break;
    case CHAR:
        a.integer = (uint64_t)(int64_t)(signed char)va_arg(*arguments, int);
        break;
    case UNSIGNED_CHAR:
        a.integer = (unsigned char)va_arg(*arguments, int);
        break;
    case POINTER:
        a.pointer = va_arg(*arguments, void *);
        break;
    case DOUBLE:
        a.number = va_arg(*arguments, double);
        break;
    case LONG_DOUBLE:
        a.long_number = va_arg(*arguments, long double);
        break;
    default:
        break;
    }
    return a;
}

/* Notes the types of the arguments that a specification takes by position. Returns 0 or an errno. */
static int note_types(struct printer *p, const struct specification *spec) {
    const int positions[] = {spec->position, spec->width_position, spec->precision_position};
    for (int i = 0; i < 3; i++) {
        if (positions[i] == ABSENT || (i == 0 && spec->type == NO_ARGUMENT && positions[i] == NEXT))
            continue;
        if (positions[i] < 1 || (i == 0 && spec->type == NO_ARGUMENT))
            return EINVAL;
        p->types[positions[i]] = i == 0 ? spec->type : INT;
    }
    return 0;
}

static const char *text_end(const char *s) {
    while (*s && *s != '%')
        s++;
    return s;
}

/* Takes all arguments of a format that names them by position. Returns 0 or an errno. */
static int take_positional(struct printer *p, const char *format) {
    struct specification spec;
    int error = 0, count = NL_ARGMAX;
    memset(p->types, 0, sizeof p->types);
    while (*(format = text_end(format)) && !error) {
        format++;
        if (*format == '%')
            format++;
        else if (!(error = read_specification(&format, &spec)))
            error = note_types(p, &spec);
    }
    while (count && p->types[count] == INVALID)
        count--;
    for (int i = 1; i <= count && !error; i++) {
        if (p->types[i] == INVALID)
            error = EINVAL;
        p->values[i] = take(&p->arguments, p->types[i]);
    }
    p->positional = true;
    return error;
}

static union argument argument_at(struct printer *p, int position, enum type type) {
    return position > 0 ? p->values[position] : take(&p->arguments, type);
}

/* Finds a conversion's arguments, `width` and `precision` among them. Returns 0 or an errno. */
static int find_arguments(struct printer *p, struct specification *spec, const char *format,
                          union argument *value) {
    bool by_position = spec->position > 0 || spec->width_position > 0 || spec->precision_position > 0;
    if (by_position && !p->positional) {
        int error = take_positional(p, format);
        if (error)
            return error;
    }
    if (p->positional && note_types(p, spec))
        return EINVAL;
    struct conversion *c = &spec->c;
    if (spec->width_position != ABSENT) {
        c->width = (int)argument_at(p, spec->width_position, INT).integer;
        if (c->width < 0) {
            c->flags |= LEFT;
            c->width = -c->width;
        }
    }
    if (spec->precision_position != ABSENT) {
        c->precision = (int)argument_at(p, spec->precision_position, INT).integer;
        if (c->precision < 0)
            c->precision = -1;
    }
    if (spec->type != NO_ARGUMENT)
        *value = argument_at(p, spec->position, spec->type);
    return 0;
}

/* A sign or base of up to two characters, zeros up to the precision, and the text. */
static int print_padded(FILE *f, const struct conversion *c, const char *sign, const char *text, int length) {
    int signs = (int)strlen(sign), digits = length > c->precision ? length : c->precision;
    if (digits > INT_MAX - signs)
        return -1;
    int all = signs + digits;
    print_before(f, c, all, sign, signs);
    print_filling(f, '0', digits - length);
    print_text(f, text, (size_t)length);
    print_behind(f, c, all);
    return all > c->width ? all : c->width;
}

static char *write_bits(uint64_t value, char *end, int width, const char *digits) {
    for (; value; value >>= width)
        *--end = digits[value & ((1U << width) - 1)];
    return end;
}

static int print_integer(FILE *f, struct conversion *c, uint64_t value) {
    char digits[32], *end = digits + sizeof digits, *start;
    const char *sign = "";
    bool alternative = c->flags & ALTERNATIVE;
    if (c->precision == -2)
        return -1;
    if (c->precision >= 0)
        c->flags &= ~(unsigned)ZEROS;
    switch (c->letter) {
    case 'd':
    case 'i':
        if ((int64_t)value < 0) {
            value = -value;
            sign = "-";
        } else {
            sign = c->flags & PLUS ? "+" : c->flags & SPACE ? " " : "";
        }
        start = print_number(value, end);
        break;
    case 'x':
    case 'X':
        start = write_bits(value, end, 4, c->letter == 'x' ? "0123456789abcdef" : "0123456789ABCDEF");
        if (value && alternative)
            sign = c->letter == 'x' ? "0x" : "0X";
        break;
    case 'o':
        start = write_bits(value, end, 3, "01234567");
        if (alternative && c->precision <= end - start)
            c->precision = (int)(end - start) + 1;
        break;
    default:
        start = print_number(value, end);
        break;
    }
    if (!value && c->precision < 0)
        *--start = '0';
    return print_padded(f, c, sign, start, (int)(end - start));
}

/* Text is not padded by zeros. */
static int print_string(FILE *f, struct conversion *c, const char *text) {
    size_t length = strnlen(text, c->precision < 0 ? INT_MAX : (size_t)c->precision);
    if (c->precision < 0 && text[length])
        return -1;
    c->flags &= ~(unsigned)ZEROS;
    c->precision = -1;
    return print_padded(f, c, "", text, (int)length);
}

/* Bytes of the wide characters, of which there are no more than the precision; whole characters only. -1 if
 * one is none. */
static long wide_length(const wchar_t *text, int precision, int *error) {
    char bytes[MB_LEN_MAX];
    long length = 0;
    for (; *text; text++) {
        int one = wctomb(bytes, *text);
        *error = one < 0 ? EILSEQ : 0;
        if (one < 0)
            return -1;
        if (precision >= 0 && length + one > precision)
            break;
        if (length + one > INT_MAX)
            return -1;
        length += one;
    }
    return length;
}

static int print_wide(FILE *f, struct conversion *c, const wchar_t *text, int *error) {
    char bytes[MB_LEN_MAX];
    long length = wide_length(text, c->precision < 0 ? -1 : c->precision, error);
    if (length < 0)
        return -1;
    c->flags &= ~(unsigned)ZEROS;
    print_before(f, c, (int)length, "", 0);
    for (long done = 0; done < length;) {
        int one = wctomb(bytes, *text++);
        print_text(f, bytes, (size_t)one);
        done += one;
    }
    print_behind(f, c, (int)length);
    return (int)length > c->width ? (int)length : c->width;
}

static void store_count(const struct printer *p, void *to, int size) {
    switch (size) {
    case sizeof(char):
        *(signed char *)to = (signed char)p->printed;
        break;
    case sizeof(short):
        *(short *)to = (short)p->printed;
        break;
    case sizeof(int):
        *(int *)to = p->printed;
        break;
    case sizeof(long):
        *(long *)to = p->printed;
        break;
    }
}

/* Returns how many characters, or -1 with *error set. */
static int print_conversion(struct printer *p, struct specification *spec, union argument value, int *error) {
    struct conversion *c = &spec->c;
    if (c->flags & LEFT)
        c->flags &= ~(unsigned)ZEROS;
    *error = EOVERFLOW;
    switch (c->letter) {
    case 'n':
        store_count(p, value.pointer, spec->size);
        return 0;
    case 'c': {
        char character = (char)value.integer;
        c->flags &= ~(unsigned)ZEROS;
        c->precision = -1;
        return print_padded(p->f, c, "", &character, 1);
    }
    case 'm':
        return print_string(p->f, c, strerror(errno));
    case 's':
        return print_string(p->f, c, value.pointer ? value.pointer : "(null)");
    case 'C': {
        wchar_t text[2] = {(wchar_t)value.integer, 0};
        c->precision = -1;
        return print_wide(p->f, c, text, error);
    }
    case 'S':
        return print_wide(p->f, c, value.pointer, error);
    case 'p':
        c->letter = 'x';
        c->flags |= ALTERNATIVE;
        if (c->precision >= 0 && c->precision < (int)(2 * sizeof(void *)))
            c->precision = (int)(2 * sizeof(void *));
        break;
    }
    if (spec->type == DOUBLE || spec->type == LONG_DOUBLE) {
        if (c->precision == -2)
            return -1;
        return spec->type == DOUBLE ? __popcorn_print_double(p->f, value.number, c)
                                    : __popcorn_print_long_double(p->f, value.long_number, c);
    }
    return print_integer(p->f, c, value.integer);
}

/* Returns 0 or an errno. */
static int print_format(struct printer *p, const char *format) {
    const char *start = format;
    for (;;) {
        const char *end = text_end(format);
        int one, error;
        if (*end == '%' && end[1] == '%') { /* the text and one of them */
            end++;
            one = (int)(end - format);
            print_text(p->f, format, (size_t)(end - format));
            format = end + 1;
        } else if (end != format) {
            if (end - format > INT_MAX)
                return EOVERFLOW;
            one = (int)(end - format);
            print_text(p->f, format, (size_t)one);
            format = end;
        } else if (!*format) {
            return 0;
        } else {
            struct specification spec;
            union argument value = {0};
            format++;
            if ((error = read_specification(&format, &spec)) ||
                (error = find_arguments(p, &spec, start, &value)))
                return error;
            if ((one = print_conversion(p, &spec, value, &error)) < 0)
                return error;
        }
        if (one > INT_MAX - p->printed)
            return EOVERFLOW;
        p->printed += one;
    }
}

int vfprintf(FILE *restrict f, const char *restrict format, va_list arguments) {
    unsigned char small[80], *unbuffered = NULL;
    struct printer p; /* what `positional` is about is set with it */
    p.f = f;
    p.positional = false;
    p.printed = 0;
    FLOCK(f);
    unsigned earlier = f->flags & F_ERR;
    if (f->mode < 1)
        f->flags &= ~(unsigned)F_ERR;
    if (!f->buf_size) {
        unbuffered = f->buf;
        f->buf = small;
        f->buf_size = sizeof small;
        f->wpos = f->wbase = f->wend = NULL;
    }
    int error = 0, result = -1;
    va_copy(p.arguments, arguments);
    if (f->wend || !__towrite(f)) {
        error = print_format(&p, format);
        result = p.printed;
    }
    va_end(p.arguments);
    if (unbuffered) {
        f->write(f, NULL, 0);
        if (!f->wpos)
            result = -1;
        f->buf = unbuffered;
        f->buf_size = 0;
        f->wpos = f->wbase = f->wend = NULL;
    }
    if (error)
        errno = error;
    if (error || f->flags & F_ERR)
        result = -1;
    f->flags |= earlier;
    FUNLOCK(f);
    return result;
}
