/* SPDX-License-Identifier: MIT */
/*
 * popcorn agent: this machine's part in moving programs between machines. Connects the kernel module with
 * those of the other machines of /etc/popcorn/nodes (the one with the higher number connects), and makes
 * processes for programs that come.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <uapi/popcorn.h>
#include <unistd.h>

#include "agent/guests.h"
#include "agent/images.h"
#include "agent/launch.h"
#include "agent/link.h"
#include "agent/nodes.h"
#include "agent/tls.h"
#include "popcorn.h"

#define DEVICE "/dev/popcorn"
#define PAUSE 1 /* seconds between looks at a machine that is not connected */

static struct { const char *file, *name; } option = {NODES_FILE, NULL};

static struct machines machines;
static int device;

static const struct argp_option options[] = {
    {"nodes", 'n', "FILE", 0, "The file of machines (" NODES_FILE ")", 0},
    {"name", 'N', "NAME", 0, "This machine's name in it (the host name)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)state;
    switch (key) {
    case 'n':
        option.file = argument;
        return 0;
    case 'N':
        option.name = argument;
        return 0;
    case ARGP_KEY_ARG:
        die("agent takes no arguments: \"%s\"", argument);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "",
    "Connects this machine with the others of the file, and runs their programs' threads here. Needs root "
    "and "
    "the module popcorn.\vEnds at SIGTERM: then this machine is disconnected, and programs with threads on "
    "the other side end.",
    NULL,
    NULL,
    NULL};

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    /* A program's name is its user's choice. */
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    fprintf(stderr, "popcorn: agent: %s\n", line);
}

/* The module takes the socket over, or it is closed. */
static bool hand_in(int nid, int socket) {
    struct popcorn_peer peer = {.fd = socket, .nid = (uint32_t)nid};
    bool good = ioctl(device, POPCORN_IOC_PEER_ADD, &peer) == 0;
    int number = errno;
    if (!good)
        close(socket);
    if (good)
        note("%s is connected%s", machines.machine[nid].name,
             machines.machine[nid].key[0] ? "" : ", without encryption");
    else if (number != EEXIST)
        note("%s: the module refuses the connection: %s", machines.machine[nid].name, strerror(number));
    return good;
}

static bool is_down(int nid) {
    struct popcorn_node_info info = {.nid = (uint32_t)nid};
    return ioctl(device, POPCORN_IOC_NODE_INFO, &info) == 0 && info.state == POPCORN_NODE_DOWN;
}

/* Connects to one machine whenever it is not connected; says once why it cannot. */
static void *keep_connected(void *argument) {
    int nid = (int)(intptr_t)argument;
    char error[256], last[256] = "";
    for (;; sleep(PAUSE)) {
        if (!is_down(nid))
            continue;
        int socket = link_connect(&machines, nid, (struct link_hello){.purpose = LINK_PEER}, error);
        if (socket >= 0)
            last[0] = 0;
        else if (strcmp(error, last) != 0)
            note("%s", strcpy(last, error));
        if (socket >= 0)
            hand_in(nid, socket);
    }
    return NULL;
}

/* Anybody can try: one line a second says enough. */
static void note_refusal(const char *error) {
    static _Atomic time_t last;
    time_t now = time(NULL);
    if (atomic_exchange(&last, now) != now)
        note("%s", error);
}

static void *answer(void *argument) {
    int socket = (int)(intptr_t)argument;
    const struct link_answer yes = {0};
    struct link_hello hello;
    char error[256];
    int nid = link_accept(&machines, socket, &hello, error);
    guests_leave(socket);
    if (nid < 0)
        note_refusal(error);
    if (nid >= 0 && link_write(socket, &yes, sizeof yes) == 0) {
        if (hello.purpose == LINK_PEER) {
            hand_in(nid, socket);
            return NULL;
        }
        images_serve(socket, &hello);
    }
    close(socket);
    return NULL;
}

static bool start_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument))
        return false;
    pthread_detach(thread);
    return true;
}

static void accept_one(int listener) {
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) {
        if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
            sleep(PAUSE);
        return;
    }
    guests_enter(socket);
    if (start_thread(answer, (void *)(intptr_t)socket))
        return;
    guests_leave(socket);
    close(socket);
}

static void *accept_all(void *argument) {
    struct pollfd listener = {.fd = (int)(intptr_t)argument, .events = POLLIN};
    for (;;) {
        if (poll(&listener, 1, PAUSE * 1000) > 0)
            accept_one(listener.fd);
        guests_watch();
    }
    return NULL;
}

static void refuse(const struct popcorn_clone_request *request, int error, const char *why) {
    struct popcorn_refuse refuse = {.cookie = request->cookie, .error = (uint32_t)error};
    note("%.16s (pid %u of node %u) is refused: %s", request->comm, request->tgid, request->nid, why);
    ioctl(device, POPCORN_IOC_REFUSE, &refuse);
}

/* A program wants to come here. */
static void *clone_request(void *argument) {
    struct popcorn_clone_request *request = argument;
    char error[256];
    int image = images_get(&machines, request, error);
    int r = image < 0 ? errno : launch(request, machines.self, image, error);
    if (image >= 0)
        close(image);
    if (r)
        refuse(request, r, error);
    free(request);
    return NULL;
}

static void *take_requests(void *argument) {
    (void)argument;
    for (;;) {
        struct popcorn_clone_request *request = malloc(sizeof *request);
        if (!request)
            die("agent: out of memory");
        ssize_t n = read(device, request, sizeof *request);
        if (n == sizeof *request && start_thread(clone_request, request))
            continue;
        if (n == sizeof *request)
            refuse(request, EAGAIN, "no memory for a thread");
        else if (n >= 0 || errno != EINTR)
            die("agent: the module has no requests: %s", strerror(errno));
        free(request);
    }
    return NULL;
}

static void name_machines(void) {
    for (uint32_t nid = 0; nid < NODES_MAX; nid++) {
        struct popcorn_node_name name = {.nid = nid};
        snprintf(name.name, sizeof name.name, "%s", machines.known[nid] ? machines.machine[nid].name : "");
        if (ioctl(device, POPCORN_IOC_NAME, &name))
            die("agent: the module does not take the machines' names: %s", strerror(errno));
    }
}

static void begin(void) {
    char error[256];
    if (!machines_read(&machines, option.file, option.name, error))
        die("agent: %s", error);
    if (machines.self < 0)
        die("agent: %s has no line for this machine; --name says which is its own", option.file);
    for (int nid = 0; nid < NODES_MAX; nid++)
        if (machines.known[nid] && nid != machines.self && machines.machine[nid].key[0] &&
            !tls_check_key(&machines, nid, error))
            die("agent: %s", error);
    device = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (device < 0)
        die("agent: " DEVICE ": %s", errno == ENOENT ? "the module is not loaded" : strerror(errno));
    uint32_t self = (uint32_t)machines.self;
    if (ioctl(device, POPCORN_IOC_NODE, &self))
        die("agent: %s", errno == EBUSY ? "the module was loaded with another number" : strerror(errno));
    if (ioctl(device, POPCORN_IOC_AGENT))
        die("agent: %s", errno == EBUSY ? "there is one running" : strerror(errno));
    name_machines();
}

static void disconnect(void) {
    for (uint32_t nid = 0; nid < NODES_MAX; nid++)
        if (machines.known[nid])
            ioctl(device, POPCORN_IOC_PEER_REMOVE, &nid);
}

int command_agent(int argc, char **argv) {
    char error[256];
    sigset_t ends;
    int sig;
    argp_parse(&parser, argc, argv, 0, NULL, NULL);
    begin();
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    int listener = link_listen(&machines, error);
    if (listener < 0)
        die("agent: %s", error);
    bool good = start_thread(accept_all, (void *)(intptr_t)listener) && start_thread(take_requests, NULL);
    for (int nid = 0; nid < machines.self; nid++)
        if (machines.known[nid])
            good = good && start_thread(keep_connected, (void *)(intptr_t)nid);
    if (!good)
        die("agent: no memory for a thread");
    sigwait(&ends, &sig);
    disconnect();
    return 0;
}
