/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include <dwarf.h>
#include <inttypes.h>
#include <libdwarf.h>
#include <stdlib.h>

#include "registers.h"

struct frames {
    const struct machine_registers *machine;
    Dwarf_Debug debug;
    Dwarf_Cie *cies;
    Dwarf_Fde *fdes;
    Dwarf_Signed ncies, nfdes;
    struct buffer rule; /* of the addresses from begin to before end */
    Dwarf_Addr begin, end;
    Dwarf_Regtable3 table;
};

void frames_close(struct frames *f) {
    if (f->fdes)
        dwarf_fde_cie_list_dealloc(f->debug, f->cies, f->ncies, f->fdes, f->nfdes);
    if (f->debug)
        dwarf_finish(f->debug, NULL);
    buffer_free(&f->rule);
    free(f->table.rt3_rules);
    free(f);
}

/* The message of a libdwarf error, which is freed. */
static void describe(struct frames *f, const char *what, Dwarf_Error why, struct popcorn_error *error) {
    popcorn_fail(error, "%s%s%s", what, why ? ": " : "", why ? dwarf_errmsg(why) : "");
    if (why)
        dwarf_dealloc(f->debug, why, DW_DLA_ERROR);
}

struct frames *frames_open(const struct elf_image *image, struct popcorn_error *error) {
    struct frames *f = must_alloc(sizeof *f);
    Dwarf_Error why = NULL;
    *f = (struct frames){.machine = registers_of(image->machine)};
    if (!f->machine) {
        popcorn_fail(error, "frame rules of an unknown machine (%u)", image->machine);
        frames_close(f);
        return NULL;
    }
    if (dwarf_elf_init(image->elf, DW_DLC_READ, NULL, NULL, &f->debug, &why) != DW_DLV_OK) {
        popcorn_fail(error, "no frame rules (.eh_frame)");
        f->debug = NULL;
        frames_close(f);
        return NULL;
    }
    dwarf_set_frame_rule_table_size(f->debug, f->machine->count);
    dwarf_set_frame_rule_initial_value(f->debug, DW_FRAME_SAME_VAL);
    dwarf_set_frame_cfa_value(f->debug, DW_FRAME_CFA_COL3);
    if (dwarf_get_fde_list_eh(f->debug, &f->cies, &f->ncies, &f->fdes, &f->nfdes, &why) != DW_DLV_OK) {
        describe(f, "no frame rules (.eh_frame)", why, error);
        f->fdes = NULL;
        frames_close(f);
        return NULL;
    }
    f->table.rt3_reg_table_size = f->machine->count;
    f->table.rt3_rules = must_alloc(f->machine->count * sizeof *f->table.rt3_rules);
    return f;
}

/* Encodes the register table; false if it holds a rule of another kind, or a register, than sites.h knows. */
static bool encode(struct frames *f) {
    const Dwarf_Regtable_Entry3 *cfa = &f->table.rt3_cfa_rule;
    struct buffer saved = {0};
    unsigned n = 0;
    bool good = cfa->dw_value_type == DW_EXPR_OFFSET, return_address = false;
    for (unsigned i = 0; i < f->machine->count; i++) {
        const Dwarf_Regtable_Entry3 *rule = &f->table.rt3_rules[i];
        if (rule->dw_regnum == DW_FRAME_SAME_VAL || rule->dw_regnum == DW_FRAME_UNDEFINED_VAL)
            continue;
        bool is_return_address = i == f->machine->return_address;
        good = good && rule->dw_value_type == DW_EXPR_OFFSET && rule->dw_offset_relevant &&
               rule->dw_regnum == DW_FRAME_CFA_COL3 &&
               (is_return_address || registers_kept(f->machine, i, false));
        return_address = return_address || is_return_address;
        buffer_put_uleb(&saved, i);
        buffer_put_sleb(&saved, (int64_t)rule->dw_offset_or_block_len);
        n++;
    }
    f->rule.size = 0;
    buffer_put_uleb(&f->rule, cfa->dw_regnum);
    buffer_put_sleb(&f->rule, (int64_t)cfa->dw_offset_or_block_len);
    buffer_put_uleb(&f->rule, n);
    buffer_put(&f->rule, saved.bytes, saved.size);
    buffer_free(&saved);
    return good && return_address && registers_base(f->machine, cfa->dw_regnum);
}

/* Finds the row that holds at pc and how far it reaches. */
static bool load(struct frames *f, Dwarf_Addr pc, struct popcorn_error *error) {
    Dwarf_Fde fde;
    Dwarf_Addr low, high, row, next;
    Dwarf_Signed relevant, reg, offset;
    Dwarf_Small type;
    Dwarf_Ptr block;
    Dwarf_Bool more;
    Dwarf_Error why = NULL;
    if (dwarf_get_fde_at_pc(f->fdes, pc, &fde, &low, &high, &why) != DW_DLV_OK ||
        dwarf_get_fde_info_for_all_regs3(fde, pc, &f->table, &row, &why) != DW_DLV_OK ||
        dwarf_get_fde_info_for_cfa_reg3_b(fde, pc, &type, &relevant, &reg, &offset, &block, &row, &more,
                                          &next, &why) != DW_DLV_OK) {
        describe(f, "frame rule of a call site", why, error);
        return popcorn_fail(error, "no frame rule for the call at 0x%" PRIx64, (uint64_t)pc);
    }
    f->begin = row;
    f->end = more && next > pc ? next : high + 1;
    if (!encode(f))
        return popcorn_fail(error, "frame rule of the call at 0x%" PRIx64 " is of a kind not known",
                            (uint64_t)pc);
    return true;
}

bool frames_rule(struct frames *f, uint64_t return_address, struct buffer *out, struct popcorn_error *error) {
    uint64_t pc = return_address - 1;
    if ((pc < f->begin || pc >= f->end) && !load(f, pc, error)) {
        f->begin = f->end = 0;
        return false;
    }
    buffer_put(out, f->rule.bytes, f->rule.size);
    return true;
}
