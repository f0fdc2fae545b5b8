# SPDX-License-Identifier: MIT
# Native code, compiled for each ISA into libpopcorn-rt.a and once more for the unit tests.
set(POPCORN_MIGRATION_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/nodes.c
    ${CMAKE_CURRENT_LIST_DIR}/rules.c
    ${CMAKE_CURRENT_LIST_DIR}/triggers.c
    ${CMAKE_CURRENT_LIST_DIR}/statistics.c
    ${CMAKE_CURRENT_LIST_DIR}/migration.c)
set(POPCORN_MIGRATION_INCLUDES ${CMAKE_CURRENT_LIST_DIR}/include)
# The module's side, compiled to bitcode like libc: sysroot/lib/libmigrate.a.
set(POPCORN_MIGRATION_MODULE_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/module/checkpoint.c
    ${CMAKE_CURRENT_LIST_DIR}/module/flag.c
    ${CMAKE_CURRENT_LIST_DIR}/module/migrate.c
    ${CMAKE_CURRENT_LIST_DIR}/module/nodes.c
    ${CMAKE_CURRENT_LIST_DIR}/module/schedule.c)
# Installed into sysroot/include/popcorn/.
set(POPCORN_MIGRATION_PUBLIC_HEADERS ${CMAKE_CURRENT_LIST_DIR}/include/popcorn/migrate.h)
