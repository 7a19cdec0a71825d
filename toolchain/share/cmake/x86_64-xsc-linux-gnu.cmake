# SPDX-License-Identifier: MIT
# cmake -DCMAKE_TOOLCHAIN_FILE=.../x86_64-xsc-linux-gnu.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_LIBRARY_ARCHITECTURE x86_64-linux-gnu)

set(CMAKE_C_COMPILER x86_64-xsc-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER x86_64-xsc-linux-gnu-g++)
set(CMAKE_ASM_COMPILER x86_64-xsc-linux-gnu-gcc)
set(PKG_CONFIG_EXECUTABLE x86_64-xsc-linux-gnu-pkg-config)
# Tests that cmake runs are run by the C library of the tree.
set(CMAKE_CROSSCOMPILING_EMULATOR x86_64-xsc-linux-gnu-run)

execute_process(COMMAND x86_64-xsc-linux-gnu-gcc -print-sysroot
                OUTPUT_VARIABLE xsc_sysroot OUTPUT_STRIP_TRAILING_WHITESPACE)
if(xsc_sysroot)
  set(CMAKE_SYSROOT ${xsc_sysroot})
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
endif()
