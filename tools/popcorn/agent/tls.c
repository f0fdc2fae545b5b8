/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL makes the handshake: TLS 1.3, authenticated on both sides by a key that they share, with fresh keys
 * for each connection. Of those it tells the secrets; the kernel gets what RFC 8446, section 7.3, derives
 * from them, and from then on encrypts and checks by itself. (OpenSSL 3.0 does not do that for TLS 1.3's
 * receiving side.)
 */
#include "agent/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "popcorn/sha256.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

#define CIPHER "TLS_AES_128_GCM_SHA256"
#define SHORTEST 32 /* bytes of a key file */
#define KEY_BYTES 16
#define IV_BYTES 12

struct secret {
    bool known;
    unsigned char byte[SHA256_BYTES];
};

struct handshake {
    struct tls_side *side;
    struct secret client, server; /* traffic secrets of either side */
};

static bool wrong(struct tls_side *side, const char *what, const char *why) {
    snprintf(side->error, sizeof side->error, "%.180s: %.60s", what, why);
    return false;
}

/* The key that we share with a machine: the hash of its file, which nobody but root may read. */
static bool read_key(struct tls_side *side, int nid, unsigned char key[SHA256_BYTES]) {
    const char *path = side->machines->machine[nid].key;
    unsigned char text[4096];
    struct sha256 hash;
    struct stat s;
    if (!path[0])
        return wrong(side, side->machines->machine[nid].name, "there is no key for it");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return wrong(side, path, strerror(errno));
    bool safe = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == 0 && !(s.st_mode & 077);
    ssize_t n = safe ? read(fd, text, sizeof text) : 0;
    close(fd);
    if (!safe)
        return wrong(side, path, "others than root can read it: chown root, chmod 600");
    if (n < SHORTEST)
        return wrong(side, path, "a key has 32 bytes at least");
    sha256_begin(&hash);
    sha256_add(&hash, text, (size_t)n);
    sha256_end(&hash, key);
    OPENSSL_cleanse(text, sizeof text);
    return true;
}

static struct handshake *handshake_of(const SSL *ssl) {
    return SSL_get_app_data(ssl);
}

/* The side that connects gives its number as the key's name. */
static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned most, unsigned char *key,
                           unsigned key_most) {
    struct tls_side *side = handshake_of(ssl)->side;
    (void)hint;
    if (key_most < SHA256_BYTES || !read_key(side, side->other, key))
        return 0;
    snprintf(identity, most, "%d", side->machines->self);
    return SHA256_BYTES;
}

static unsigned server_key(SSL *ssl, const char *identity, unsigned char *key, unsigned key_most) {
    struct tls_side *side = handshake_of(ssl)->side;
    char *end;
    long nid = strtol(identity, &end, 10);
    if (end == identity || *end || nid < 0 || nid >= NODES_MAX || !side->machines->known[nid] ||
        nid == side->machines->self || key_most < SHA256_BYTES || !read_key(side, (int)nid, key))
        return 0;
    side->other = (int)nid;
    return SHA256_BYTES;
}

static void take_secret(struct secret *secret, const char *line, const char *label) {
    size_t n = strlen(label);
    if (strncmp(line, label, n) != 0 || line[n] != ' ')
        return;
    const char *hex = strrchr(line, ' ') + 1;
    secret->known = strlen(hex) == 2 * sizeof secret->byte;
    for (size_t i = 0; secret->known && i < sizeof secret->byte; i++) {
        unsigned byte;
        secret->known = sscanf(hex + 2 * i, "%2x", &byte) == 1;
        secret->byte[i] = (unsigned char)byte;
    }
}

static void take_line(const SSL *ssl, const char *line) {
    struct handshake *h = handshake_of(ssl);
    take_secret(&h->client, line, "CLIENT_TRAFFIC_SECRET_0");
    take_secret(&h->server, line, "SERVER_TRAFFIC_SECRET_0");
}

static SSL_CTX *make_context(bool connects) {
    SSL_CTX *context = SSL_CTX_new(connects ? TLS_client_method() : TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, CIPHER);
    SSL_CTX_set_num_tickets(context,
                            0); /* nothing comes behind the handshake that only OpenSSL understands */
    if (connects)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL); /* no certificate is good enough */
    SSL_CTX_set_psk_client_callback(context, client_key);
    SSL_CTX_set_psk_server_callback(context, server_key);
    SSL_CTX_set_keylog_callback(context, take_line);
    return context;
}

/* HKDF-Expand-Label of RFC 8446, without a context, for no more than one block. */
static void expand(const struct secret *secret, const char *label, unsigned char *out, unsigned char size) {
    unsigned char info[64], block[SHA256_BYTES];
    size_t n = strlen(label), at = 0;
    info[at++] = 0;
    info[at++] = size;
    info[at++] = (unsigned char)(6 + n);
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, n);
    at += 6 + n;
    info[at++] = 0;
    info[at++] = 1; /* number of the block */
    HMAC(EVP_sha256(), secret->byte, sizeof secret->byte, info, at, block, NULL);
    memcpy(out, block, size);
    OPENSSL_cleanse(block, sizeof block);
}

static bool give_kernel(int socket, int direction, const struct secret *secret) {
    struct tls12_crypto_info_aes_gcm_128 info = {
        .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};
    unsigned char iv[IV_BYTES];
    expand(secret, "key", info.key, KEY_BYTES);
    expand(secret, "iv", iv, IV_BYTES);
    memcpy(info.salt, iv, sizeof info.salt);
    memcpy(info.iv, iv + sizeof info.salt, sizeof info.iv);
    bool good = setsockopt(socket, SOL_TLS, direction, &info, sizeof info) == 0;
    OPENSSL_cleanse(&info, sizeof info);
    return good;
}

static bool into_kernel(struct handshake *h, int socket) {
    if (!h->client.known || !h->server.known)
        return wrong(h->side, "TLS", "OpenSSL does not tell the keys");
    if (setsockopt(socket, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls"))
        return wrong(h->side, "the kernel has no TLS (module tls)", strerror(errno));
    const struct secret *ours = h->side->connects ? &h->client : &h->server;
    const struct secret *theirs = h->side->connects ? &h->server : &h->client;
    if (!give_kernel(socket, TLS_TX, ours) || !give_kernel(socket, TLS_RX, theirs))
        return wrong(h->side, "the kernel's TLS does not take the keys", strerror(errno));
    return true;
}

static bool shake_hands(struct handshake *h, SSL *ssl) {
    int r = h->side->connects ? SSL_connect(ssl) : SSL_accept(ssl);
    if (r == 1 && SSL_session_reused(ssl)) /* that is: by the key */
        return true;
    unsigned long error = ERR_get_error();
    if (!h->side->error[0])
        wrong(h->side, "TLS", error ? ERR_reason_error_string(error) : "the other side hung up");
    return false;
}

bool tls_check_key(const struct machines *machines, int nid, char error[256]) {
    struct tls_side side = {.machines = machines, .other = nid};
    unsigned char key[SHA256_BYTES];
    bool good = read_key(&side, nid, key);
    OPENSSL_cleanse(key, sizeof key);
    snprintf(error, 256, "%s", side.error);
    return good;
}

bool tls_handshake(struct tls_side *side, int socket) {
    struct handshake h = {.side = side};
    SSL_CTX *context = make_context(side->connects);
    SSL *ssl = context ? SSL_new(context) : NULL;
    side->error[0] = 0;
    ERR_clear_error();
    bool good = ssl && SSL_set_fd(ssl, socket) == 1;
    if (good) {
        SSL_set_app_data(ssl, &h);
        SSL_set_quiet_shutdown(ssl, 1);
        good = shake_hands(&h, ssl) && into_kernel(&h, socket);
    } else {
        wrong(side, "TLS", "out of memory");
    }
    OPENSSL_cleanse(&h.client, sizeof h.client);
    OPENSSL_cleanse(&h.server, sizeof h.server);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return good;
}
