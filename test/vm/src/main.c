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
 * vmtest answer                answers what `bench` asks over plain TCP
 * vmtest bench NID THERE HERE   measures against node NID at address THERE, itself being at HERE
 * vmtest crowd ADDRESS          connects to an agent very often, and says nothing; good if it turns most away
 * vmtest as UID PROGRAM...      runs a program as a user
 * vmtest fuzz COUNT             as node 9, so many messages, of which some are no honest peer's
 * vmtest liar SECONDS           as node 9, says anything about programs that go to it and that it sends
 * vmtest starve NID ADDR KIND   each allocation of the module fails (KIND is peer, origin or remote)
 * vmtest starve_load COMMAND    the same while COMMAND loads the module
 * vmtest travellers NID         has a program go to NID whenever the other machine says so
 * vmtest walk NID SECONDS       an ordinary user's processes ask the device for anything
 */
#include "vm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#define PORT 6100 /* and the id of the node that connects */

/*
 * In some jobs connections are kernel TLS, as agents', but with a key that everybody knows. False: who was at
 * the other end is gone.
 */
static bool encrypt(int socket) {
    static const struct tls12_crypto_info_aes_gcm_128 key = {
        .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};
    if (!getenv("ENCRYPTED"))
        return true;
    if (setsockopt(socket, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls")) {
        check(errno == ENOTCONN, "TCP_ULP");
        return false;
    }
    check(!setsockopt(socket, SOL_TLS, TLS_TX, &key, sizeof key), "TLS_TX");
    check(!setsockopt(socket, SOL_TLS, TLS_RX, &key, sizeof key), "TLS_RX");
    return true;
}

static void hand_in(unsigned nid, int socket) {
    struct popcorn_peer peer = {.fd = socket, .nid = nid};
    int fd = device_open();
    if (!encrypt(socket)) {
        close(socket);
        close(fd);
        return;
    }
    while (ioctl(fd, POPCORN_IOC_PEER_ADD, &peer)) {
        check(errno == EEXIST || errno == ENOMEM, "PEER_ADD");
        usleep(20000);
    }
    close(fd);
}

static void all(int fd, char *data, size_t length, bool out) {
    while (length) {
        ssize_t done = out ? write(fd, data, length) : read(fd, data, length);
        check(done > 0, "the bare connection");
        data += done;
        length -= (size_t)done;
    }
}

/* What the bare network can do, in the same run: 8 bytes there, `size` bytes back, `count` times. */
static const struct exchange {
    const char *name;
    size_t size;
    unsigned count;
} exchanges[] = {
    {"net_8_B_to_8_B_us", 8, 200}, {"net_8_B_to_4_KiB_us", 4096, 200}, {"net_4_MiB_us", 4 << 20, 4}};
static char bytes[4 << 20];

static void no_delay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void measure(int fd) {
    no_delay(fd);
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        uint64_t begin = now_ns();
        for (unsigned k = 0; k < exchanges[i].count; k++) {
            all(fd, bytes, 8, true);
            all(fd, bytes, exchanges[i].size, false);
        }
        printf("# figure %s %lu\n", exchanges[i].name,
               (unsigned long)((now_ns() - begin) / 1000 / exchanges[i].count));
    }
}

static void answer(int fd) {
    no_delay(fd);
    for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++)
        for (unsigned k = 0; k < exchanges[i].count; k++) {
            all(fd, bytes, 8, false);
            all(fd, bytes, exchanges[i].size, true);
        }
}

static int listen_main(unsigned nid, const char *stop) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(PORT + nid))};
    struct timeval second = {1, 0}, ever = {0, 0};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    bool measured = false;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    check(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 5), "listen");
    for (;;) {
        int client = accept(listener, NULL, NULL);
        bool go = !access(stop, F_OK);
        if (client < 0)
            continue;
        /* It has the listener's time limit, which a busy host may exceed. */
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &ever, sizeof ever);
        check(write(client, go ? "q" : measured ? "h" : "g", 1) == 1, "write");
        if (go)
            return 0;
        if (!measured)
            measure(client);
        measured = true;
        hand_in(nid, client);
    }
}

static int connect_main(unsigned nid, const char *where) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct popcorn_info info;
    char word;
    check(!ioctl(device_open(), POPCORN_IOC_INFO, &info), "INFO");
    address.sin_port = htons((uint16_t)(PORT + info.nid));
    inet_pton(AF_INET, where, &address.sin_addr);
    for (;; usleep(50000)) {
        int client;
        if (node_state(nid) != POPCORN_NODE_DOWN)
            continue;
        client = socket(AF_INET, SOCK_STREAM, 0);
        if (!connect(client, (struct sockaddr *)&address, sizeof address) && read(client, &word, 1) == 1) {
            if (word == 'q')
                return 0;
            if (word == 'g')
                answer(client);
            hand_in(nid, client);
            continue;
        }
        close(client);
    }
}

/* The agent keeps no more than 64 whom it does not know; those stay here for a while. */
static int crowd_main(const char *where) {
    enum { CROWD = 100, LEAST = 36 };
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct pollfd guests[CROWD];
    int gone = 0;
    inet_pton(AF_INET, where, &address.sin_addr);
    for (int i = 0; i < CROWD; i++) {
        guests[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
        check(!connect(guests[i].fd, (struct sockaddr *)&address, sizeof address), "connect");
    }
    for (uint64_t begin = now_ns(); gone < LEAST && now_ns() - begin < 5000000000 * patience();
         usleep(50000)) {
        poll(guests, CROWD, 0);
        gone = 0;
        for (int i = 0; i < CROWD; i++)
            gone += guests[i].revents != 0;
    }
    printf("# %d of %d were turned away\n", gone, CROWD);
    fflush(stdout);
    if (!fork()) {
        sleep(60);
        _exit(0);
    }
    return gone < LEAST;
}

static int node_main(uint32_t nid) {
    check(!ioctl(device_open(), POPCORN_IOC_NODE, &nid), "NODE");
    return 0;
}

int main(int argc, char **argv) {
    bool alone = argc == 2 && (!strcmp(argv[1], "agent") || !strcmp(argv[1], "answer"));
    const char *what = argc > 2 || alone ? argv[1] : "";
    unsigned nid = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(what, "node"))
        return node_main(nid);
    if (!strcmp(what, "listen") && argc == 4)
        return listen_main(nid, argv[3]);
    if (!strcmp(what, "connect") && argc == 4)
        return connect_main(nid, argv[3]);
    if (!strcmp(what, "crowd"))
        return crowd_main(argv[2]);
    if (!strcmp(what, "agent"))
        return agent_main();
    if (!strcmp(what, "answer"))
        return answer_main();
    if (!strcmp(what, "bench") && argc == 5)
        return bench_main(nid, argv[3], argv[4]);
    if (!strcmp(what, "remove")) {
        check(!ioctl(device_open(), POPCORN_IOC_PEER_REMOVE, &nid), "PEER_REMOVE");
        return 0;
    }
    if (!strcmp(what, "up") || !strcmp(what, "down")) {
        wait_node(nid, *what == 'u' ? POPCORN_NODE_UP : POPCORN_NODE_DOWN);
        return 0;
    }
    if (!strcmp(what, "fuzz"))
        return fuzz_main(nid);
    if (!strcmp(what, "liar"))
        return liar_main(nid);
    if (!strcmp(what, "starve") && argc == 5)
        return starve_main(nid, argv[3], argv[4]);
    if (!strcmp(what, "starve_load"))
        return starve_load_main(argv[2]);
    if (!strcmp(what, "travellers"))
        return travellers_main(nid);
    if (!strcmp(what, "walk") && argc == 4)
        return walk_main(nid, (unsigned)atoi(argv[3]));
    if (!strcmp(what, "tests"))
        return tests_main(argc - 2, argv + 2);
    if (!strcmp(what, "as") && argc > 3) {
        check(!setgid(nid) && !setuid(nid), "the user");
        execv(argv[3], argv + 3);
    }
    fprintf(stderr, "vmtest: unknown command\n");
    return 2;
}
