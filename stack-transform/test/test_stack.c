/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "popcorn/jump.h"
#include "program.h"

int popcorn_setjmp(struct popcorn_jump *, int savemask, struct frame_record *area, uint64_t base);
_Noreturn long popcorn_longjmp(const struct machine_context *, struct popcorn_jump *, int value);

static char reason[STACK_REASON_SIZE];

static void begin(void) {
    program_begin();
    reason[0] = 0;
    cr_assert(zero(stack_init()));
}

TestSuite(stack, .init = begin, .timeout = 60);

static int capture(uint64_t value) {
    return stack_capture(&thread, finish_stack(), value, POPCORN_LANDING_HOP, reason);
}

static struct frame_record *record(int n) {
    struct frame_record *r = thread.outermost;
    while (n--)
        r = record_inner(r);
    return r;
}

static void push_three(void) {
    push_outermost();
    push_recurse_2(0x1111);
    push_recurse_1(0x2222, 0x3333, 0);
    push_recurse_1(0x4444, 0x5555, 0x2222);
}

Test(stack, captures_registers_slots_and_constants) {
    push_three();
    cr_assert(zero(capture(42)), "%s", reason);
    cr_assert(eq(u64, thread.frames, 3));
    cr_assert(eq(u64, thread.bytes, 16 + 32 + 32 + 16));
    cr_assert(eq(u32, record(0)->site, 2));
    cr_assert(eq(u64, record(0)->values[0], 0x1111));
    cr_assert(eq(u32, record(1)->site, 1));
    cr_assert(eq(u64, record(1)->values[0], 0x2222), "callee-saved register of an outer frame");
    cr_assert(eq(u64, record(1)->values[1], 0x3333));
    cr_assert(eq(u64, record(1)->values[2], 77));
    cr_assert(eq(u64, record(2)->values[0], 0x4444));
    cr_assert(eq(u32, record(3)->site, POPCORN_SITE_LANDING));
    cr_assert(eq(u64, record(3)->values[0], 42));
    cr_assert(eq(ptr, record_inner(record(3)), thread.records + thread.records_size));
}

Test(stack, captures_a_frame_image) {
    push_outermost();
    push_recurse_resumed(1, 2, 3);
    push_recurse_2(4);
    cr_assert(zero(capture(0)), "%s", reason);
    cr_assert(eq(u32, record(0)->site, 1));
    for (uint64_t i = 0; i < 3; i++)
        cr_assert(eq(u64, record(0)->values[i], i + 1));
    cr_assert(eq(u64, record(1)->values[0], 4));
}

Test(stack, captures_a_site_that_the_image_names) {
    push_outermost();
    push_recurse_shared(1, 1, 2, 3);
    push_recurse_shared(2, 4, 5, 6);
    cr_assert(zero(capture(0)), "%s", reason);
    cr_assert(eq(u32, record(0)->site, 1));
    cr_assert(eq(u64, record(0)->values[2], 3));
    cr_assert(eq(u32, record(1)->site, 2));
    cr_assert(eq(u64, record(1)->values[0], 5));
    program_begin();
    push_outermost();
    push_recurse_shared(99, 1, 2, 3);
    cr_assert(eq(int, capture(0), -EFAULT));
    cr_assert(eq(str, reason, "frame of a resumed function at 0x10000240 has no frame image on the stack"));
    cr_assert(eq(int, stack_function_at(RA_RECURSE_SHARED), -1));
}

static void *capture_often(void *arg) {
    struct popcorn_thread own = {0};
    char why[STACK_REASON_SIZE];
    for (int i = 0; i < 2000; i++)
        if (stack_capture(&own, &stack.context, 1, POPCORN_LANDING_HOP, why) || own.frames != 3)
            return arg;
    return NULL;
}

Test(stack, threads_capture_at_the_same_time) {
    pthread_t t[4];
    push_three();
    finish_stack();
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, capture_often, &stack);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(t[i], &failed);
        cr_assert(eq(ptr, failed, NULL));
    }
}

Test(stack, capture_leaves_the_stack_alone) {
    push_three();
    uint64_t before[64];
    memcpy(before, stack.sp, (size_t)(stack.words + STACK_WORDS - stack.sp) * 8);
    cr_assert(zero(capture(0)));
    cr_assert(zero(memcmp(before, stack.sp, (size_t)(stack.words + STACK_WORDS - stack.sp) * 8)));
}

Test(stack, grows_the_buffer_for_a_deep_stack) {
    push_outermost();
    int depth = 0;
    for (; stack.sp - stack.words > 16; depth++)
        push_recurse_1((uint64_t)depth, 0, (uint64_t)depth - 1);
    thread.records = popcorn_portable_map(4096);
    thread.records_size = 4096;
    cr_assert(zero(capture(0)), "%s", reason);
    cr_assert(eq(u64, thread.frames, (uint64_t)depth));
    cr_assert(zero(stack_validate(&thread)));
    struct frame_record *r = thread.outermost;
    for (int i = 0; i < depth; i++, r = record_inner(r))
        cr_assert(eq(u64, r->values[0], (uint64_t)i));
}

Test(stack, refuses_an_unknown_return_address) {
    push_outermost();
    stack.context.reg[MACHINE_RA] = 0x12345;
    push_recurse_2(0);
    cr_assert(eq(int, capture(0), -ENOENT));
    cr_assert(eq(str, reason, "no call-site record for return address 0x12345"));
}

Test(stack, refuses_a_stack_pointer_elsewhere) {
    push_three();
    stack.sp = (uint64_t *)&thread;
    cr_assert(eq(int, capture(0), -EFAULT));
}

Test(stack, refuses_a_frame_that_leaves_the_stack) {
    push_outermost();
    stack.context.reg[MACHINE_RA] = RA_RECURSE_1;
    cr_assert(eq(int, capture(0), -EFAULT));
    cr_assert(eq(str, reason, "frame of recurse at 0x10000100 has a live value outside the stack"), "%s",
              reason);
}

Test(stack, names_functions) {
    cr_assert(eq(str, (char *)stack_function_name(RA_JUMPER), "jumper"));
    cr_assert(eq(ptr, (void *)stack_function_name(RA_JUMPER + 1), NULL));
    cr_assert(eq(int, stack_function_at(RA_RECURSE_2), 0));
    cr_assert(eq(int, stack_function_at(1), -1));
    cr_assert(eq(int, stack_function_find("jumper"), 1));
    cr_assert(eq(int, stack_function_find("jump"), -1));
}

/* Random words on the stack, entered at each site: a capture may refuse, but must not leave the stack. */
Test(stack, survives_random_stacks) {
    static const uint64_t sites[] = {RA_RECURSE_1,      RA_RECURSE_2, RA_RECURSE_RESUMED,
                                     RA_RECURSE_SHARED, RA_JUMPER,    RA_JUMPER_RESUMED};
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        for (int i = 0; i < 200; i++)
            stack.words[STACK_WORDS - 1 - i] = random() % 3 ? sites[random() % 6] : (uint64_t)random();
        stack.sp = stack.words + STACK_WORDS - random() % 200;
        stack.context.reg[MACHINE_RA] = sites[random() % 6];
        for (int r = 3; r < MACHINE_NREGS; r++)
            stack.context.reg[r] = (uint64_t)random() << 20;
        capture(0);
    }
}

/* Captures at every site with some bytes of the table changed. Status 0: whatever came of it, nothing
 * crashed. */
static int capture_by_damaged_table(void) {
    static const uint64_t sites[] = {RA_RECURSE_1,      RA_RECURSE_2, RA_RECURSE_RESUMED,
                                     RA_RECURSE_SHARED, RA_JUMPER,    RA_JUMPER_RESUMED};
    for (long n = random() % 4; n >= 0; n--)
        table_memory[random() % 320] = (char)(random() % 2 ? random() % 8 : random());
    if (stack_init())
        return 0;
    for (int i = 0; i < 6; i++) {
        program_begin();
        push_outermost();
        push_recurse_shared(1, 1, 2, 3);
        stack.context.reg[MACHINE_RA] = sites[i];
        capture(0);
    }
    return 0;
}

Test(stack, survives_damaged_tables) {
    for (unsigned round = 0; round < 1000; round++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            srandom(round);
            _exit(capture_by_damaged_table());
        }
        cr_assert(eq(int, waitpid(child, &status, 0), child));
        cr_assert(eq(int, status, 0), "round %u: status %x", round, (unsigned)status);
    }
}

/*
 * Chains.
 */
Test(stack, validates_what_was_captured) {
    push_three();
    cr_assert(zero(capture(1)));
    cr_assert(zero(stack_validate(&thread)));
}

Test(stack, rejects_wrong_chains) {
    push_three();
    cr_assert(zero(capture(1)));
    struct popcorn_thread good = thread;
    thread.frames++;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "number of frames");
    thread = good;
    thread.bytes -= 8;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "number of bytes");
    thread = good;
    record(1)->site = 9;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "unknown site");
    record(1)->site = 2;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "number of values");
    record(1)->site = 1;
    record(3)->site = 2;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "no landing");
    record(3)->site = 0;
    record(0)->site = 0;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "landing too early");
    record(0)->site = 2;
    cr_assert(zero(stack_validate(&thread)));
    thread.outermost = (struct frame_record *)(thread.records - 8);
    thread.bytes = thread.records_size + 8;
    cr_assert(eq(int, stack_validate(&thread), -EINVAL), "outside the buffer");
}

/* Damaged chains: whatever validates can be walked from end to end. */
Test(stack, validates_fuzzed_chains) {
    push_three();
    cr_assert(zero(capture(1)));
    uint8_t good[256];
    memcpy(good, thread.outermost, thread.bytes);
    srandom(2);
    int sound = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t *bytes = (uint8_t *)thread.outermost;
        memcpy(bytes, good, thread.bytes);
        for (long n = random() % 4; n >= 0; n--)
            bytes[(size_t)random() % thread.bytes] = (uint8_t)(random() % 4 ? random() % 6 : random());
        if (stack_validate(&thread))
            continue;
        sound++;
        struct frame_record *r = thread.outermost;
        for (uint64_t i = 0; i < thread.frames; i++)
            r = record_inner(r);
        cr_assert(eq(u32, r->site, POPCORN_SITE_LANDING));
        cr_assert(eq(ptr, record_inner(r), thread.records + thread.records_size));
    }
    cr_assert(gt(int, sound, 100), "changed values are no damage");
}

/*
 * Rebuilding.
 */
Test(stack, rebuilds_through_resume_bodies) {
    push_three();
    cr_assert(zero(capture(42)));
    if (!setjmp(escape))
        stack_rebuild(&thread);
    cr_assert(eq(ptr, calls.stack_top, stack.words + STACK_WORDS));
    cr_assert(eq(u64, thread.epoch, 1));
    cr_assert(eq(long, calls.fn(calls.arg), 42));
    cr_assert(eq(int, calls.nresumed, 3));
    cr_assert(eq(u32, calls.resumed[0].site, 2));
    cr_assert(eq(u32, calls.resumed[1].site, 1));
    cr_assert(eq(int, calls.landed, 1));
    cr_assert(eq(u64, calls.image[0], 1));
    cr_assert(eq(u64, calls.image[1], 0x4444));
    cr_assert(eq(u64, calls.image[2], 0x5555));
    cr_assert(eq(u64, calls.image[3], 77));
}

Test(stack, enter_writes_live_slots_only) {
    uint64_t image[4] = {7, 7, 7, 7}, words[2] = {2 | 1UL << 32, 99};
    struct frame_record *r = (struct frame_record *)words;
    cr_assert(eq(ptr, __popcorn_enter(r, image), words + 2));
    cr_assert(eq(u64, image[0], 2), "the site");
    cr_assert(eq(u64, image[1], 7));
    cr_assert(eq(u64, image[2], 99));
    cr_assert(eq(u64, image[3], 7));
}

/*
 * Jumps.
 */
static struct popcorn_jump jump;
static uint64_t area[3] = {4 | 2UL << 32, 0xba5e, 0x600d};

static int escape_of_longjmp(int value) {
    volatile int how = setjmp(escape);
    if (!how)
        popcorn_longjmp(finish_stack(), &jump, value);
    return how;
}

static void call_setjmp(int savemask) {
    tcb.data_stack = (void *)0xd000;
    popcorn_setjmp(&jump, savemask, (struct frame_record *)area, 0xba5e);
    tcb.data_stack = (void *)0xc000;
}

Test(stack, jumps_natively_in_the_same_epoch) {
    call_setjmp(0);
    cr_assert(eq(int, escape_of_longjmp(5), ESCAPE_JUMP));
    cr_assert(eq(int, calls.value, 5));
    cr_assert(eq(ptr, tcb.data_stack, (void *)0xd000));
    cr_assert(eq(int, escape_of_longjmp(0), ESCAPE_JUMP));
    cr_assert(eq(int, calls.value, 1), "longjmp(buf, 0) makes setjmp return 1");
}

/* A jumper is resumed on the new stack, called with stack pointer `sp`. */
static void resume_jumper(uint64_t base, uint64_t *sp) {
    uint64_t chain[] = {3 | 2UL << 32, base, 0, 1UL << 32, 0};
    entered_from.reg[MACHINE_SP] = (uint64_t)(uintptr_t)sp;
    entered_from.reg[MACHINE_RA] = RA_RECURSE_1;
    entered_from.reg[REG_SAVED] = base + 1;
    struct frame_record *record = (struct frame_record *)chain;
    ((long (*)(struct frame_record *))__popcorn_inner(record))(record);
    calls.nresumed = calls.landed = 0;
}

static uint64_t *stack_at(int words_from_top) {
    return stack.words + STACK_WORDS - words_from_top;
}

Test(stack, jump_restores_mask_and_pin) {
    call_setjmp(1);
    cr_assert(eq(u64, jump.mask, 0x1234));
    thread.pinned = 1;
    thread.epoch++;
    resume_jumper(0xba5e, stack_at(10));
    stack.sp = stack_at(50);
    cr_assert(eq(int, escape_of_longjmp(5), ESCAPE_RESUME_CALL), "%s", calls.message);
    cr_assert(eq(int, calls.value, 0x5678));
    cr_assert(zero(thread.pinned));
}

Test(stack, jumps_by_rebuilding_one_frame_after_a_hop) {
    call_setjmp(0);
    thread.epoch++;
    for (uint64_t i = 0; i < 100; i++)
        resume_jumper(0xba5e + 99 * 16 - i * 16, stack_at(10 + (int)i));
    resume_jumper(0xba00, stack_at(400));
    stack.sp = stack_at(500);
    cr_assert(eq(int, escape_of_longjmp(9), ESCAPE_RESUME_CALL), "%s", calls.message);
    cr_assert(eq(u64, calls.context.reg[MACHINE_SP], (uint64_t)(uintptr_t)stack_at(109)));
    cr_assert(eq(u64, calls.context.reg[MACHINE_RA], RA_RECURSE_1));
    cr_assert(eq(u64, calls.context.reg[REG_SAVED], 0xba5f));
    cr_assert(eq(ptr, tcb.data_stack, (void *)0xd000));
    cr_assert(eq(u64, thread.epoch, 2), "other jmp_bufs of the replaced frame are stale");
    cr_assert(eq(long, calls.fn(calls.arg), 9));
    cr_assert(eq(int, calls.nresumed, 1));
    cr_assert(eq(u32, calls.resumed[0].site, 4));
    cr_assert(eq(u64, calls.image[1], 0xba5e));
    cr_assert(eq(u64, calls.image[2], 0x600d));
    cr_assert(zero(calls.landed), "a jump is no hop");
    cr_assert(eq(int, escape_of_longjmp(8), ESCAPE_RESUME_CALL), "and again");
}

static void expect_lost(const char *why) {
    cr_assert(eq(int, escape_of_longjmp(9), ESCAPE_FATAL));
    cr_assert(eq(str, calls.message, (char *)why));
}

Test(stack, jump_without_its_frame_ends_with_a_message) {
    call_setjmp(0);
    thread.epoch++;
    stack.sp = stack_at(50);
    expect_lost("longjmp: cannot go back to setjmp: the function that called it has returned");
    resume_jumper(0xba5e + 16, stack_at(20));
    expect_lost("longjmp: cannot go back to setjmp: the function that called it has returned");
    resume_jumper(0xba5e, stack_at(60));
    expect_lost("longjmp: cannot go back to setjmp: the function that called it has returned");
}

Test(stack, frames_of_an_older_stack_are_forgotten) {
    call_setjmp(0);
    resume_jumper(0xba5e, stack_at(20));
    push_three();
    cr_assert(zero(capture(1)));
    if (!setjmp(escape))
        stack_rebuild(&thread);
    expect_lost("longjmp: cannot go back to setjmp: the function that called it has returned");
}

Test(stack, jump_needs_its_stored_frame) {
    call_setjmp(0);
    thread.epoch++;
    resume_jumper(0xba5e, stack_at(20));
    stack.sp = stack_at(50);
    area[0] = 1;
    expect_lost("longjmp: cannot go back to setjmp: its stored frame has been overwritten");
    jump.area = NULL;
    expect_lost("longjmp: cannot go back to setjmp: it was called through a pointer");
}

Test(stack, memory_of_a_thread_is_given_back) {
    push_three();
    cr_assert(zero(capture(1)));
    resume_jumper(0xba5e, stack_at(20));
    stack_thread_end(&thread);
    cr_assert(eq(ptr, thread.records, NULL));
    stack_thread_end(&thread);
}

/*
 * Contexts.
 */
struct popcorn_stack *__popcorn_make_stack(uint64_t memory, uint64_t size, long (*start)(void *),
                                           void *argument);
long popcorn_set_context(const struct machine_context *, struct popcorn_jump *, struct popcorn_stack *made,
                         long);
enum { SWAP, SET, END };

static uint64_t first_data[64], second_data[64];

/* An escape, or what popcorn_set_context() returned. */
static volatile long refusal;

static int escape_of_set_context(struct popcorn_stack *made, int leaving) {
    volatile int how = setjmp(escape);
    if (!how)
        refusal = popcorn_set_context(finish_stack(), &jump, made, leaving);
    return how;
}

/* The thread is on a stack with three frames, the middle one of which has called setjmp. */
static void stand_on_first(void) {
    thread.own_stack =
        (struct popcorn_stack){.low = (uint64_t)first_data, .high = (uint64_t)(first_data + 64)};
    push_outermost();
    push_recurse_2(0x1111);
    push_jumper(0xba5e, 0x2222);
    call_setjmp(0);
    push_recurse_1(0x4444, 0x5555, 0x2222);
    tcb.data_stack = first_data + 50;
}

static long start(void *argument) {
    return *(int *)argument;
}

/* And goes to one that is new, where it has one frame. */
static struct popcorn_stack *stand_on_second(int leaving) {
    static int argument;
    struct popcorn_stack *made =
        __popcorn_make_stack((uint64_t)second_data, sizeof second_data, start, &argument);
    stand_on_first();
    cr_assert(eq(int, escape_of_set_context(made, leaving), ESCAPE_RUN));
    cr_assert(eq(ptr, (void *)calls.fn, (void *)start));
    cr_assert(eq(ptr, calls.arg, &argument));
    cr_assert(eq(ptr, calls.stack_top, stack.words + STACK_WORDS));
    cr_assert(eq(ptr, tcb.data_stack, (void *)made->high));
    stack.sp = stack.words + STACK_WORDS;
    push_outermost();
    push_recurse_2(0x9999);
    return made;
}

Test(stack, context_is_entered_where_setjmp_was_called) {
    struct popcorn_stack *made = stand_on_second(SWAP);
    cr_assert(eq(ptr, thread.stack, made));
    cr_assert(eq(u64, thread.own_stack.bytes, 16 + 24 + 32 + 16), "the frames that were left");
    cr_assert(
        eq(ptr, (char *)thread.own_stack.outermost + thread.own_stack.bytes, (char *)(first_data + 50)));
    cr_assert(eq(int, escape_of_set_context(NULL, SWAP), ESCAPE_RUN));
    cr_assert(eq(ptr, thread.stack, &thread.own_stack));
    cr_assert(eq(ptr, tcb.data_stack, (void *)0xd000), "as it was at setjmp");
    cr_assert(eq(u32, record(0)->site, 2));
    cr_assert(eq(u64, record(0)->values[0], 0x1111));
    cr_assert(eq(u32, record(1)->site, 4), "the frame goes on from setjmp");
    cr_assert(eq(u64, record(1)->values[1], 0x600d));
    cr_assert(eq(u32, record(2)->site, POPCORN_SITE_LANDING));
    cr_assert(eq(u64, record(2)->values[0], 1));
    cr_assert(ne(ptr, made->outermost, NULL), "and the other stack can be entered again");
}

Test(stack, longjmp_goes_to_another_stack) {
    struct popcorn_stack *made = stand_on_second(SET);
    cr_assert(eq(int, escape_of_longjmp(5), ESCAPE_RUN));
    cr_assert(eq(ptr, thread.stack, &thread.own_stack));
    cr_assert(eq(u32, record(1)->site, 4));
    cr_assert(eq(u64, record(2)->values[0], 5));
    cr_assert(ne(ptr, made->outermost, NULL));
    expect_lost("longjmp: cannot go back to setjmp: the function that called it has returned");
}

static void expect_refusal(struct popcorn_stack *made, int leaving, long error) {
    struct popcorn_stack *on = thread.stack;
    void *data = tcb.data_stack;
    uint64_t epoch = thread.epoch;
    cr_assert(zero(escape_of_set_context(made, leaving)));
    cr_assert(eq(long, refusal, error));
    cr_assert(eq(ptr, thread.stack, on));
    cr_assert(eq(ptr, tcb.data_stack, data));
    cr_assert(eq(u64, thread.epoch, epoch));
}

Test(stack, context_whose_frame_is_gone_is_refused) {
    stand_on_second(SET);
    jump.base++;
    expect_refusal(NULL, SET, -EINVAL);
    jump.base--;
    area[0] = 1;
    expect_refusal(NULL, SET, -EINVAL);
    area[0] = 4 | 2UL << 32;
    thread.own_stack.outermost->nvalues = 1000000;
    expect_refusal(NULL, SET, -EINVAL);
    jump.area = NULL;
    expect_refusal(NULL, SET, -EINVAL);
}

Test(stack, stack_that_was_left_for_good_is_refused) {
    stand_on_second(END);
    cr_assert(eq(ptr, thread.own_stack.outermost, NULL));
    expect_refusal(NULL, SET, -EINVAL);
}

Test(stack, context_cannot_be_left_without_room_or_in_a_handler) {
    struct popcorn_stack *made = __popcorn_make_stack((uint64_t)second_data, sizeof second_data, start, NULL);
    stand_on_first();
    tcb.data_stack = first_data + 8;
    expect_refusal(made, SWAP, -ENOMEM);
    tcb.data_stack = second_data + 8;
    expect_refusal(made, SWAP, -ENOTSUP);
    tcb.data_stack = first_data + 50;
    thread.pinned = 1;
    expect_refusal(made, SWAP, -EBUSY);
    cr_assert(eq(int, escape_of_set_context(made, SET), ESCAPE_RUN), "but for good");
    cr_assert(zero(thread.pinned));
    cr_assert(eq(ptr, thread.own_stack.outermost, NULL));
}

Test(stack, stack_too_small_for_its_description_is_none) {
    cr_assert(eq(ptr, __popcorn_make_stack((uint64_t)second_data, 63, start, NULL), NULL));
}
