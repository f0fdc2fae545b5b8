/* SPDX-License-Identifier: MIT */
/*
 * The contract between the pass, popcorn-ld and the run time, in numbers and names.
 * docs/abi.md explains it. Included from C and C++; defines nothing but constants and plain structs.
 */
#ifndef POPCORN_ABI_H
#define POPCORN_ABI_H

#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

/* Fixed addresses. Everything portable stays below 2^38, the user space of riscv64 Sv39. */
#define POPCORN_TEXT_BASE                                                                                    \
    0x10000000UL                         /* ELF header, then functions whose address is taken, then the rest \
                                          */
#define POPCORN_RODATA_BASE 0x40000000UL /* portable constants: the same bytes in every image */
#define POPCORN_PRIVATE_BASE                                                                                 \
    0x48000000UL /* the run time's own data, per image and per process; call-site table */
#define POPCORN_DATA_BASE 0x50000000UL /* portable globals, up to 2 GiB */
#define POPCORN_DATA_LIMIT 0x80000000UL
#define POPCORN_ARENA_BASE 0x1000000000UL /* heap, data stacks, TLS blocks, control block */
#define POPCORN_ARENA_LIMIT 0x3000000000UL
#define POPCORN_IMAGE_ALIGN 0x10000UL /* arm64 kernels may have 64 KiB pages */

/* Sections that the pass makes and popcorn-ld places. */
#define POPCORN_SECTION_TEXT ".text.portable." /* + decimal index: one function each, in index order */
#define POPCORN_SECTION_RESUME ".text.resume"
#define POPCORN_SECTION_RODATA ".popcorn.rodata"
#define POPCORN_SECTION_DATA ".popcorn.data"
#define POPCORN_SECTION_BSS ".bss.popcorn"
#define POPCORN_SECTION_FRAMES ".popcorn.frames" /* only for popcorn-ld: no part of an image */
/* Sections that popcorn-ld makes. */
#define POPCORN_SECTION_SITES ".popcorn.sites"
#define POPCORN_SECTION_IMAGE ".popcorn.image." /* + ISA name: another ISA's whole ELF image, not loaded */
#define POPCORN_SECTION_MANIFEST ".popcorn.manifest"

/*
 * The block at the thread pointer, the same on every ISA. The thread pointer never changes while a thread
 * lives, wherever it runs. TLS variables follow at alignTo(POPCORN_TCB_SIZE, alignment of the TLS image).
 */
#define POPCORN_TCB_SELF 0 /* its own address, as x86_64 code expects at %fs:0 */
#define POPCORN_TCB_DATA_STACK 8
#define POPCORN_TCB_THREAD 16
#define POPCORN_TCB_CANCEL 24 /* one of the following: where the thread stands to pthread_cancel */
#define POPCORN_TCB_SIZE 32

#define POPCORN_CANCEL_NONE 0        /* not in a cancellation point */
#define POPCORN_CANCEL_POINT 1       /* in one: a signal may end the system call that it waits in */
#define POPCORN_CANCEL_INTERRUPTED 2 /* in one, and its system calls return -EINTR from now on */

/*
 * The number of a system call with this bit comes from a caller that can come to a migration point: when the thread is
 * asked to, a call that waits ends without effect, by POPCORN_CALL_STOPPED, and is to be made again behind the point, with
 * both bits: a signal's handler that ran in between may have ended it.
 */
#define POPCORN_CALL_MAY_STOP 0x40000000
#define POPCORN_CALL_AGAIN 0x20000000
#define POPCORN_CALL_STOPPED (-4096)

/* A statepoint's id is site * 2, plus 1 when its only live value is the address of a frame image. */
#define POPCORN_ID(site, image) ((uint64_t)(site) << 1 | (image))

/* The site of an image's statepoint that many sites share: its number is the image's first word. */
#define POPCORN_SITE_IN_IMAGE 0u

/* Site 0 ends a chain of records: there the thread lands and goes on. */
#define POPCORN_SITE_LANDING 0u

/* Bits of a frame's flags. */
#define POPCORN_SITE_SETJMP                                                                                  \
    1u /* its function calls setjmp; live value 0 is the base of its data-stack frame */

/*
 * Emitted by the pass, where functions that may migrate have numbers:
 *   const uint32_t __popcorn_func_count;
 *   void *const    __popcorn_resume[];     RetT f.resume(struct frame_record *)
 *   const char     __popcorn_names[];      their names, a NUL behind each
 *   const uint64_t __popcorn_layout_hash;  of names and POPCORN_SECTION_FRAMES: the same program has the same
 *
 *   const struct popcorn_tls __popcorn_tls;
 *
 * And, if libc's dlsym or dladdr is part of the program, what they find (docs/abi.md, "Symbols"):
 *   const struct popcorn_symbol __popcorn_symbols[];
 *   const uint64_t              __popcorn_symbol_count;
 *
 * POPCORN_SECTION_FRAMES holds what is the same of a site on every ISA: a struct popcorn_frames_header, a
 * struct popcorn_frame for each function, and the rows of bits. popcorn-ld makes it a part of the call-site
 * table; popcorn/sites.h reads it.
 */
#ifndef __ASSEMBLER__
struct popcorn_frames_header {
    uint32_t nsites;    /* counting the landing (site 0) */
    uint32_t nframes;   /* functions */
    uint32_t live_size; /* bytes of rows */
    uint32_t reserved;
};

/*
 * A function: its sites are those from first_site to that of the next function. Each has a row of nslots
 * bits in whole bytes: bit i % 8 of byte i / 8 says whether slot i is live.
 */
struct popcorn_frame {
    uint32_t first_site;
    uint32_t live;   /* where its rows of bits begin */
    uint16_t nslots; /* slots of 8 bytes in its frame image */
    uint16_t flags;  /* POPCORN_SITE_... of all its sites */
};

#define POPCORN_SLOTS_MOST 65535u /* of a frame */

struct popcorn_tls {
    const void *image;
    uint64_t file_size;
    uint64_t mem_size;
    uint64_t align;
};

struct popcorn_symbol {
    const char *name;
    const void *address;    /* null: a thread-local variable */
    uint64_t size;          /* of a variable; a function has 0 */
    uint64_t thread_offset; /* of a thread-local variable, from the thread pointer */
};

/*
 * A portable frame record: where the frame stands and its live values, in the order of the site's slots.
 * Records of a thread lie one behind the other, outermost frame first; the last one is the landing, whose
 * single value is what the innermost call returns.
 */
struct frame_record {
    uint32_t site;
    uint32_t nvalues;
    uint64_t values[];
};

#endif /* __ASSEMBLER__ */

#endif
