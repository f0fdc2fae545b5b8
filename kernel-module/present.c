// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages of a program there are at all: its origin copies them for a child, which does not inherit the
 * mapping. Only the origin knows, as only the directory has every page that anybody has touched.
 */
#include <linux/mm.h>
#include "page.h"

/* May the page be something else than zeros? */
static bool present(const struct popcorn_page *page)
{
	return READ_ONCE(page->page) || READ_ONCE(page->owner) != POPCORN_NOBODY ||
	       test_bit(POPCORN_PAGE_LOST, &page->flags);
}

/**
 * popcorn_page_present() - find the first pages in a range that may not be zeros
 * @rc: the program, at its origin
 * @range: where to look; what has been found
 *
 * Pages that threads touch meanwhile may be missed.
 *
 * Return: 0 or -EINVAL.
 */
int popcorn_page_present(struct remote_context *rc, struct popcorn_range *range)
{
	u64 end = range->index + range->count, first = end, next = end;
	struct popcorn_page *page;
	unsigned long index;

	if (!range->count || end < range->index || end > rc->pages)
		return -EINVAL;
	xa_for_each_range(&rc->page_table, index, page, range->index, end - 1) {
		if (!present(page))
			continue;
		if (first == end)
			first = next = index;
		if (index != next)
			break;
		next++;
	}
	range->count = first == end ? 0 : next - first;
	range->index = first;
	return 0;
}
