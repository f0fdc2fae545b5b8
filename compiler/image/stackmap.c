/* SPDX-License-Identifier: MIT */
#include "stackmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "registers.h"

/* The section's own layout (LLVM's StackMaps.rst). */
struct map_header {
    uint8_t version, reserved[3];
    uint32_t functions, constants, records;
};

struct map_function {
    uint64_t address, frame_size, records;
};

struct map_record {
    uint64_t id;
    uint32_t offset;
    uint16_t reserved, locations;
};

struct map_location {
    uint8_t kind, reserved;
    uint16_t size, reg, reserved2;
    int32_t offset;
};

enum { MAP_REGISTER = 1, MAP_DIRECT, MAP_INDIRECT, MAP_CONSTANT, MAP_CONSTANT_INDEX };

/* Constants that a statepoint's record begins with: calling convention, flags, number of deopt operands. */
enum { CONSTANT_CONVENTION, CONSTANT_FLAGS, CONSTANT_DEOPT, STATEPOINT_CONSTANTS };

enum { PRESERVE_MOST = 14 }; /* LLVM's number of that calling convention */

struct reader {
    const uint8_t *begin, *at, *end;
    const struct elf_image *image;
    const struct machine_registers *registers;
    struct stackmap *map;
    size_t record_capacity, location_capacity;
    const uint8_t *constants; /* of the part being read */
    uint32_t nconstants;
};

static bool take(struct reader *r, void *into, size_t size) {
    if (size > (size_t)(r->end - r->at))
        return false;
    if (into)
        memcpy(into, r->at, size);
    r->at += size;
    return true;
}

static bool take_padding(struct reader *r) {
    return take(r, NULL, -(size_t)(r->at - r->begin) & 7);
}

static void add_location(struct reader *r, struct popcorn_location location) {
    struct stackmap *m = r->map;
    if (m->nlocations == r->location_capacity) {
        r->location_capacity = r->location_capacity * 2 + 1024;
        m->location = must_realloc(m->location, r->location_capacity * sizeof *m->location);
    }
    m->location[m->nlocations++] = location;
}

static void add_record(struct reader *r, struct stackmap_record record) {
    struct stackmap *m = r->map;
    if (m->count == r->record_capacity) {
        r->record_capacity = r->record_capacity * 2 + 1024;
        m->record = must_realloc(m->record, r->record_capacity * sizeof *m->record);
    }
    m->record[m->count++] = record;
}

static uint32_t memory_kind(unsigned size) {
    return size == 1 ? POPCORN_AT_1 : size == 2 ? POPCORN_AT_2 : size == 4 ? POPCORN_AT_4 : POPCORN_AT_8;
}

/*
 * A value of more than 8 bytes in memory is a scalar in a vector register's spill slot: its low bytes come
 * first. Of a register, only the low bits can be a value.
 */
static bool convert(const struct reader *r, const struct map_location *from, bool point,
                    struct popcorn_location *to) {
    *to = (struct popcorn_location){.reg = from->reg, .offset = from->offset};
    switch (from->kind) {
    case MAP_REGISTER:
        to->kind = POPCORN_IN_REGISTER;
        if (from->reg == r->registers->zero)
            *to = (struct popcorn_location){.kind = POPCORN_CONSTANT};
        return from->offset == 0 &&
               (to->kind == POPCORN_CONSTANT || registers_kept(r->registers, from->reg, point));
    case MAP_DIRECT:
        to->kind = POPCORN_ADDRESS;
        return registers_base(r->registers, from->reg);
    case MAP_INDIRECT:
        to->kind = memory_kind(from->size);
        return (from->size == 1 || from->size == 2 || from->size == 4 || from->size >= 8) &&
               registers_base(r->registers, from->reg);
    case MAP_CONSTANT:
        to->kind = POPCORN_CONSTANT;
        to->reg = 0;
        return true;
    case MAP_CONSTANT_INDEX:
        to->kind = POPCORN_CONSTANT;
        to->reg = 0;
        if ((uint32_t)from->offset >= r->nconstants)
            return false;
        memcpy(&to->offset, r->constants + 8 * (size_t)(uint32_t)from->offset, 8);
        return true;
    }
    return false;
}

/* The name of the function at an address, for a message. */
static const char *function_at(const struct elf_image *image, uint64_t address) {
    struct elf_symbols symbols;
    GElf_Sym symbol;
    elf_symbols_open(image, &symbols);
    for (size_t i = 0; i < symbols.count; i++) {
        const char *name = elf_symbol_at(image, &symbols, i, &symbol);
        if (symbol.st_value == address && GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
            return name;
    }
    return "?";
}

static bool refuse(const struct reader *r, const struct map_function *function, uint64_t id,
                   const struct map_location *l, struct popcorn_error *error) {
    static const char *const kinds[] = {
        "?", "register", "address at register", "memory at register", "constant", "constant of index"};
    return popcorn_fail(error,
                        "in function '%s', call site %" PRIu64
                        ": LLVM keeps a value where it cannot be captured (%s %u%+" PRId32 ", %u bytes)",
                        function_at(r->image, function->address), id >> 1,
                        kinds[l->kind <= MAP_CONSTANT_INDEX ? l->kind : 0], l->reg, l->offset, l->size);
}

static bool read_record(struct reader *r, const struct map_function *function, struct popcorn_error *error) {
    struct map_record raw;
    struct stackmap_record record = {.first = (uint32_t)r->map->nlocations};
    uint64_t wanted = 0; /* deopt operands */
    bool point = false;
    if (!take(r, &raw, sizeof raw))
        return popcorn_fail(error, "stack map is cut");
    record.address = function->address + raw.offset;
    record.id = raw.id;
    for (unsigned i = 0; i < raw.locations; i++) {
        struct map_location from;
        struct popcorn_location to;
        if (!take(r, &from, sizeof from))
            return popcorn_fail(error, "stack map is cut");
        if (i >= STATEPOINT_CONSTANTS && i - STATEPOINT_CONSTANTS >= wanted)
            continue;
        if (!convert(r, &from, point, &to) || (i < STATEPOINT_CONSTANTS && to.kind != POPCORN_CONSTANT))
            return refuse(r, function, raw.id, &from, error);
        if (i >= STATEPOINT_CONSTANTS)
            add_location(r, to);
        else if (i == CONSTANT_CONVENTION)
            point = to.offset == PRESERVE_MOST;
        else if (i == CONSTANT_DEOPT)
            wanted = (uint64_t)to.offset;
    }
    record.nlocations = (uint32_t)(r->map->nlocations - record.first);
    if (record.nlocations != wanted)
        return popcorn_fail(error, "stack map record of site %" PRIu64 " has %u values, not %" PRIu64,
                            raw.id >> 1, record.nlocations, wanted);
    uint16_t live_outs[2]; /* padding, number */
    if (!take_padding(r) || !take(r, live_outs, sizeof live_outs) ||
        !take(r, NULL, 4 * (size_t)live_outs[1]) || !take_padding(r))
        return popcorn_fail(error, "stack map is cut");
    add_record(r, record);
    return true;
}

/* One object file's part; the linker puts them one behind the other. */
static bool read_part(struct reader *r, struct popcorn_error *error) {
    struct map_header header;
    const uint8_t *functions = r->at + sizeof header;
    if (!take(r, &header, sizeof header))
        return popcorn_fail(error, "stack map is cut");
    if (header.version != 3)
        return popcorn_fail(error, "stack map of version %u, not 3: made by another LLVM", header.version);
    if (!take(r, NULL, header.functions * sizeof(struct map_function)))
        return popcorn_fail(error, "stack map is cut");
    r->constants = r->at;
    r->nconstants = header.constants;
    if (!take(r, NULL, 8 * (size_t)header.constants))
        return popcorn_fail(error, "stack map is cut");
    for (uint32_t i = 0; i < header.functions; i++) {
        struct map_function f;
        memcpy(&f, functions + i * sizeof f, sizeof f);
        for (uint64_t k = 0; k < f.records; k++)
            if (!read_record(r, &f, error))
                return false;
    }
    return true;
}

static int by_address(const void *a, const void *b) {
    uint64_t x = ((const struct stackmap_record *)a)->address;
    uint64_t y = ((const struct stackmap_record *)b)->address;
    return (x > y) - (x < y);
}

bool stackmap_read(struct stackmap *map, const struct elf_image *image, struct popcorn_error *error) {
    struct elf_section section;
    struct reader r = {.image = image, .registers = registers_of(image->machine), .map = map};
    *map = (struct stackmap){0};
    if (!elf_section_find(image, ".llvm_stackmaps", &section) || !section.bytes)
        return true;
    if (!r.registers)
        return popcorn_fail(error, "stack map of an unknown machine (%u)", image->machine);
    r.begin = r.at = section.bytes;
    r.end = section.bytes + section.header.sh_size;
    while (r.at < r.end) {
        if (!read_part(&r, error)) {
            stackmap_free(map);
            return false;
        }
    }
    if (map->count)
        qsort(map->record, map->count, sizeof *map->record, by_address);
    for (size_t i = 1; i < map->count; i++) {
        const struct stackmap_record *a = &map->record[i - 1], *b = &map->record[i];
        if (a->address == b->address) {
            popcorn_fail(error, "sites %" PRIu64 " and %" PRIu64 " have one return address", a->id >> 1,
                         b->id >> 1);
            stackmap_free(map);
            return false;
        }
    }
    return true;
}

void stackmap_free(struct stackmap *map) {
    free(map->record);
    free(map->location);
    *map = (struct stackmap){0};
}
