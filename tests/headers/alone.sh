#!/bin/sh
# SPDX-License-Identifier: MIT
# alone.sh - compiles every public header alone, twice over, and a program that uses their macros.
#
# usage: alone.sh LANGUAGE STANDARD INCLUDE-DIRECTORY COMPILER...
set -u

here=$(cd "$(dirname "$0")" && pwd)
language=$1
standard=$2
include=$3
shift 3

compiles() {
    "$@" -x "$language" -std="$standard" -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$include" -
}

status=0
cd "$include" || exit 1
for header in *.h eddy/*.h eddy/ext/*.h; do
    if ! printf '#include <%s>\n#include <%s>\n' "$header" "$header" | compiles "$@"; then
        echo "$header does not compile alone as $standard"
        status=1
    fi
done
if ! compiles "$@" <"$here/usage.c"; then
    echo "the macros of the headers cannot be used as $standard"
    status=1
fi
exit $status
