/* SPDX-License-Identifier: MIT */
/* Programs that go to a node and back, step by step, and ask for all that they may, while the module lacks
 * memory. */
#ifndef TRAVEL_H
#define TRAVEL_H

#include "vm.h"

#define TRAVEL_PORT 6300

enum outcome { RIGHT, WRONG, REFUSED, OUTCOMES };

enum { TRAVEL_STEPS = 5 };

/* Is the step made by a program of its own each time? */
bool travel_anew(unsigned step);

/* What is asked of the machine where the programs are at home. */
struct order {
    uint8_t what, step;
};
enum {
    GET_READY,    /* have a program that can make the step, which is not for one of its own */
    MAKE_STEP,    /* make it */
    END_TRAVELLER /* end the program */
};
enum outcome travel_obey(unsigned nid, struct order);

#endif
