# SPDX-License-Identifier: MIT
# For CMake projects: cmake -DCMAKE_TOOLCHAIN_FILE=…/build/lib/popcorn/popcorn.cmake
# The program runs on the machine that builds it, so this is no cross compilation.
get_filename_component(_popcorn ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(CMAKE_C_COMPILER ${_popcorn}/bin/popcorn-clang)
set(CMAKE_AR ${_popcorn}/bin/popcorn-ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${_popcorn}/bin/popcorn-ranlib CACHE FILEPATH "")
set(CMAKE_NM ${_popcorn}/bin/popcorn-nm CACHE FILEPATH "")
set(CMAKE_C_COMPILER_AR ${CMAKE_AR} CACHE FILEPATH "")
set(CMAKE_C_COMPILER_RANLIB ${CMAKE_RANLIB} CACHE FILEPATH "")
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/sysroot)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
set(BUILD_SHARED_LIBS OFF CACHE BOOL "a popcorn program is one static executable")
