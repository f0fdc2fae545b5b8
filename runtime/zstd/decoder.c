/* SPDX-License-Identifier: MIT */
/*
 * zstd's decoder, out of Debian's source package, as one piece: the build leaves in it what base/unpack.c
 * needs. deps.h, included before everything, stands in for the C library that there is none of.
 */
#include "common/entropy_common.c"
#include "common/error_private.c"
#include "common/fse_decompress.c"
#include "common/zstd_common.c"
#include "decompress/huf_decompress.c"
#include "decompress/zstd_ddict.c"
#include "decompress/zstd_decompress.c"
#include "decompress/zstd_decompress_block.c"
