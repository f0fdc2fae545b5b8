/* SPDX-License-Identifier: MIT */
/* musl's malloc includes this by way of dynlink.h; a static program has no relocations to name. */
#define LDSO_ARCH "popcorn"
