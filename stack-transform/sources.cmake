# SPDX-License-Identifier: MIT
# Native code, compiled for each ISA into libpopcorn-rt.a and once more for the unit tests.
set(POPCORN_STACK_SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/sites.c
    ${CMAKE_CURRENT_LIST_DIR}/walk.c
    ${CMAKE_CURRENT_LIST_DIR}/chain.c
    ${CMAKE_CURRENT_LIST_DIR}/rebuild.c
    ${CMAKE_CURRENT_LIST_DIR}/jump.c
    ${CMAKE_CURRENT_LIST_DIR}/context.c)
set(POPCORN_STACK_INCLUDES ${CMAKE_CURRENT_LIST_DIR}/include)
