/* SPDX-License-Identifier: MIT */
/*
 * malloc and its kin by mimalloc (Debian's source package, read from include path `mimalloc`, with the
 * changes of mimalloc.patch). This file is what mimalloc stands on: memory from the system, no options, no
 * statistics, threads that end, fork; and the names that a program calls.
 *
 * All of it is in portable memory and bitcode of the common ABI, so a block can be allocated by one ISA's
 * code and freed by another's; heaps belong to threads, wherever they run. What threads of several processes
 * do to each other's pages are atomic operations of eight bytes, which mean the same to every ISA. No
 * function has a migration point, so no thread hops while it holds anything here.
 */
#define _GNU_SOURCE
#define NDEBUG 1
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

// clang-format off
#include "mimalloc.h"
#include "mimalloc-internal.h"
#include "src/bitmap.c"
#include "src/segment-cache.c"
#include "src/segment.c"
#include "src/page.c"
#include "src/heap.c"
#include "src/alloc.c"
#include "src/alloc-aligned.c"
#include "src/init.c"
// clang-format on

#include "fork_impl.h"
#include "libc.h"
#include "syscall.h"

/* Memory from the system. */

static void *map(void *hint, size_t size) {
    long r = __syscall(SYS_mmap, hint, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return r < 0 && r > -4096 ? NULL : (void *)r;
}

static void unmap(void *address, size_t size) {
    if (size)
        __syscall(SYS_munmap, address, size);
}

/* Where an aligned block may well be: behind the last one. */
static _Atomic(uintptr_t) next_hint;

static void *map_aligned(size_t size, size_t alignment) {
    uintptr_t hint = _mi_align_up(mi_atomic_load_relaxed(&next_hint), alignment);
    char *p = map((void *)hint, size);
    if (p && !_mi_is_aligned(p, alignment)) {
        unmap(p, size);
        p = size + alignment < size ? NULL : map(NULL, size + alignment);
        if (!p)
            return NULL;
        char *start = (char *)_mi_align_up((uintptr_t)p, alignment);
        unmap(p, start - p);
        unmap(start + size, p + alignment - start);
        p = start;
    }
    if (p)
        mi_atomic_store_relaxed(&next_hint, (uintptr_t)p + size);
    return p;
}

size_t _mi_os_page_size(void) {
    return PAGE_SIZE;
}

size_t _mi_os_good_alloc_size(size_t size) {
    size_t step = size < 512 * MI_KiB ? PAGE_SIZE : size < 8 * MI_MiB ? 64 * MI_KiB : 1 * MI_MiB;
    return size >= SIZE_MAX - step ? size : _mi_align_up(size, step);
}

void *_mi_os_alloc(size_t size, mi_stats_t *stats) {
    return map(NULL, _mi_os_good_alloc_size(size));
}

void _mi_os_free(void *p, size_t size, mi_stats_t *stats) {
    unmap(p, _mi_os_good_alloc_size(size));
}

/* All memory is mapped for use from the start, and takes pages when it is touched. */
bool _mi_os_commit(void *p, size_t size, bool *is_zero, mi_stats_t *stats) {
    *is_zero = false;
    return true;
}

bool _mi_os_decommit(void *p, size_t size, mi_stats_t *stats) {
    char *start = (char *)_mi_align_up((uintptr_t)p, PAGE_SIZE);
    char *end = (char *)_mi_align_down((uintptr_t)p + size, PAGE_SIZE);
    return start >= end || __syscall(SYS_madvise, start, end - start, MADV_DONTNEED) == 0;
}

bool _mi_os_reset(void *p, size_t size, mi_stats_t *stats) {
    return _mi_os_decommit(p, size, stats);
}

/* A block such that the place `offset` bytes behind its start is aligned. What lies before it is wasted. */
void *_mi_arena_alloc_aligned(size_t size, size_t alignment, size_t offset, bool *commit, bool *large,
                              bool *is_pinned, bool *is_zero, mi_arena_id_t arena, size_t *id,
                              mi_os_tld_t *tld) {
    *commit = true;
    *large = false;
    *is_pinned = false;
    *is_zero = true;
    *id = 0;
    size = _mi_os_good_alloc_size(size);
    size_t before = _mi_align_up(offset, alignment) - offset;
    char *p = size + before < size ? NULL : map_aligned(size + before, alignment);
    if (!p)
        return NULL;
    unmap(p, before);
    return p + before;
}

void _mi_arena_free(void *p, size_t size, size_t alignment, size_t offset, size_t id, bool committed,
                    mi_stats_t *stats) {
    unmap(p, _mi_os_good_alloc_size(size));
}

mi_arena_id_t _mi_arena_id_none(void) {
    return 0;
}

bool _mi_arena_memid_is_suitable(size_t id, mi_arena_id_t arena) {
    return true;
}

_Atomic(size_t) _mi_numa_node_count = 1;

int _mi_os_numa_node_get(mi_os_tld_t *tld) {
    return 0;
}

size_t _mi_os_numa_node_count_get(void) {
    return 1;
}

void _mi_os_init(void) {}

/* Options: mimalloc's defaults. */

long mi_option_get(mi_option_t option) {
    switch (option) {
    case mi_option_eager_commit:
    case mi_option_allow_decommit:
        return 1;
    case mi_option_decommit_delay: /* milliseconds */
        return 25;
    case mi_option_decommit_extend_delay:
        return 2;
    case mi_option_segment_decommit_delay:
        return 300;
    case mi_option_max_segment_reclaim:
        return 8;
    default:
        return 0;
    }
}

long mi_option_get_clamp(mi_option_t option, long least, long most) {
    long value = mi_option_get(option);
    return value < least ? least : value > most ? most : value;
}

bool mi_option_is_enabled(mi_option_t option) {
    return mi_option_get(option) != 0;
}

/* Where a free list begins need not be a secret: mimalloc uses these numbers only if it is built to be
 * secure. */

void _mi_random_init(mi_random_ctx_t *random) {}

void _mi_random_split(mi_random_ctx_t *random, mi_random_ctx_t *other) {}

uintptr_t _mi_random_next(mi_random_ctx_t *random) {
    return _mi_random_shuffle((uintptr_t)random);
}

mi_msecs_t _mi_clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * mimalloc calls this when an allocation is not the simplest. Freed memory that nobody wanted again for a
 * while goes back to the system, also if this thread's frees themselves no longer come to where mimalloc
 * would look for it.
 */
void _mi_deferred_free(mi_heap_t *heap, bool force) {
    enum { CALLS = 32, MILLISECONDS = 50 };
    static _Thread_local mi_msecs_t last;
    mi_segments_tld_t *own = &heap->tld->segments;
    if (heap->tld->heartbeat++ % CALLS)
        return;
    mi_msecs_t now = _mi_clock_now();
    if (now - last < MILLISECONDS)
        return;
    last = now;
    _mi_heap_collect_retired(heap, true);
    for (size_t bin = 0; bin <= MI_SEGMENT_BIN_MAX; bin++)
        for (mi_slice_t *slice = own->spans[bin].first; slice; slice = slice->next)
            mi_segment_delayed_decommit(_mi_ptr_segment(slice), false, own->stats);
    _mi_segment_cache_collect(false, &heap->tld->os);
}

/* There are no statistics and nobody is told anything, but errno. */

void _mi_stat_increase(mi_stat_count_t *stat, size_t amount) {}

void _mi_stat_decrease(mi_stat_count_t *stat, size_t amount) {}

void _mi_stat_counter_increase(mi_stat_counter_t *stat, size_t amount) {}

void _mi_stats_done(mi_stats_t *stats) {}

void mi_stats_reset(void) {}

void _mi_error_message(int error, const char *format, ...) {
    errno = ENOMEM;
}

void _mi_warning_message(const char *format, ...) {}

void _mi_verbose_message(const char *format, ...) {}

/*
 * Threads. The first one's heap must be known as such before there is a second one. A thread that ends leaves
 * its pages with live blocks to the others; called when the destructors of its keys have run, as they may
 * allocate and free. Only who makes threads calls either (src/thread/pthread_create.c): so a program that
 * allocates nothing has no allocator.
 */

void __popcorn_heap_share(void) {
    mi_process_init();
}

void __popcorn_heap_leave(void) {
    mi_thread_done();
}

/*
 * fork: what other threads were doing to this thread's pages, and to the list of pages that ended threads
 * have left, will not be finished in the child. So nobody is to wait for it: only its own reading of that
 * list counts.
 */
void __malloc_atfork(int who) {
    mi_heap_t *heap = mi_get_default_heap();
    if (who <= 0)
        return;
    mi_atomic_store_release(&abandoned_readers, reads_abandoned);
    if (!mi_heap_is_initialized(heap))
        return;
    for (size_t i = 0; i <= MI_BIN_FULL; i++)
        for (mi_page_t *page = heap->pages[i].first; page; page = page->next)
            if (mi_page_thread_free_flag(page) == MI_DELAYED_FREEING)
                mi_atomic_store_release(&page->xthread_free,
                                        mi_tf_make(mi_page_thread_free(page), MI_USE_DELAYED_FREE));
}

/*
 * What a program calls. Libc's own calls of these names with __libc_ in front stay here if a program brings
 * its own malloc.
 */

void *__libc_malloc(size_t size) {
    return mi_malloc(size);
}

void __libc_free(void *p) {
    mi_free(p);
}

/*
 * Large blocks that grow will grow again: half as much more than was asked for, so what is copied altogether stays in
 * proportion to the size. What the program does not touch of it costs addresses only.
 */
void *__libc_realloc(void *p, size_t size) {
    enum { LARGE = 16384 };
    size_t usable = mi_usable_size(p);
    if (usable >= LARGE && size > usable && size < PTRDIFF_MAX / 2) {
        int before = errno;
        void *grown = mi_realloc(p, size + size / 2);
        if (grown)
            return grown;
        errno = before;
    }
    return mi_realloc(p, size);
}

void *__libc_calloc(size_t count, size_t size) {
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        return mi_zalloc(bytes);
    errno = ENOMEM;
    return NULL;
}

static size_t usable_size(void *p) {
    return mi_usable_size(p);
}

/* As in musl: with a malloc of the program's and no calloc or aligned_alloc, the one uses it, the other
 * cannot. */
static bool malloc_is_replaced(void) {
    return malloc != __libc_malloc;
}

static void *default_calloc(size_t count, size_t size) {
    size_t bytes;
    if (!malloc_is_replaced())
        return __libc_calloc(count, size);
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

static void *default_aligned_alloc(size_t alignment, size_t size) {
    if (!alignment || alignment & (alignment - 1)) {
        errno = EINVAL;
        return NULL;
    }
    if (malloc_is_replaced() || alignment > MI_ALIGNMENT_MAX * 64 || size > PTRDIFF_MAX - alignment) {
        errno = ENOMEM;
        return NULL;
    }
    return mi_malloc_aligned(size, alignment);
}

weak_alias(__libc_malloc, malloc);
weak_alias(__libc_free, free);
weak_alias(__libc_realloc, realloc);
weak_alias(default_calloc, calloc);
weak_alias(default_aligned_alloc, aligned_alloc);
weak_alias(usable_size, malloc_usable_size);
