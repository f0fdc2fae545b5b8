/* SPDX-License-Identifier: MIT */
/* Standard input, output and error of a program that was moved here. Those that were one file are one here
 * too. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "move/receiver.h"
#include "move/terminal.h"
#include "popcorn.h"

int receiver_duplicate(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        die("no descriptor: %s", strerror(errno));
    return copy;
}

static void make_terminal(struct receiver *receiver, unsigned i) {
    if (openpty(&receiver->master[i], &receiver->standard[i], NULL, NULL, NULL) < 0)
        die("no terminal: %s", strerror(errno));
    fcntl(receiver->master[i], F_SETFD, FD_CLOEXEC);
    fcntl(receiver->standard[i], F_SETFD, FD_CLOEXEC);
    fcntl(receiver->master[i], F_SETFL, O_RDWR | O_NONBLOCK);
    terminal_set(receiver->standard[i], &receiver->offer.terminal);
    terminal_set_window(receiver->master[i], &receiver->offer.terminal.window);
    if (receiver->terminal < 0)
        receiver->terminal = (int)i;
}

/* Both directions in one, as the two ends of it are used by whoever has them. */
static void make_pair(struct receiver *receiver, unsigned i) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("no socket: %s", strerror(errno));
    fcntl(pair[1], F_SETFL, O_RDWR | O_NONBLOCK);
    receiver->standard[i] = pair[0];
    receiver->master[i] = pair[1];
}

static void make_pipe(struct receiver *receiver, unsigned i) {
    int end[2];
    if (pipe2(end, O_CLOEXEC) < 0)
        die("no pipe: %s", strerror(errno));
    receiver->standard[i] = end[i != 0];
    receiver->master[i] = end[i == 0];
    fcntl(receiver->master[i], F_SETFL, O_NONBLOCK);
}

static bool is_shared(const struct move_offer *offer, unsigned i) {
    for (unsigned other = i + 1; other < MOVE_FLOWS; other++)
        if (offer->standard[other].same == i)
            return true;
    return false;
}

void receiver_make_standard(struct receiver *receiver) {
    const struct move_offer *offer = &receiver->offer;
    for (unsigned i = 0; i < MOVE_FLOWS; i++) {
        unsigned same = offer->standard[i].same;
        receiver->master[i] = -1;
        if (same < i)
            receiver->standard[i] = receiver->standard[same];
        else if (offer->standard[i].kind == MOVE_TERMINAL)
            make_terminal(receiver, i);
        else if (offer->standard[i].kind == MOVE_NOTHING)
            receiver->standard[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        else if (i == 0 && is_shared(offer, 0))
            make_pair(receiver, i);
        else
            make_pipe(receiver, i);
        if (receiver->standard[i] < 0)
            die("/dev/null: %s", strerror(errno));
    }
}

/* What the program writes to one file comes back as the flow of the first of output and error that is it. */
void receiver_make_flows(struct receiver *receiver) {
    const struct move_offer *offer = &receiver->offer;
    for (unsigned i = 0; i < MOVE_FLOWS; i++) {
        unsigned same = offer->standard[i].same;
        bool relayed = offer->standard[i].kind != MOVE_NOTHING &&
                       !(i == 2 && offer->standard[1].same == same) && receiver->master[same] >= 0;
        wire_flow(&receiver->wire, i, i > 0, relayed ? receiver_duplicate(receiver->master[same]) : -1);
        receiver->wire.flow[i].shuts = true;
    }
    for (unsigned i = 0; i < MOVE_FLOWS; i++)
        if (receiver->master[i] >= 0 && offer->standard[i].kind != MOVE_TERMINAL)
            close(receiver->master[i]);
}
