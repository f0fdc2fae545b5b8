/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/critical.h"

static const struct critical_sections *sections;

void critical_counted_by(const struct critical_sections *by) {
    sections = by;
}

void critical_enter(void) {
    if (sections)
        sections->enter();
}

void critical_leave(void) {
    if (sections)
        sections->leave();
}
