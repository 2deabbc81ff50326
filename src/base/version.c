/* SPDX-License-Identifier: MIT
 * version.c - the version of the library that runs. */
#include <eddy/base.h>

const char *eddy_version(void) {
    return EDDY_STRING(EDDY_VERSION_MAJOR) "." EDDY_STRING(EDDY_VERSION_MINOR) "." EDDY_STRING(
        EDDY_VERSION_PATCH);
}
