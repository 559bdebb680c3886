/* What it costs to be a C host; tests/bench/hosts/run.py runs it and prints the table.
 *
 *     host make DIR MIB PIECE            content and torrent, the first of which it prints
 *     host seed TORRENT DIR              serves until its input ends; prints its port
 *     host verify none|inline|queued TORRENT DIR PORT
 *     host events TORRENT DIR ROUNDS     takes what checks say, piece by piece
 *     host memory COUNT                  bytes of a handle
 *     host cycles COUNT                  adds and removes
 *
 * Every measuring mode prints one JSON line.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tern.h"

static tern_session *session;

#define NEED(call)                                                                         \
    do {                                                                                   \
        tern_error *err_ = NULL;                                                           \
        tern_error **err = &err_;                                                          \
        if ((call) < 0) {                                                                  \
            fprintf(stderr, "host: %s: %s\n", #call, err_ ? tern_error_message(err_) : ""); \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

static double clock_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double wall(void) { return clock_of(CLOCK_MONOTONIC); }
static double thread_cpu(void) { return clock_of(CLOCK_THREAD_CPUTIME_ID); }

static long anonymous(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    malloc_trim(0);
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

static void start(void)
{
    tern_config *config = tern_config_new();
    NEED(tern_config_set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, err));
    NEED(tern_config_set_bool(config, TERN_OPT_TRACKERS_ENABLED, 0, err));
    NEED(tern_config_set_int(config, TERN_OPT_EVENT_QUEUE_LEN, 1000000, err));
    NEED(tern_session_new(config, &session, err));
    tern_config_free(config);
}

static tern_torrent *add(const char *torrent, const char *dir, const char *port, int queued)
{
    tern_add *add = tern_add_new();
    tern_torrent *made;
    char peer[32];
    NEED(tern_add_set_metainfo_file(add, torrent, strlen(torrent), err));
    NEED(tern_add_set_save_path(add, dir, strlen(dir), err));
    if (queued)
        NEED(tern_add_set_verify_hook(add, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, err));
    if (port) {
        snprintf(peer, sizeof peer, "127.0.0.1:%s", port);
        NEED(tern_add_add_peer(add, peer, strlen(peer), err));
    }
    NEED(tern_session_add(session, add, &made, err));
    tern_add_free(add);
    return made;
}

/* Takes batches until an event of this kind came; answers requests; how many events there were. */
static unsigned long until(int32_t kind)
{
    unsigned long count = 0;
    for (int found = 0; !found;) {
        tern_batch *batch;
        NEED(tern_session_wait(session, -1, err));
        NEED(tern_session_take(session, 256, &batch, err));
        for (size_t i = 0; i < tern_batch_len(batch); i++, count++) {
            tern_event event;
            tern_batch_get(batch, i, &event);
            if (event.token)
                tern_request_complete(session, event.token, TERN_VERDICT_ACCEPT, 0, NULL);
            found = found || event.kind == kind;
        }
        tern_batch_free(batch);
    }
    return count;
}

static int make(const char *dir, long mib, long piece)
{
    char path[4096], *block = malloc(1 << 20);
    uint64_t state = 88172645463325252u;
    tern_create *create;
    tern_buf raw = {NULL, 0};
    snprintf(path, sizeof path, "%s/content", dir);
    FILE *file = fopen(path, "wb");
    if (!file || !block)
        return 1;
    for (long i = 0; i < mib; i++) {
        for (size_t at = 0; at < 1 << 20; at += 8) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            memcpy(block + at, &state, 8);
        }
        if (fwrite(block, 1, 1 << 20, file) != 1 << 20)
            return 1;
    }
    fclose(file);
    free(block);
    NEED(tern_create_new(path, strlen(path), &create, err));
    NEED(tern_create_set_piece_length(create, (uint32_t)piece, err));
    NEED(tern_create_run(create, NULL, NULL, &raw, err));
    tern_create_free(create);
    snprintf(path, sizeof path, "%s/x.torrent", dir);
    file = fopen(path, "wb");
    if (!file || fwrite(raw.ptr, 1, raw.len, file) != raw.len || fclose(file))
        return 1;
    tern_buf_free(&raw);
    return 0;
}

static int seed(const char *torrent, const char *dir)
{
    uint16_t port;
    start();
    tern_torrent *made = add(torrent, dir, NULL, 0);
    until(TERN_EVENT_CHECKED);
    NEED(tern_session_listen_port(session, &port, err));
    printf("%u\n", (unsigned)port);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    tern_torrent_release(made);
    tern_session_release(session);
    return 0;
}

static double hook_cpu;
static unsigned long hook_calls;

/* As little as a hook can do: what is measured is the way to it and back. */
static int32_t hook(void *user, const tern_event *request, int64_t *detail)
{
    (void)user, (void)detail;
    hook_calls++;
    hook_cpu = thread_cpu(); /* of the hook thread, which does nothing else */
    return request->code ? TERN_VERDICT_ACCEPT : TERN_VERDICT_REJECT;
}

static int verify(const char *mode, const char *torrent, const char *dir, const char *port)
{
    tern_status status;
    start();
    if (strcmp(mode, "inline") == 0)
        NEED(tern_session_set_verify_hook(session, TERN_HOOK_INLINE, 0, hook, NULL, NULL, err));
    double cpu = thread_cpu(), begin = wall();
    tern_torrent *made = add(torrent, dir, port, strcmp(mode, "queued") == 0);
    unsigned long events = until(TERN_EVENT_FINISHED);
    double took = wall() - begin;
    cpu = thread_cpu() - cpu;
    NEED(tern_torrent_status(made, &status, err));
    printf("{\"seconds\": %.6f, \"bytes\": %llu, \"host_cpu\": %.6f, \"hook_cpu\": %.6f, "
           "\"events\": %lu, \"asked\": %lu}\n",
           took, (unsigned long long)status.total_size, cpu, hook_cpu, events, hook_calls);
    tern_torrent_release(made);
    tern_session_close(session, -1, NULL, NULL);
    tern_session_release(session);
    return 0;
}

static int events(const char *torrent, const char *dir, int rounds)
{
    unsigned long count = 0;
    double took = 0, cpu = 0;
    start();
    for (int round = 0; round < rounds; round++) {
        tern_torrent *made = add(torrent, dir, NULL, 0);
        tern_status status;
        do {
            usleep(20000); /* all of them wait in the queue when they are taken */
            NEED(tern_torrent_status(made, &status, err));
        } while (status.state != TERN_STATE_SEEDING);
        double begin = wall(), before = thread_cpu();
        count += until(TERN_EVENT_FINISHED);
        took += wall() - begin;
        cpu += thread_cpu() - before;
        NEED(tern_torrent_remove(made, 0, err));
        tern_torrent_release(made);
        until(TERN_EVENT_REMOVED);
    }
    printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"events\": %lu}\n", took, cpu, count);
    tern_session_release(session);
    return 0;
}

/* A torrent of one byte that is not there, by number. */
static tern_torrent *tiny(long number)
{
    char text[256], name[32];
    tern_add *add = tern_add_new();
    tern_torrent *made;
    snprintf(name, sizeof name, "t%ld", number);
    int len = snprintf(text, sizeof text,
                       "d4:infod6:lengthi1e4:name%d:%s12:piece lengthi16384e6:pieces20:%-20see",
                       (int)strlen(name), name, "x");
    NEED(tern_add_set_metainfo(add, (const uint8_t *)text, (size_t)len, err));
    NEED(tern_add_set_save_path(add, "/nonexistent", 12, err));
    NEED(tern_add_set_paused(add, 1, err));
    NEED(tern_session_add(session, add, &made, err));
    tern_add_free(add);
    return made;
}

static void until_removed(long count)
{
    while (count > 0) {
        tern_batch *batch;
        NEED(tern_session_wait(session, -1, err));
        NEED(tern_session_take(session, 256, &batch, err));
        for (size_t i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            tern_batch_get(batch, i, &event);
            count -= event.kind == TERN_EVENT_REMOVED;
        }
        tern_batch_free(batch);
    }
}

static int memory(long count)
{
    tern_torrent **held = calloc((size_t)count, sizeof *held);
    uint8_t hash[20];
    start();
    tern_torrent *made = tiny(0);
    NEED(tern_torrent_info_hash(made, hash, err));
    memset(held, 1, (size_t)count * sizeof *held);
    long before = anonymous();
    for (long i = 0; i < count; i++)
        NEED(tern_session_find(session, hash, &held[i], err));
    long after = anonymous();
    printf("{\"count\": %ld, \"bytes\": %ld}\n", count, after - before);
    for (long i = 0; i < count; i++)
        tern_torrent_release(held[i]);
    free(held);
    tern_torrent_release(made);
    tern_session_release(session);
    return 0;
}

static int cycles(long count)
{
    enum { AT_ONCE = 100 };
    long warm = count / 5 / AT_ONCE * AT_ONCE, before = 0;
    start();
    double begin = wall();
    for (long i = 0; i < count + warm; i += AT_ONCE) {
        tern_torrent *made[AT_ONCE];
        if (i == warm)
            before = anonymous();
        for (int j = 0; j < AT_ONCE; j++)
            made[j] = tiny(i + j);
        for (int j = 0; j < AT_ONCE; j++) {
            NEED(tern_torrent_remove(made[j], 0, err));
            tern_torrent_release(made[j]);
        }
        until_removed(AT_ONCE);
    }
    printf("{\"count\": %ld, \"grown\": %ld, \"seconds\": %.3f}\n", count, anonymous() - before,
           wall() - begin);
    tern_session_release(session);
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (argc == 5 && strcmp(mode, "make") == 0)
        return make(argv[2], atol(argv[3]), atol(argv[4]));
    if (argc == 4 && strcmp(mode, "seed") == 0)
        return seed(argv[2], argv[3]);
    if (argc == 6 && strcmp(mode, "verify") == 0)
        return verify(argv[2], argv[3], argv[4], argv[5]);
    if (argc == 5 && strcmp(mode, "events") == 0)
        return events(argv[2], argv[3], atoi(argv[4]));
    if (argc == 3 && strcmp(mode, "memory") == 0)
        return memory(atol(argv[2]));
    if (argc == 3 && strcmp(mode, "cycles") == 0)
        return cycles(atol(argv[2]));
    fprintf(stderr, "host: see the comment at the top\n");
    return 2;
}
