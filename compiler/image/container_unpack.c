/* SPDX-License-Identifier: MIT */
#include "container_unpack.h"

#include <zstd.h>

/* Sizes are checked before anything is reserved: a manifest may be made to say anything. */
static bool unpack(const struct popcorn_manifest_image *image, const struct buffer *packed,
                   struct buffer *out) {
    if (ZSTD_getFrameContentSize(packed->bytes, packed->size) != image->size)
        return false;
    size_t before = out->size;
    buffer_put(out, NULL, image->size);
    if (ZSTD_decompress(out->bytes + before, image->size, packed->bytes, packed->size) == image->size)
        return true;
    out->size = before;
    return false;
}

bool container_unpack(const struct popcorn_container *c, unsigned index, struct buffer *out,
                      struct popcorn_error *error) {
    const struct popcorn_manifest_image *image = &c->manifest.image[index];
    struct buffer packed = {0};
    bool good = popcorn_container_check(c, index);
    if (good) {
        buffer_put(&packed, NULL, image->stored);
        good = popcorn_container_read(c, index, packed.bytes) && unpack(image, &packed, out);
        buffer_free(&packed);
    }
    return good || popcorn_fail(error, "its %s image was cut or changed after it was linked", image->isa);
}
