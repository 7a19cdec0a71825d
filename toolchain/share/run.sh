#!/bin/sh
# SPDX-License-Identifier: MIT
# Run a program on this machine with the C library it was linked against.
set -eu
if [ $# -eq 0 ]; then
    echo "usage: ${0##*/} PROGRAM [ARGUMENT]..." >&2
    exit 64
fi
tree=$(x86_64-xsc-linux-gnu-gcc -print-sysroot)
# A static program needs no loader, and has none.
if [ -z "$tree" ] || ! x86_64-xsc-linux-gnu-readelf -lW "$1" | grep -q ' INTERP '; then
    exec "$@"
fi
exec "$tree/lib64/ld-linux-x86-64.so.2" \
    --library-path "${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$tree/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu" \
    "$@"
