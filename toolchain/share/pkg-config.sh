#!/bin/sh
# SPDX-License-Identifier: MIT
# pkg-config for the tree that x86_64-xsc-linux-gnu-gcc compiles against, and for nothing else.
set -eu
tree=$(x86_64-xsc-linux-gnu-gcc -print-sysroot)
if [ -n "$tree" ]; then
    libdir=
    for directory in usr/local/lib/x86_64-linux-gnu usr/local/lib usr/local/share \
        usr/lib/x86_64-linux-gnu usr/lib usr/share; do
        libdir=$libdir:$tree/$directory/pkgconfig
    done
    PKG_CONFIG_LIBDIR=${libdir#:}
    PKG_CONFIG_SYSROOT_DIR=$tree
    export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
fi
exec pkg-config "$@"
