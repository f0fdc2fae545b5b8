/* SPDX-License-Identifier: MIT */
/*
 * vmtest node NID               gives the module its node id
 * vmtest listen NID FILE        accepts node NID again and again, until FILE exists; then tells it to go
 * vmtest connect NID ADDRESS    connects to node NID again and again, until it is told to go
 * vmtest agent                  the node's agent
 * vmtest remove NID             disconnects node NID
 * vmtest up NID                 waits until node NID is up
 * vmtest down NID               waits until node NID is down
 * vmtest tests NID NAME...      runs tests against node NID
 */
#include "vm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 6100

static int device(void) {
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    check(fd >= 0, DEVICE);
    return fd;
}

static void hand_in(unsigned nid, int socket) {
    struct popcorn_peer peer = {.fd = socket, .nid = nid};
    int fd = device();
    while (ioctl(fd, POPCORN_IOC_PEER_ADD, &peer)) {
        check(errno == EEXIST, "PEER_ADD");
        usleep(20000);
    }
    close(fd);
}

static int listen_main(unsigned nid, const char *stop) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct timeval second = {1, 0};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    check(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 5), "listen");
    for (;;) {
        bool go = !access(stop, F_OK);
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        check(write(client, go ? "q" : "g", 1) == 1, "write");
        if (go)
            return 0;
        hand_in(nid, client);
        close(client);
    }
}

static int connect_main(unsigned nid, const char *where) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    char word;
    inet_pton(AF_INET, where, &address.sin_addr);
    for (;; usleep(50000)) {
        int client;
        if (node_state(nid) != POPCORN_NODE_DOWN)
            continue;
        client = socket(AF_INET, SOCK_STREAM, 0);
        if (!connect(client, (struct sockaddr *)&address, sizeof address) && read(client, &word, 1) == 1) {
            if (word == 'q')
                return 0;
            hand_in(nid, client);
        }
        close(client);
    }
}

static int node_main(uint32_t nid) {
    check(!ioctl(device(), POPCORN_IOC_NODE, &nid), "NODE");
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 2 || (argc == 2 && !strcmp(argv[1], "agent")) ? argv[1] : "";
    unsigned nid = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(what, "node"))
        return node_main(nid);
    if (!strcmp(what, "listen") && argc == 4)
        return listen_main(nid, argv[3]);
    if (!strcmp(what, "connect") && argc == 4)
        return connect_main(nid, argv[3]);
    if (!strcmp(what, "agent"))
        return agent_main();
    if (!strcmp(what, "remove")) {
        check(!ioctl(device(), POPCORN_IOC_PEER_REMOVE, &nid), "PEER_REMOVE");
        return 0;
    }
    if (!strcmp(what, "up") || !strcmp(what, "down")) {
        wait_node(nid, *what == 'u' ? POPCORN_NODE_UP : POPCORN_NODE_DOWN);
        return 0;
    }
    if (!strcmp(what, "tests"))
        return tests_main(argc - 2, argv + 2);
    fprintf(stderr, "vmtest: unknown command\n");
    return 2;
}
