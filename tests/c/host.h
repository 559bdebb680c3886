/* What the C hosts share: checks, a scratch directory, torrents made of pseudo-random bytes, and a
 * pump. Everything is static so that each host is one file. */
#ifndef HOST_H
#define HOST_H

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "tern.h"

#if defined(__GNUC__)
#define MAYBE_UNUSED __attribute__((unused))
#else
#define MAYBE_UNUSED
#endif

/* Generous: a slow machine must not fail a test. A defect that hangs is what it ends. */
#define PATIENCE_MS 60000

#define CHECK(cond)                                                                       \
    do {                                                                                  \
        if (!(cond)) {                                                                    \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);          \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

/* Checks a result and tells what the error object says. */
#define OK(call)                                                                          \
    do {                                                                                  \
        tern_error *err_ = NULL;                                                          \
        tern_error **err = &err_;                                                         \
        tern_result result_ = (call);                                                     \
        if (result_ != TERN_OK) {                                                         \
            fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call,             \
                    tern_result_name(result_), err_ ? tern_error_message(err_) : "");     \
            exit(1);                                                                      \
        }                                                                                 \
        CHECK(err_ == NULL);                                                              \
    } while (0)

static MAYBE_UNUSED long long now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A scratch directory, removed when the host exits. */
static char scratch[64];
static pid_t scratch_owner;

static void remove_scratch(void)
{
    char command[128];
    if (getpid() != scratch_owner)
        return;
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (system(command) != 0)
        fprintf(stderr, "could not remove %s\n", scratch);
}

static MAYBE_UNUSED const char *scratch_dir(void)
{
    if (scratch[0] == 0) {
        strcpy(scratch, "/tmp/tern-c-XXXXXX");
        CHECK(mkdtemp(scratch) != NULL);
        scratch_owner = getpid();
        atexit(remove_scratch);
    }
    return scratch;
}

static MAYBE_UNUSED void in_scratch(char *out, size_t size, const char *name)
{
    CHECK(snprintf(out, size, "%s/%s", scratch_dir(), name) < (int)size);
}

static MAYBE_UNUSED void make_dir(const char *name)
{
    char path[256];
    in_scratch(path, sizeof path, name);
    CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
}

/* Writes `size` bytes that follow from `seed`. */
static MAYBE_UNUSED void write_content(const char *path, size_t size, unsigned seed)
{
    FILE *file = fopen(path, "wb");
    size_t i;
    CHECK(file != NULL);
    for (i = 0; i < size; i++) {
        seed = seed * 1103515245u + 12345u;
        putc((int)(seed >> 16) & 255, file);
    }
    CHECK(fclose(file) == 0);
}

static MAYBE_UNUSED int same_content(const char *a, const char *b)
{
    FILE *fa = fopen(a, "rb"), *fb = fopen(b, "rb");
    int ca, cb;
    if (!fa || !fb) {
        if (fa)
            fclose(fa);
        if (fb)
            fclose(fb);
        return 0;
    }
    do {
        ca = getc(fa);
        cb = getc(fb);
    } while (ca == cb && ca != EOF);
    fclose(fa);
    fclose(fb);
    return ca == cb;
}

/* Makes SCRATCH/seed/NAME of `size` bytes; the torrent of it. */
static MAYBE_UNUSED tern_metainfo *make_torrent(const char *name, size_t size)
{
    char path[256], sub[128];
    tern_create *create;
    tern_buf raw = {NULL, 0};
    tern_metainfo *torrent;
    make_dir("seed");
    make_dir("leech");
    snprintf(sub, sizeof sub, "seed/%s", name);
    in_scratch(path, sizeof path, sub);
    write_content(path, size, 42);
    OK(tern_create_new(path, strlen(path), &create, err));
    OK(tern_create_set_piece_length(create, 32768, err));
    OK(tern_create_run(create, NULL, NULL, &raw, err));
    tern_create_free(create);
    OK(tern_metainfo_parse(raw.ptr, raw.len, &torrent, err));
    tern_buf_free(&raw);
    CHECK(raw.ptr == NULL && raw.len == 0);
    return torrent;
}

/* A session that listens on a free loopback port. */
static MAYBE_UNUSED tern_session *make_session(void)
{
    tern_config *config = tern_config_new();
    tern_session *session;
    CHECK(config != NULL);
    OK(tern_config_set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, err));
    OK(tern_session_new(config, &session, err));
    tern_config_free(config);
    return session;
}

/* A builder for `torrent` in SCRATCH/`dir`, connecting to `peer` unless that is NULL. */
static MAYBE_UNUSED tern_add *make_add(const tern_metainfo *torrent, const char *dir,
                                       tern_session *peer)
{
    char path[256];
    tern_add *add = tern_add_new();
    in_scratch(path, sizeof path, dir);
    OK(tern_add_set_metainfo_object(add, torrent, err));
    OK(tern_add_set_save_path(add, path, strlen(path), err));
    if (peer) {
        char addr[64];
        uint16_t port = 0;
        OK(tern_session_listen_port(peer, &port, err));
        CHECK(port != 0);
        snprintf(addr, sizeof addr, "127.0.0.1:%u", (unsigned)port);
        OK(tern_add_add_peer(add, addr, strlen(addr), err));
    }
    return add;
}

static MAYBE_UNUSED tern_torrent *add_torrent(tern_session *session, tern_add *add)
{
    tern_torrent *torrent;
    OK(tern_session_add(session, add, &torrent, err));
    tern_add_free(add);
    return torrent;
}

static MAYBE_UNUSED int is_finished(const tern_torrent *torrent)
{
    tern_status status;
    OK(tern_torrent_status(torrent, &status, err));
    return status.is_finished;
}

/* Waits for an event of `kind`, answers requests with ACCEPT meanwhile, ignores others. */
static MAYBE_UNUSED void pump_until(tern_session *session, int32_t kind, tern_event *found)
{
    long long end = now_ms() + PATIENCE_MS;
    for (;;) {
        tern_batch *batch;
        size_t i, seen = 0;
        CHECK(now_ms() < end);
        CHECK(tern_session_wait(session, 100, NULL) >= 0);
        OK(tern_session_take(session, 1, &batch, err));
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            CHECK(tern_batch_get(batch, i, &event) == TERN_OK);
            CHECK(event.struct_size == sizeof event);
            if (event.kind == kind) {
                if (found)
                    *found = event;
                seen = 1;
            }
            if (event.token)
                OK(tern_request_complete(session, event.token, TERN_VERDICT_ACCEPT, 0, err));
        }
        tern_batch_free(batch);
        if (seen)
            return;
    }
}

static MAYBE_UNUSED void wait_finished(tern_session *session, const tern_torrent *torrent)
{
    long long end = now_ms() + PATIENCE_MS;
    while (!is_finished(torrent)) {
        tern_batch *batch;
        CHECK(now_ms() < end);
        CHECK(tern_session_wait(session, 20, NULL) >= 0);
        OK(tern_session_take(session, 0, &batch, err));
        tern_batch_free(batch);
    }
}

#endif
