/* SPDX-License-Identifier: MIT */
#include "checkpoint/numbered.h"
#include "base/folder.h"
#include "base/kernel.h"
#include "base/text.h"
#include "checkpoint/place.h"
#include "generic.h"

#define HIGHEST 9999999999
#define PLACED_MOST 9000000000 /* above it, one is nobody's doing but to leave no number free */
#define TRIES 1000
#define FORMAT 0170000
#define FORMAT_REGULAR 0100000
#define NOBODY (~0U)

struct numbers {
    int folder;
    uint32_t owner;   /* whose are counted */
    uint64_t lowest;  /* of these */
    uint64_t highest; /* up to PLACED_MOST, and of this user's */
    uint32_t count;
};

static void make_name(char name[NUMBERED_NAME], uint64_t number) {
    struct text t = text_begin(name, NUMBERED_NAME);
    text_string(&t, CHECKPOINT_NAME);
    for (uint64_t unit = 1000000000; unit; unit /= 10)
        text_bytes(&t, &"0123456789"[number / unit % 10], 1);
}

/* Where the ten digits of such a name end, or NULL. */
static const char *behind_number(const char *name, uint64_t *number) {
    if (!text_begins(name, CHECKPOINT_NAME))
        return NULL;
    const char *digits = name + sizeof CHECKPOINT_NAME - 1, *end = text_read_number(digits, number);
    return end - digits == CHECKPOINT_DIGITS ? end : NULL;
}

/* Whose regular file it is, or NOBODY. */
static uint32_t owner_of(int folder, const char *name) {
    struct generic_stat stat;
    long fd =
        KERNEL(NR_openat, folder, name, OPEN_RDONLY | OPEN_CLOEXEC | OPEN_NONBLOCK | GENERIC_O_NOFOLLOW, 0);
    if (fd < 0)
        return NOBODY;
    bool regular = KERNEL(NR_fstat, fd, &stat) == 0 && (stat.mode & FORMAT) == FORMAT_REGULAR;
    KERNEL(NR_close, fd);
    return regular ? stat.uid : NOBODY;
}

static void count(const char *name, void *state) {
    struct numbers *found = state;
    uint64_t number;
    const char *end = behind_number(name, &number);
    if (!end || *end || !number)
        return;
    uint32_t owner = owner_of(found->folder, name);
    if (number > found->highest && (number <= PLACED_MOST || owner == (uint32_t)KERNEL(NR_geteuid)))
        found->highest = number;
    if (owner == NOBODY || owner != found->owner)
        return;
    found->lowest = !found->count || number < found->lowest ? number : found->lowest;
    found->count++;
}

static struct numbers look(int folder, uint32_t owner) {
    struct numbers found = {.folder = folder, .owner = owner};
    folder_each(folder, count, &found);
    return found;
}

/* Of others, too, and whatever it is. */
static bool is_taken(int folder, const char *name) {
    char target;
    return KERNEL(NR_faccessat, folder, name, 0) == 0 ||
           KERNEL(NR_readlinkat, folder, name, &target, sizeof target) >= 0;
}

long numbered_next(int folder, char name[NUMBERED_NAME]) {
    uint64_t number = look(folder, NOBODY).highest;
    for (int i = 0; i < TRIES && number < HIGHEST; i++) {
        make_name(name, ++number);
        if (!is_taken(folder, name))
            return 0;
    }
    return -E_EXIST;
}

static void clear(const char *name, void *state) {
    uint64_t number;
    const char *end = behind_number(name, &number);
    if (place_is_temporary(name) || (end && *end == '.')) /* what the command writes, until it is whole */
        place_clear(*(const int *)state, name);
}

void numbered_clear(int folder) {
    folder_each(folder, clear, &folder);
}

void numbered_remove_older(int folder, const char *newest, uint32_t keep) {
    char name[NUMBERED_NAME];
    uint32_t owner = owner_of(folder, newest);
    for (struct numbers now; now = look(folder, owner), now.count > keep;) {
        make_name(name, now.lowest);
        if (KERNEL(NR_unlinkat, folder, name, 0))
            break;
    }
}
