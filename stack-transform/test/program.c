/* SPDX-License-Identifier: MIT */
#include "program.h"

#define NR_munmap 215

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE_SIZE 4096

struct fake_stack stack;
struct popcorn_thread thread;
struct machine_tcb tcb;
struct machine_calls calls;
jmp_buf escape;

/*
 * The pass's tables.
 */
const uint32_t __popcorn_func_count = 2;
const char __popcorn_names[] = "recurse\0jumper";
void *const __popcorn_resume[] = {recurse_resume, jumper_resume};

/*
 * popcorn-ld's table. Rules: 0 a frame of 48 bytes that saves two registers; 7 of 80; 15 of 32; 20 of 64.
 */
#define RULE_48 2, 48, 2, 1, 0x78, 3, 0x70
#define RULE_80 2, 0xd0, 0, 2, 1, 0x78, 3, 0x70
#define RULE_32 2, 32, 1, 1, 0x78
#define RULE_64 2, 0xc0, 0, 1, 1, 0x78

/* Written once; the linker's symbols name its begin and end. */
_Alignas(8) char table_memory[TABLE_SIZE];
__asm__(".globl __popcorn_sites, __popcorn_sites_end\n"
        ".set __popcorn_sites, table_memory\n"
        ".set __popcorn_sites_end, table_memory + 4096");
const char machine_base[4];

static const struct popcorn_location table_locations[] = {
    {POPCORN_IN_REGISTER, REG_SAVED, 0},
    {POPCORN_AT_4, 2, 8},
    {POPCORN_CONSTANT, 0, 77},
    {POPCORN_AT_8, 2, 16},
    {POPCORN_ADDRESS, 2, 0},
    {POPCORN_AT_8, 2, 0},
    {POPCORN_IN_REGISTER, REG_OTHER, 0},
};

static const struct popcorn_frame table_frames[] = {{1, 0, 3, 0}, {3, 2, 2, POPCORN_SITE_SETJMP}};
static const uint8_t table_live[] = {
    7, /* site 1: slots 0 1 2 */
    2, /* site 2: slot 1 */
    3, /* site 3: slots 0 1 */
    3, /* site 4 */
};

/* The first byte of an entry. */
#define FIRST(difference, bits)                                                                              \
    (((difference) + POPCORN_ENTRY_SITE_SAME) << POPCORN_ENTRY_SITE_SHIFT | (bits))
#define FIRST_FAR(bits) (POPCORN_ENTRY_SITE_FAR << POPCORN_ENTRY_SITE_SHIFT | (bits))
#define SHARED (POPCORN_ENTRY_SITE_IN_IMAGE << POPCORN_ENTRY_SITE_SHIFT | IMAGE)
#define IMAGE POPCORN_ENTRY_IMAGE
#define RULE POPCORN_ENTRY_RULE
#define PLACES POPCORN_ENTRY_PLACES
#define ENTRY(...) __VA_ARGS__
#define ENTRIES_BEGIN 26

static const uint8_t table_blob[] = {
    RULE_48,
    RULE_80,
    RULE_32,
    RULE_64,
    ENTRY(FIRST(1, PLACES), 0, 6, 1, 2),                      /* RA_RECURSE_1: slot 0 is at location 0 */
    ENTRY(FIRST(1, PLACES), 0x20, 1, 3),                      /* RA_RECURSE_2 */
    ENTRY(FIRST(-1, IMAGE | RULE | PLACES), 0xe0, 1, 7, 4),   /* RA_RECURSE_RESUMED */
    ENTRY(SHARED, 0x40),                                      /* RA_RECURSE_SHARED */
    ENTRY(FIRST_FAR(RULE | PLACES), 0xc0, 1, 2, 15, 3, 5, 6), /* RA_JUMPER */
    ENTRY(FIRST(0, IMAGE | RULE), 0x80, 1, 20),               /* RA_JUMPER_RESUMED */
};

static char *put(char *at, const void *from, size_t size) {
    return (char *)memcpy(at, from, size) + size;
}

static void make_table(void) {
    struct popcorn_sites_header header = {.magic = POPCORN_SITES_MAGIC,
                                          .version = POPCORN_SITES_VERSION,
                                          .text_base = POPCORN_TEXT_BASE,
                                          .count = 6,
                                          .nlocations = sizeof table_locations / sizeof *table_locations,
                                          .nsites = 5,
                                          .nframes = sizeof table_frames / sizeof *table_frames,
                                          .nslots = 3,
                                          .live_size = sizeof table_live,
                                          .blob_size = sizeof table_blob};
    struct popcorn_sites_block block = {RA_RECURSE_1 - POPCORN_TEXT_BASE, ENTRIES_BEGIN};
    char *at = put(table_memory, &header, sizeof header);
    at = put(at, table_locations, sizeof table_locations);
    at = put(at, &block, sizeof block);
    at = put(at, table_frames, sizeof table_frames);
    at = put(at, table_live, sizeof table_live);
    put(at, table_blob, sizeof table_blob);
}

/*
 * Stacks.
 */
static void *guarded(size_t bytes) {
    char *p = mmap(NULL, bytes + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p + 4096, bytes, PROT_READ | PROT_WRITE);
    return p + 4096;
}

void program_begin(void) {
    static uint64_t *words;
    if (!words) {
        make_table();
        words = guarded(STACK_WORDS * 8);
    }
    memset(&thread, 0, sizeof thread);
    memset(&calls, 0, sizeof calls);
    memset(words, 0xa5, STACK_WORDS * 8);
    stack = (struct fake_stack){.words = words, .sp = words + STACK_WORDS};
    tcb = (struct machine_tcb){.self = &tcb, .thread = &thread};
    thread.request = -1;
    thread.tcb = &tcb;
    thread.stack = &thread.own_stack;
}

static void push_frame(unsigned bytes, uint64_t return_address_of_callee) {
    stack.sp[-1] = stack.context.reg[MACHINE_RA];
    stack.sp -= bytes / 8;
    stack.context.reg[MACHINE_RA] = return_address_of_callee;
}

void push_outermost(void) {
    stack.context.reg[MACHINE_RA] = (uint64_t)(uintptr_t)machine_base;
}

void push_recurse_1(uint64_t in_register, uint32_t in_memory, uint64_t callers_saved) {
    push_frame(48, RA_RECURSE_1);
    stack.sp[4] = callers_saved;
    memcpy(stack.sp + 1, &in_memory, sizeof in_memory);
    stack.context.reg[REG_SAVED] = in_register;
}

void push_recurse_2(uint64_t in_memory) {
    push_frame(48, RA_RECURSE_2);
    stack.sp[4] = stack.context.reg[REG_SAVED];
    stack.sp[2] = in_memory;
}

static void push_image(uint64_t return_address, const uint64_t *image) {
    push_frame(80, return_address);
    stack.sp[8] = stack.context.reg[REG_SAVED];
    for (int i = 0; i < 4; i++)
        stack.sp[i] = image[i];
}

void push_recurse_resumed(uint64_t slot0, uint64_t slot1, uint64_t slot2) {
    push_image(RA_RECURSE_RESUMED, (uint64_t[]){2, slot0, slot1, slot2});
}

void push_recurse_shared(uint64_t site, uint64_t slot0, uint64_t slot1, uint64_t slot2) {
    push_image(RA_RECURSE_SHARED, (uint64_t[]){site, slot0, slot1, slot2});
}

void push_jumper(uint64_t base, uint64_t in_register) {
    push_frame(32, RA_JUMPER);
    stack.sp[0] = base;
    stack.context.reg[REG_OTHER] = in_register;
}

const struct machine_context *finish_stack(void) {
    stack.context.reg[MACHINE_SP] = (uint64_t)(uintptr_t)stack.sp;
    return &stack.context;
}

/*
 * The program's resume bodies, as far as they matter here.
 */
static long resume(struct frame_record *record) {
    calls.resumed[calls.nresumed++ % 8] = *record;
    struct frame_record *inner = __popcorn_enter(record, calls.image);
    return ((long (*)(struct frame_record *))__popcorn_inner(inner))(inner);
}

long recurse_resume(struct frame_record *record) {
    return resume(record);
}

long jumper_resume(struct frame_record *record) {
    return resume(record);
}

/*
 * The machine and the run time.
 */
void *machine_thread_pointer(void) {
    return &tcb;
}

_Noreturn void machine_run(void *stack_top, long (*fn)(void *), void *arg) {
    calls.stack_top = stack_top;
    calls.fn = fn;
    calls.arg = arg;
    longjmp(escape, ESCAPE_RUN);
}

/* As the stub does, with a context of the test's making. */
void *popcorn_resume_entry(const struct machine_context *, const struct frame_record *);
struct machine_context entered_from;

__attribute__((used)) static long resume_entry(struct frame_record *record) {
    return ((long (*)(struct frame_record *))popcorn_resume_entry(&entered_from, record))(record);
}
__asm__(".globl machine_resume_entry\n.set machine_resume_entry, resume_entry");

_Noreturn void machine_resume_call(const struct machine_context *context, void *fn, void *arg) {
    calls.context = *context;
    calls.fn = (long (*)(void *))fn;
    calls.arg = arg;
    longjmp(escape, ESCAPE_RESUME_CALL);
}

_Noreturn void machine_jump(const struct machine_jump_state *state, int value) {
    (void)state;
    calls.value = value;
    longjmp(escape, ESCAPE_JUMP);
}

/* The library maps and unmaps private memory and does nothing else. */
long machine_generic_syscall(long n, long a, long b, long c, long d, long e, long f) {
    (void)c, (void)d, (void)e, (void)f;
    if (n == NR_munmap)
        return munmap((void *)a, (size_t)b);
    return (long)popcorn_portable_map((size_t)b);
}

long signals_mask(int how, const uint64_t *set, uint64_t *old, size_t size) {
    (void)how, (void)size;
    if (old)
        *old = 0x1234;
    if (set)
        calls.value = 0x5678;
    return 0;
}

struct popcorn_native_stack popcorn_native_stack(const struct popcorn_thread *t) {
    (void)t;
    return (struct popcorn_native_stack){(uintptr_t)stack.words, (uintptr_t)(stack.words + STACK_WORDS)};
}

void *popcorn_portable_map(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void popcorn_portable_unmap(void *p, size_t bytes) {
    munmap(p, bytes);
}

void popcorn_require_room(const struct popcorn_thread *t) {
    (void)t;
}

_Noreturn void popcorn_fatal(const char *message, int code) {
    (void)code;
    snprintf(calls.message, sizeof calls.message, "%s", message);
    longjmp(escape, ESCAPE_FATAL);
}

static long landed(struct popcorn_thread *t, long value) {
    (void)t;
    calls.landed++;
    return value;
}

__attribute__((constructor)) static void stand_above(void) {
    stack_landed = landed;
}
