/* SPDX-License-Identifier: GPL-2.0-only */
/* The directory: at a program's origin, who has which page. */
#ifndef _POPCORN_DIRECTORY_H
#define _POPCORN_DIRECTORY_H

#include "window.h"

int popcorn_directory_home(struct popcorn_window *window);
void popcorn_directory_home_later(struct popcorn_window *window);

#endif
