/* SPDX-License-Identifier: MIT */
/*
 * The rules in one thread. Rules that count points are kept as the number of the point where they fire next,
 * and the smallest of those is `due`: until then a point costs one comparison. For `after:` no timer is used,
 * since a timer's signal could be lost, blocked or seen by the program: the clock is read every so many
 * points, so chosen that about a millisecond lies between.
 */
#include "base/text.h"
#include "popcorn/migration.h"

#define CLOCK_AIM 1000000UL /* nanoseconds between two looks at the clock */
#define CLOCK_STEP_MAX 65536

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15UL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
    return z ^ z >> 31;
}

/* Points to the next hop of a random rule: 1 to 2 * mean - 1, all equally likely. */
static uint64_t random_gap(uint64_t *state, uint64_t mean) {
    return 1 + next_random(state) % (2 * mean - 1);
}

static bool fires_once(const struct migration_rule *rule) {
    return rule->when != RULE_EVERY && rule->when != RULE_RANDOM;
}

static void schedule(struct popcorn_trigger_state *s, const struct migration_rules *rules) {
    s->due = TRIGGER_NEVER;
    s->armed = s->by_address = false;
    for (int i = 0; i < rules->count; i++) {
        const struct migration_rule *rule = &rules->rule[i];
        if (s->fired[i])
            continue;
        s->armed = true;
        s->by_address |= rule->when == RULE_FUNCTION || rule->when == RULE_RANGE;
        uint64_t at = rule->when == RULE_AFTER ? s->clock_at + s->clock_step : s->at[i];
        if (at < s->due)
            s->due = at;
    }
}

void trigger_begin(struct popcorn_trigger_state *s, const struct migration_rules *rules, uint64_t now) {
    *s = (struct popcorn_trigger_state){.began = now, .clock_time = now, .clock_step = 1};
    for (int i = 0; i < rules->count; i++) {
        const struct migration_rule *rule = &rules->rule[i];
        s->random[i] = rule->seed;
        s->at[i] = rule->when == RULE_AT_POINT || rule->when == RULE_EVERY ? rule->n
                   : rule->when == RULE_RANDOM ? random_gap(&s->random[i], rule->n)
                                               : TRIGGER_NEVER;
    }
    schedule(s, rules);
}

static void look_at_clock(struct popcorn_trigger_state *s, uint64_t now) {
    uint64_t passed = now - s->clock_time, step = s->clock_step;
    if (passed < CLOCK_AIM / 2 && step < CLOCK_STEP_MAX)
        step *= 2;
    else if (passed > CLOCK_AIM)
        step = step * CLOCK_AIM / passed;
    s->clock_step = step ? step : 1;
    s->clock_at = s->points;
    s->clock_time = now;
}

/* The time since the thread began; looks at the clock only when it is due. */
static bool time_is_over(struct popcorn_trigger_state *s, uint64_t limit, uint64_t (*clock)(void)) {
    if (s->points >= s->clock_at + s->clock_step)
        look_at_clock(s, clock());
    return s->clock_time - s->began >= limit;
}

static bool fires(struct popcorn_trigger_state *s, int i, const struct migration_rule *rule, uint64_t address,
                  const char *isa, int function, uint64_t (*clock)(void)) {
    switch (rule->when) {
    case RULE_AFTER:
        return time_is_over(s, rule->n, clock);
    case RULE_FUNCTION:
        return function == rule->function;
    case RULE_RANGE:
        return address >= rule->start && address < rule->end && text_equal(isa, rule->isa);
    default:
        return s->points >= s->at[i];
    }
}

/* A rule has fired: when does it fire again? */
static void rearm(struct popcorn_trigger_state *s, int i, const struct migration_rule *rule) {
    s->fired[i] = fires_once(rule);
    if (rule->when == RULE_EVERY)
        s->at[i] = s->points + rule->n;
    else if (rule->when == RULE_RANDOM)
        s->at[i] = s->points + random_gap(&s->random[i], rule->n);
}

int trigger_fire(struct popcorn_trigger_state *s, const struct migration_rules *rules, uint64_t address,
                 const char *isa, int function, uint64_t (*clock)(void)) {
    int first = -1;
    for (int i = 0; i < rules->count; i++) {
        if (s->fired[i] || !fires(s, i, &rules->rule[i], address, isa, function, clock))
            continue;
        rearm(s, i, &rules->rule[i]);
        if (first < 0)
            first = i;
    }
    if (first >= 0 || s->points >= s->due)
        schedule(s, rules);
    return first;
}

int trigger_target(const struct migration_rule *rule, const struct popcorn_node_list *nodes, int current,
                   bool (*available)(int)) {
    int target = rule->node;
    switch (rule->where) {
    case RULE_SELF:
        return TRIGGER_SELF;
    case RULE_NEXT:
        for (int i = 1; i < nodes->count; i++)
            if (available((current + i) % nodes->count))
                return (current + i) % nodes->count;
        return (current + 1) % nodes->count == current ? TRIGGER_NONE : (current + 1) % nodes->count;
    case RULE_ISA:
        target = text_equal(nodes->isa[current], rule->isa) ? current : rule->node;
        break;
    }
    return target == current ? TRIGGER_NONE : target;
}
