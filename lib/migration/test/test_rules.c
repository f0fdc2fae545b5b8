/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "popcorn/migration.h"

static const char *const isas[] = {"x86_64", "aarch64", "riscv64"};
static struct popcorn_node_list nodes;
static struct migration_rules rules;
static char error[POPCORN_ERROR_SIZE];

static int find_function(const char *name) {
    return !strcmp(name, "main") ? 7 : -1;
}

static void begin(void) {
    memset(&rules, 0, sizeof rules);
    error[0] = 0;
    cr_assert(zero(nodes_parse(&nodes, NULL, isas, 3, error)));
}

TestSuite(rules, .init = begin, .timeout = 60);

static int parse(const char *text) {
    memset(&rules, 0, sizeof rules);
    return rules_parse(&rules, text, &nodes, find_function, error);
}

static struct migration_rule *rule(int i) {
    return &rules.rule[i];
}

/*
 * Nodes.
 */
Test(rules, nodes_default_to_the_programs_isas) {
    cr_assert(eq(int, nodes.count, 3));
    cr_assert(eq(str, nodes.isa[0], "x86_64"));
    cr_assert(eq(str, nodes.isa[2], "riscv64"));
    cr_assert(zero(nodes_parse(&nodes, "", isas, 2, error)));
    cr_assert(eq(int, nodes.count, 2));
}

Test(rules, nodes_may_repeat_an_isa) {
    cr_assert(zero(nodes_parse(&nodes, "riscv64,x86_64,riscv64", isas, 3, error)));
    cr_assert(eq(int, nodes.count, 3));
    cr_assert(eq(str, nodes.isa[0], "riscv64"));
    cr_assert(eq(str, nodes.isa[2], "riscv64"));
}

/* Machines 0, 1 and 3; this is number 1. */
static struct popcorn_node_list known = {.count = 4,
                                         .isa = {"x86_64", "aarch64", "", ""},
                                         .name = {"alpha", "beta", "", "gamma"},
                                         .machine = {0, 1, 2, 3}};

Test(rules, machines_have_their_own_numbers) {
    cr_assert(zero(nodes_parse_machines(&nodes, "", &known, 1, error)));
    cr_assert(eq(int, nodes.count, 4));
    cr_assert(eq(str, nodes.name[3], "gamma"));
    cr_assert(eq(int, nodes.machine[3], 3));
}

Test(rules, machines_by_name) {
    cr_assert(zero(nodes_parse_machines(&nodes, "beta,gamma,alpha", &known, 1, error)));
    cr_assert(eq(int, nodes.count, 3));
    cr_assert(eq(int, nodes.machine[1], 3));
    cr_assert(eq(str, nodes.isa[2], "x86_64"));
    cr_assert(zero(parse("every:10@gamma,20@alpha,30@aarch64")));
    cr_assert(eq(int, rule(0)->where, RULE_NODE));
    cr_assert(eq(int, rule(0)->node, 1));
    cr_assert(eq(int, rule(1)->node, 2));
    cr_assert(eq(int, rule(2)->where, RULE_ISA));
    cr_assert(eq(int, parse("every:10@delta"), -EINVAL));
}

Test(rules, bad_machines) {
    static const char *const bad[][2] = {{"beta,delta", "\"delta\""}, {"beta,", "\"\""},
                                         {"beta,beta", "\"beta\""},   {"gamma", "\"beta\""},
                                         {"alph,beta", "\"alph\""},   {"betas", "\"betas\""}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error[0] = 0;
        cr_assert(eq(int, nodes_parse_machines(&nodes, bad[i][0], &known, 1, error), -EINVAL), "%s",
                  bad[i][0]);
        cr_assert(strstr(error, bad[i][1]) != NULL, "%s: %s", bad[i][0], error);
    }
}

Test(rules, bad_nodes) {
    static const char *const bad[] = {"arm",     "x86_64,", ",x86_64", "x86_64,,aarch64",
                                      "x86_64 ", "x86",     "x86_64x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error[0] = 0;
        cr_assert(eq(int, nodes_parse(&nodes, bad[i], isas, 3, error), -EINVAL), "%s", bad[i]);
        cr_assert(gt(sz, strlen(error), 0));
        cr_assert(eq(ptr, strchr(error, '\n'), NULL));
    }
    cr_assert(eq(int, nodes_parse(&nodes, "riscv64", isas, 2, error), -EINVAL));
    cr_assert(eq(str, error, "POPCORN_NODES: the program has no image for \"riscv64\""));
    char many[33 * 7];
    for (int i = 0; i < 33; i++)
        memcpy(many + i * 7, "x86_64,", 7);
    many[sizeof many - 1] = 0;
    cr_assert(eq(int, nodes_parse(&nodes, many, isas, 3, error), -EINVAL));
    many[32 * 7 - 1] = 0;
    cr_assert(zero(nodes_parse(&nodes, many, isas, 3, error)));
}

/*
 * Rules.
 */
Test(rules, good_rules) {
    cr_assert(zero(parse("17,every:3@self,random:100:5@aarch64,after:2.5s@2,func:main@next")), "%s", error);
    cr_assert(eq(int, rules.count, 5));
    cr_assert(eq(int, rule(0)->when, RULE_AT_POINT));
    cr_assert(eq(u64, rule(0)->n, 17));
    cr_assert(eq(int, rule(0)->where, RULE_NEXT));
    cr_assert(eq(int, rule(1)->when, RULE_EVERY));
    cr_assert(eq(u64, rule(1)->n, 3));
    cr_assert(eq(int, rule(1)->where, RULE_SELF));
    cr_assert(eq(int, rule(2)->when, RULE_RANDOM));
    cr_assert(eq(u64, rule(2)->n, 100));
    cr_assert(eq(u64, rule(2)->seed, 5));
    cr_assert(eq(int, rule(2)->where, RULE_ISA));
    cr_assert(eq(int, rule(2)->node, 1));
    cr_assert(eq(int, rule(3)->when, RULE_AFTER));
    cr_assert(eq(u64, rule(3)->n, 2500000000));
    cr_assert(eq(int, rule(3)->where, RULE_NODE));
    cr_assert(eq(int, rule(3)->node, 2));
    cr_assert(eq(int, rule(4)->when, RULE_FUNCTION));
    cr_assert(eq(int, rule(4)->function, 7));
}

Test(rules, durations) {
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"after:1s", 1000000000},   {"after:0.001s", 1000000},
                {"after:100ms", 100000000}, {"after:1.5ms", 1500000},
                {"after:10us", 10000},      {"after:0s", 0},
                {"after:0.5us", 500},       {"after:1.0000000019s", 1000000001}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert(zero(parse(good[i].text)), "%s: %s", good[i].text, error);
        cr_assert(eq(u64, rule(0)->n, good[i].ns), "%s", good[i].text);
    }
}

Test(rules, bad_rules) {
    static const char *const bad[] = {"",
                                      ",",
                                      "5,",
                                      ",5",
                                      "0",
                                      "-1",
                                      "5x",
                                      "x",
                                      "every",
                                      "every:",
                                      "every:0",
                                      "every:1.5",
                                      "random:",
                                      "random:0",
                                      "random:5:",
                                      "random:5:x",
                                      "random:5:1:2",
                                      "random:9223372036854775807",
                                      "after:",
                                      "after:5",
                                      "after:s",
                                      "after:1h",
                                      "after:-1s",
                                      "after:.5s",
                                      "after:99999999999s",
                                      "func:",
                                      "func:other",
                                      "5@",
                                      "5@3",
                                      "5@-1",
                                      "5@sparc",
                                      "5@self@self",
                                      "5 @self",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error[0] = 0;
        cr_assert(eq(int, parse(bad[i]), -EINVAL), "\"%s\" was taken", bad[i]);
        cr_assert(zero(strncmp(error, "POPCORN_MIGRATE: ", 17)), "%s", error);
        cr_assert(eq(ptr, strchr(error, '\n'), NULL));
    }
}

Test(rules, says_what_is_wrong) {
    parse("3,every:0@self");
    cr_assert(eq(str, error,
                 "POPCORN_MIGRATE: rule \"every:0@self\": every:N wants a number of points, at least 1"));
}

Test(rules, limits) {
    cr_assert(zero(parse("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16")));
    cr_assert(eq(int, parse("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"), -EINVAL));
    char name[400] = "func:";
    memset(name + 5, 'x', 300);
    cr_assert(eq(int, parse(name), -EINVAL));
    cr_assert(lt(sz, strlen(error), sizeof error));
}

Test(rules, isa_without_a_node) {
    nodes_parse(&nodes, "x86_64,aarch64", isas, 3, error);
    cr_assert(eq(int, parse("1@riscv64"), -EINVAL));
    cr_assert(eq(int, parse("1@2"), -EINVAL));
    cr_assert(zero(parse("1@1")));
}

Test(rules, popcorns_ranges) {
    cr_assert(zero(rules_add_range(&rules, "aarch64", "0x10000000", "1000ABCD", error)));
    cr_assert(eq(int, rule(0)->when, RULE_RANGE));
    cr_assert(eq(u64, rule(0)->start, 0x10000000));
    cr_assert(eq(u64, rule(0)->end, 0x1000abcd));
    cr_assert(eq(int, rules_add_range(&rules, "x86_64", "zz", "10", error), -EINVAL));
    cr_assert(eq(int, rules_add_range(&rules, "x86_64", "10", "10", error), -EINVAL));
    cr_assert(eq(int, rules_add_range(&rules, "x86_64", "", "10", error), -EINVAL));
}

Test(rules, survives_random_texts) {
    static const char letters[] = "0123456789:@,.srandomevyfucexlf86_4";
    char text[64];
    srandom(1);
    for (int i = 0; i < 300000; i++) {
        size_t n = (size_t)random() % (sizeof text - 1);
        for (size_t k = 0; k < n; k++)
            text[k] = letters[(size_t)random() % (sizeof letters - 1)];
        text[n] = 0;
        if (parse(text))
            cr_assert(lt(sz, strlen(error), sizeof error));
        else
            cr_assert(gt(int, rules.count, 0));
    }
}

/*
 * Triggers.
 */
static struct popcorn_trigger_state state;
static uint64_t now, clock_reads;
static int at_function;

static uint64_t fake_clock(void) {
    clock_reads++;
    return now;
}

static bool all_available(int nid) {
    (void)nid;
    return true;
}

static bool only_node_two(int nid) {
    return nid == 2;
}

/* One migration point: the rule that fires, or -1. */
static int point_at(uint64_t address) {
    if (++state.points < state.due && !state.by_address)
        return -1;
    return trigger_fire(&state, &rules, address, "x86_64", at_function, fake_clock);
}

static int point(void) {
    return point_at(0x10000000);
}

static void arm(const char *text) {
    cr_assert(zero(parse(text)), "%s", error);
    now = 1000;
    trigger_begin(&state, &rules, now);
}

Test(rules, no_rules_are_never_due) {
    trigger_begin(&state, &rules, 0);
    cr_assert(not(state.armed));
    cr_assert(eq(u64, state.due, TRIGGER_NEVER));
}

Test(rules, fires_at_a_point_once) {
    arm("3");
    cr_assert(eq(int, point(), -1));
    cr_assert(eq(int, point(), -1));
    cr_assert(eq(int, point(), 0));
    cr_assert(not(state.armed));
    for (int i = 0; i < 100; i++)
        cr_assert(eq(int, point(), -1));
}

Test(rules, fires_every_nth_point) {
    arm("every:4");
    for (int i = 1; i <= 100; i++)
        cr_assert(eq(int, point(), i % 4 ? -1 : 0), "point %d", i);
}

Test(rules, first_of_several_rules_wins) {
    arm("every:6@self,every:4@1,8@2");
    int fired[25];
    for (int i = 1; i <= 24; i++)
        fired[i] = point();
    cr_assert(eq(int, fired[4], 1));
    cr_assert(eq(int, fired[6], 0));
    cr_assert(eq(int, fired[8], 1), "and rule 2 is spent");
    cr_assert(eq(int, fired[12], 0));
    cr_assert(eq(int, fired[16], 1));
    cr_assert(eq(int, fired[24], 0));
}

Test(rules, random_keeps_its_mean_and_repeats) {
    int hops = 0, first[50], n = 0;
    arm("random:50:7");
    for (int i = 0; i < 100000; i++)
        if (point() == 0) {
            hops++;
            if (n < 50)
                first[n++] = i;
        }
    cr_assert(all(gt(int, hops, 1850), lt(int, hops, 2150)), "%d hops", hops);
    arm("random:50:7");
    n = 0;
    for (int i = 0; i < 1000; i++)
        if (point() == 0)
            cr_assert(eq(int, first[n++], i), "the same seed hops at the same points");
    arm("random:1");
    for (int i = 0; i < 100; i++)
        cr_assert(zero(point()), "a mean of one is every point");
}

Test(rules, after_a_time_whatever_the_pace) {
    static const uint64_t paces[] = {20, 1000, 100000, 10000000, 3000000000};
    for (size_t k = 0; k < sizeof paces / sizeof *paces; k++) {
        arm("after:1s");
        clock_reads = 0;
        uint64_t points = 0;
        while (point() < 0) {
            now += paces[k];
            points++;
        }
        uint64_t late = now - 1000 - 1000000000;
        cr_assert(lt(u64, late, 3000000 + 2 * paces[k]), "%lu ns late at %lu ns a point", late, paces[k]);
        cr_assert(lt(u64, clock_reads, points / 10 + 10100), "%lu reads in %lu points", clock_reads, points);
        cr_assert(not(state.armed));
    }
}

/* Fast points, then slow ones: the clock must not be forgotten for long. */
Test(rules, after_survives_a_change_of_pace) {
    arm("after:1s");
    for (int i = 0; i < 1000000; i++, now += 15)
        cr_assert(eq(int, point(), -1));
    uint64_t changed = now;
    while (point() < 0 && now - changed < 100000000000)
        now += 1000;
    cr_assert(lt(u64, now - 1000 - 1000000000, 100000000), "at most 65536 points late");
}

Test(rules, first_point_in_a_function) {
    arm("func:main");
    at_function = 3;
    for (int i = 0; i < 5; i++)
        cr_assert(eq(int, point(), -1));
    at_function = 7;
    cr_assert(zero(point()));
    cr_assert(eq(int, point(), -1), "the first only");
    cr_assert(not(state.by_address));
}

Test(rules, ranges_belong_to_an_isa) {
    rules_add_range(&rules, "aarch64", "1000", "2000", error);
    rules_add_range(&rules, "x86_64", "1000", "2000", error);
    trigger_begin(&state, &rules, 0);
    cr_assert(eq(int, point_at(0xfff), -1));
    cr_assert(eq(int, point_at(0x2000), -1));
    cr_assert(eq(int, point_at(0x1fff), 1));
    cr_assert(eq(int, point_at(0x1fff), -1));
}

Test(rules, targets) {
    arm("1@next,1@self,1@1,1@riscv64");
    cr_assert(eq(int, trigger_target(rule(0), &nodes, 0, all_available), 1));
    cr_assert(eq(int, trigger_target(rule(0), &nodes, 2, all_available), 0));
    cr_assert(eq(int, trigger_target(rule(0), &nodes, 0, only_node_two), 2));
    cr_assert(eq(int, trigger_target(rule(1), &nodes, 1, all_available), TRIGGER_SELF));
    cr_assert(eq(int, trigger_target(rule(2), &nodes, 0, all_available), 1));
    cr_assert(eq(int, trigger_target(rule(2), &nodes, 1, all_available), TRIGGER_NONE));
    cr_assert(eq(int, trigger_target(rule(3), &nodes, 0, all_available), 2));
    cr_assert(eq(int, trigger_target(rule(3), &nodes, 2, all_available), TRIGGER_NONE));
    nodes_parse(&nodes, "x86_64", isas, 3, error);
    cr_assert(eq(int, trigger_target(rule(0), &nodes, 0, all_available), TRIGGER_NONE), "no other node");
}

Test(rules, isa_goes_to_its_first_node_unless_there) {
    nodes_parse(&nodes, "x86_64,aarch64,aarch64", isas, 3, error);
    arm("1@aarch64");
    cr_assert(eq(int, trigger_target(rule(0), &nodes, 0, all_available), 1));
    cr_assert(eq(int, trigger_target(rule(0), &nodes, 2, all_available), TRIGGER_NONE));
}
