/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>

#include "dynlink.h"

int dlclose(void *handle) {
    return __dl_invalid_handle(handle);
}
