/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "popcorn/abi.h"

/* Largest size and alignment of one function's sections. */
struct room {
    uint64_t size, align;
    size_t seen; /* objects that have it */
};

struct rooms {
    struct room *room;
    size_t count, capacity;
};

static uint64_t align_to(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

static bool starts_with(const char *text, const char *prefix) {
    return !strncmp(text, prefix, strlen(prefix));
}

static void note_function(struct rooms *rooms, const struct elf_section *s) {
    size_t n = strtoul(s->name + strlen(POPCORN_SECTION_TEXT), NULL, 10);
    while (rooms->capacity <= n) {
        size_t old = rooms->capacity;
        rooms->capacity = old * 2 + 64;
        rooms->room = must_realloc(rooms->room, rooms->capacity * sizeof *rooms->room);
        memset(rooms->room + old, 0, (rooms->capacity - old) * sizeof *rooms->room);
    }
    struct room *room = &rooms->room[n];
    rooms->count = n >= rooms->count ? n + 1 : rooms->count;
    room->size = s->header.sh_size > room->size ? s->header.sh_size : room->size;
    room->align = s->header.sh_addralign > room->align ? s->header.sh_addralign : room->align;
    room->seen++;
}

/* All of the module's data is in the portable sections; what is elsewhere would differ between processes. */
static bool is_stray_data(const struct elf_section *s) {
    static const char *const known[] = {POPCORN_SECTION_DATA, POPCORN_SECTION_BSS, ".init_array",
                                        ".fini_array",        ".preinit_array",    ".data.rel.ro",
                                        ".eh_frame"};
    if (!(s->header.sh_flags & SHF_ALLOC) || !(s->header.sh_flags & SHF_WRITE) || !s->header.sh_size)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (starts_with(s->name, known[i]))
            return false;
    return true;
}

static bool note_object(struct rooms *rooms, const struct elf_image *object, struct popcorn_error *error) {
    struct elf_section s;
    for (size_t i = 1; elf_section_at(object, i, &s); i++) {
        if (starts_with(s.name, POPCORN_SECTION_TEXT))
            note_function(rooms, &s);
        if (is_stray_data(&s))
            return popcorn_fail(error, "the module has data outside of the portable sections, in %s", s.name);
    }
    return true;
}

bool layout_make(struct layout *layout, const struct elf_image *objects, size_t nobjects,
                 struct popcorn_error *error) {
    struct rooms rooms = {0};
    bool good = true;
    for (size_t i = 0; good && i < nobjects; i++)
        good = note_object(&rooms, &objects[i], error);
    *layout =
        (struct layout){.count = rooms.count, .offset = must_alloc(rooms.count * sizeof *layout->offset)};
    for (size_t i = 0; good && i < rooms.count; i++) {
        const struct room *r = &rooms.room[i];
        uint64_t align = r->align > LAYOUT_FUNCTION_ALIGN ? r->align : LAYOUT_FUNCTION_ALIGN;
        if (r->seen != nobjects)
            good = popcorn_fail(error, "portable function %zu is not in every ISA's code", i);
        layout->offset[i] = align_to(layout->end, align);
        layout->end = layout->offset[i] + r->size;
    }
    free(rooms.room);
    if (!good)
        layout_free(layout);
    return good;
}

void layout_free(struct layout *layout) {
    free(layout->offset);
    *layout = (struct layout){0};
}
