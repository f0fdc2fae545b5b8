/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <inttypes.h>
#include <string.h>

#include "popcorn/abi.h"
#include "popcorn/native_text.h"

static const char *const defined[] = {
    "__ehdr_start",
    "__executable_start",
    "__popcorn_text_end",
    "__popcorn_native_start",
    "__popcorn_native_end",
    "__popcorn_sites",
    "__popcorn_sites_end",
    "__popcorn_data_start",
    "__popcorn_data_end",
    "__preinit_array_start",
    "__init_array_start",
    "__init_array_end",
    "__preinit_array_end",
    "__fini_array_start",
    "__fini_array_end",
    "__bss_start",
    "_edata",
    "edata",
    "_etext",
    "etext",
    "_end",
    "end",
    "_GLOBAL_OFFSET_TABLE_",
    "_DYNAMIC",
    "__global_pointer$",
};

bool script_defines(const char *name) {
    for (size_t i = 0; i < sizeof defined / sizeof *defined; i++)
        if (!strcmp(defined[i], name))
            return true;
    return false;
}

static void write_text(struct buffer *b, const struct layout *layout) {
    buffer_printf(b, "  . = 0x%lx;\n  __executable_start = 0x%lx;\n  __ehdr_start = 0x%lx;\n",
                  SCRIPT_TEXT_START, POPCORN_TEXT_BASE, POPCORN_TEXT_BASE);
    buffer_printf(b, "  .text 0x%lx : ALIGN(16) {\n", SCRIPT_TEXT_START);
    for (size_t i = 0; i < layout->count; i++)
        buffer_printf(b, "    . = 0x%" PRIx64 "; KEEP(*(%s%zu))\n", SCRIPT_TEXT_START + layout->offset[i],
                      POPCORN_SECTION_TEXT, i);
    buffer_printf(b, "    . = 0x%" PRIx64 ";\n", SCRIPT_TEXT_START + layout->end);
    buffer_printf(b,
                  "    *(.text .text.hot .text.hot.* .text.unlikely .text.unlikely.*)\n"
                  "    *(%s)\n"
                  "    __popcorn_native_start = .;\n"
                  "    *(EXCLUDE_FILE(*.module.o *libarithmetic.a:*) .text.*)\n"
                  "    __popcorn_native_end = .;\n"
                  "    *(%s)\n"
                  "    *(.text.* .init .fini)\n"
                  "    __popcorn_text_end = .; _etext = .; etext = .;\n"
                  "  } :text\n",
                  POPCORN_SECTION_PROGRAM, POPCORN_SECTION_RESUME);
}

/* Each ISA's own constants: jump tables, constant pools, what the run time has. */
static void write_constants(struct buffer *b, const char *sites) {
    buffer_printf(b, "  . = ALIGN(0x%lx);\n", POPCORN_IMAGE_ALIGN);
    buffer_printf(b, "  .rodata : { *(.rodata .rodata.* .srodata .srodata.* .data.rel.ro .data.rel.ro.*) } "
                     ":constants\n");
    if (sites)
        buffer_printf(b,
                      "  /DISCARD/ : { *(.llvm_stackmaps) *(.eh_frame) *(.eh_frame.*) *(%s) *(.comment) }\n",
                      POPCORN_SECTION_FRAMES);
    else
        buffer_printf(b,
                      "  .eh_frame : { KEEP(*(.eh_frame .eh_frame.*)) } :constants\n"
                      "  .llvm_stackmaps : { KEEP(*(.llvm_stackmaps)) } :constants\n"
                      "  %s : { KEEP(*(%s)) } :constants\n",
                      POPCORN_SECTION_FRAMES, POPCORN_SECTION_FRAMES);
}

static void write_array(struct buffer *b, const char *name) {
    buffer_printf(b, "    __%s_start = .; KEEP(*(SORT_BY_INIT_PRIORITY(.%s.*))) KEEP(*(.%s)) __%s_end = .;\n",
                  name, name, name, name);
}

static void write_portable_constants(struct buffer *b) {
    buffer_printf(
        b, "  . = 0x%lx;\n  .popcorn.rodata : ALIGN(64) {\n    KEEP(*(.popcorn.rodata))\n    . = ALIGN(8);\n",
        POPCORN_RODATA_BASE);
    write_array(b, "preinit_array");
    write_array(b, "init_array");
    write_array(b, "fini_array");
    buffer_printf(b, "  } :rodata\n");
}

static void write_private(struct buffer *b, const char *sites) {
    buffer_printf(b, "  . = 0x%lx;\n", POPCORN_PRIVATE_BASE);
    buffer_printf(b, "  .got : { *(.got .got.plt .toc) } :private\n"
                     "  .data : { QUAD(0) *(EXCLUDE_FILE(*.sites) .data .data.* .sdata .sdata.*) } :private\n"
                     "  .bss : { *(.sbss .sbss.* .bss EXCLUDE_FILE(*.module.o) .bss.* COMMON) } :private\n");
    buffer_printf(b, "  . = ALIGN(0x%lx);\n  .popcorn.sites : {\n    __popcorn_sites = .;\n",
                  POPCORN_IMAGE_ALIGN);
    if (sites)
        buffer_printf(b, "    KEEP(\"%s\"(.data))\n", sites);
    else
        buffer_printf(b, "    QUAD(0)\n");
    buffer_printf(b, "    __popcorn_sites_end = .;\n  } :sites\n");
}

static void write_data(struct buffer *b) {
    buffer_printf(b, "  . = 0x%lx;\n  __popcorn_data_start = .;\n", POPCORN_DATA_BASE);
    buffer_printf(b, "  .popcorn.data : ALIGN(64) { KEEP(*(%s)) . = ALIGN(8); QUAD(0) } :data\n",
                  POPCORN_SECTION_DATA);
    buffer_printf(b, "  _edata = .; edata = .; __bss_start = .;\n");
    buffer_printf(b, "  .popcorn.bss : ALIGN(64) { KEEP(*(%s)) . = ALIGN(0x%lx); } :data\n",
                  POPCORN_SECTION_BSS, POPCORN_IMAGE_ALIGN);
    buffer_printf(b,
                  "  __popcorn_data_end = .; _end = .; end = .;\n"
                  "  ASSERT(. <= 0x%lx, \"the program has more than 768 MiB of global data\")\n",
                  POPCORN_DATA_LIMIT);
}

void script_write(struct buffer *b, const struct layout *layout, const char *sites) {
    buffer_printf(b, "ENTRY(_start)\n"
                     "PHDRS {\n"
                     "  text PT_LOAD FILEHDR PHDRS FLAGS(5);\n"
                     "  constants PT_LOAD FLAGS(4);\n"
                     "  rodata PT_LOAD FLAGS(4);\n"
                     "  private PT_LOAD FLAGS(6);\n"
                     "  sites PT_LOAD FLAGS(4);\n"
                     "  data PT_LOAD FLAGS(6);\n"
                     "  stack PT_GNU_STACK FLAGS(6);\n"
                     "}\n"
                     "SECTIONS {\n");
    write_text(b, layout);
    write_constants(b, sites);
    write_portable_constants(b);
    write_private(b, sites);
    write_data(b);
    buffer_printf(b, "}\n");
}
