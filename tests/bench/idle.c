/* One side of the rows "idle torrents" and "save resume": libtern, as a C host has it.
 *
 *     idle INPUT SAVE-PATH IDLE-SECONDS [OUTPUT]
 *
 * INPUT holds pairs of a torrent file and its resume data, each with its length in front (32 bits,
 * little endian). All torrents are added, the handles given up, and the time taken until each says
 * that its first look at its files is over; then the memory that cost is read, the CPU time of
 * IDLE-SECONDS of nothing, and the time until every torrent's resume data was handed out on demand
 * and answered. Prints one JSON line. With OUTPUT it does none of that: it adds, closes, and keeps
 * the pairs with the resume data of the close, which is how tests/bench/idle.py gets resume data of
 * libtern's own.
 */
#define _GNU_SOURCE

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tern.h"

typedef struct {
    const uint8_t *torrent, *blob;
    uint32_t torrent_len, blob_len;
} pair;

static tern_session *session;
static uint8_t *input;
static pair *pairs;
static size_t count;

static void die(const char *what, tern_error *err)
{
    fprintf(stderr, "idle: %s: %s\n", what, err ? tern_error_message(err) : "failed");
    exit(1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Anonymous memory in KiB. */
static long anonymous(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    const uint8_t *at, *end;
    long size;
    if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET))
        die(path, NULL);
    input = malloc((size_t)size);
    if (!input || fread(input, 1, (size_t)size, file) != (size_t)size)
        die(path, NULL);
    fclose(file);
    end = input + size;
    for (at = input; at < end; count++)
        at += 4 + number(at), at += 4 + number(at);
    pairs = calloc(count, sizeof *pairs);
    count = 0;
    for (at = input; at < end; count++) {
        pair *p = &pairs[count];
        p->torrent_len = number(at), p->torrent = at + 4, at += 4 + p->torrent_len;
        p->blob_len = number(at), p->blob = at + 4, at += 4 + p->blob_len;
    }
}

static void start(void)
{
    tern_config *config = tern_config_new();
    tern_error *err = NULL;
    const char *listen = getenv("TERN_BENCH_LISTEN") ? getenv("TERN_BENCH_LISTEN") : "";
    if (tern_config_set_str(config, TERN_OPT_LISTEN, listen, strlen(listen), &err) ||
        tern_config_set_int(config, TERN_OPT_EVENT_QUEUE_LEN, 1000000, &err) ||
        tern_session_new(config, &session, &err) ||
        tern_session_set_save_hook(session, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, &err))
        die("start", err);
    tern_config_free(config);
}

static void add_all(const char *save_path)
{
    size_t i;
    for (i = 0; i < count; i++) {
        tern_error *err = NULL;
        tern_add *add = tern_add_new();
        if (tern_add_set_metainfo(add, pairs[i].torrent, pairs[i].torrent_len, &err) ||
            tern_add_set_resume(add, pairs[i].blob, pairs[i].blob_len, &err) ||
            tern_add_set_save_path(add, save_path, strlen(save_path), &err) ||
            tern_session_add(session, add, NULL, &err))
            die("add", err);
        tern_add_free(add);
    }
}

/* Takes events until `wanted` of `kind` came. Save requests are answered; `saved` sees them. */
static size_t await(int32_t kind, size_t wanted, void (*saved)(const tern_event *))
{
    size_t seen = 0, bytes = 0, i;
    while (seen < wanted) {
        tern_error *err = NULL;
        tern_batch *batch;
        if (tern_session_wait(session, 60000, &err) <= 0 ||
            tern_session_take(session, 0, &batch, &err))
            die("nothing comes", err);
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            if (tern_batch_get(batch, i, &event))
                die("event", NULL);
            seen += event.kind == kind;
            if (event.kind == TERN_EVENT_DROPPED)
                die("events were dropped", NULL);
            if (event.kind == TERN_EVENT_CHECKED && (event.b || event.c == 0))
                die("a torrent was not restored", NULL);
            if (event.kind != TERN_EVENT_SAVE_REQUEST)
                continue;
            bytes += event.data.len;
            if (saved)
                saved(&event);
            if (tern_request_complete(session, event.token, TERN_VERDICT_ACCEPT, 0, &err))
                die("answer", err);
        }
        tern_batch_free(batch);
    }
    return bytes;
}

static FILE *output;

static void put(const uint8_t *bytes, size_t len)
{
    uint8_t head[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16),
                       (uint8_t)(len >> 24)};
    if (fwrite(head, 1, 4, output) != 4 || fwrite(bytes, 1, len, output) != len)
        die("write", NULL);
}

/* The latest resume data of each torrent: these are numbered from 1 in the order they were added.
 * A torrent is saved when it has become a seed, because its first resume data was somebody else's,
 * and again at the close, which says that nothing is written any more: whether the first of the two
 * comes before or after the close has begun is a matter of timing. */
static struct {
    uint8_t *bytes;
    size_t len;
} *kept;

static void keep(const tern_event *event)
{
    size_t i = (size_t)event->torrent_id - 1;
    if (event->torrent_id == 0 || i >= count)
        die("a torrent's number", NULL);
    free(kept[i].bytes);
    kept[i].len = event->data.len;
    kept[i].bytes = malloc(event->data.len ? event->data.len : 1);
    if (!kept[i].bytes)
        die("memory", NULL);
    memcpy(kept[i].bytes, event->data.ptr, event->data.len);
}

/* Writes the pairs with our own resume data. */
static void prepare(const char *save_path, const char *path)
{
    tern_error *err = NULL;
    size_t i;
    output = fopen(path, "wb");
    kept = calloc(count, sizeof *kept);
    if (!output || !kept)
        die(path, NULL);
    start();
    add_all(save_path);
    await(TERN_EVENT_CHECKED, count, keep);
    if (tern_session_close_begin(session, &err))
        die("close", err);
    await(TERN_EVENT_CLOSED, 1, keep);
    for (i = 0; i < count; i++) {
        if (!kept[i].bytes)
            die("a torrent was never saved", NULL);
        put(pairs[i].torrent, pairs[i].torrent_len);
        put(kept[i].bytes, kept[i].len);
        free(kept[i].bytes);
    }
    free(kept);
    if (fclose(output))
        die(path, NULL);
    tern_session_release(session);
}

int main(int argc, char **argv)
{
    double t0, added, ready, ready_cpu, idle_cpu, saved, saved_cpu;
    long before, after, trimmed;
    size_t bytes, i;
    if (argc < 4)
        die("usage: idle INPUT SAVE-PATH IDLE-SECONDS [OUTPUT]", NULL);
    load(argv[1]);
    if (argc > 4) {
        prepare(argv[2], argv[4]);
        return 0;
    }
    before = anonymous();
    start();
    t0 = seconds(), ready_cpu = cpu();
    add_all(argv[2]);
    added = seconds() - t0;
    await(TERN_EVENT_CHECKED, count, NULL);
    ready = seconds() - t0, ready_cpu = cpu() - ready_cpu;
    usleep(1000000);
    after = anonymous();
    malloc_trim(0);
    trimmed = anonymous();

    idle_cpu = cpu();
    sleep((unsigned)atoi(argv[3]));
    idle_cpu = cpu() - idle_cpu;

    {
        size_t capacity = 0;
        tern_torrent **all = calloc(count, sizeof *all);
        if (!all || tern_session_torrents(session, all, count, &capacity, NULL))
            die("torrents", NULL);
        t0 = seconds(), saved_cpu = cpu();
        for (i = 0; i < count; i++)
            if (tern_torrent_save(all[i], NULL))
                die("save", NULL);
        bytes = await(TERN_EVENT_SAVE_REQUEST, count, NULL);
        saved = seconds() - t0, saved_cpu = cpu() - saved_cpu;
        for (i = 0; i < count; i++)
            tern_torrent_release(all[i]);
        free(all);
    }
    printf("{\"side\": \"libtern\", \"torrents\": %zu, \"added_s\": %.4f, \"ready_s\": %.4f, "
           "\"ready_cpu_s\": %.4f, \"bytes_each\": %ld, \"bytes_each_trimmed\": %ld, "
           "\"idle_s\": %d, \"idle_cpu_s\": %.4f, \"save_s\": %.4f, \"save_cpu_s\": %.4f, "
           "\"blob_bytes\": %zu}\n",
           count, added, ready, ready_cpu, (after - before) * 1024 / (long)count,
           (trimmed - before) * 1024 / (long)count, atoi(argv[3]), idle_cpu, saved, saved_cpu,
           bytes / count);
    fflush(stdout);
    /* The end is not part of the measurement. */
    _exit(0);
}
