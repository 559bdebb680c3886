/* Fetches a torrent and keeps its resume data in a file of ours, through a save hook:
 *
 *     resume FILE.torrent DIR RESUME-FILE [HOST:PORT ...]
 *
 * Kill it at any moment and start it again: it goes on from the last piece that was saved. Prints
 * `restored R pieces, hashed H, of N` once, `have K of N` as pieces pass, and `complete` at the end
 * (exit 0). SIGINT and SIGTERM save and exit with 130.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tern.h"

static tern_session *session;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
    tern_session_wake(session); /* allowed in signal handlers: ends the wait below */
}

static int sync_directory_of(const char *path)
{
    char copy[4096];
    int fd, ok;
    if (strlen(path) >= sizeof copy)
        return 0;
    fd = open(dirname(strcpy(copy, path)), O_RDONLY);
    ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Replaces the file as a whole or not at all, and says yes only when that survives a crash. */
static int32_t save(void *user, const tern_event *request, int64_t *detail)
{
    const char *path = user;
    char temp[4096];
    FILE *file;
    int ok;
    (void)detail;
    if (snprintf(temp, sizeof temp, "%s.tmp", path) >= (int)sizeof temp)
        return TERN_VERDICT_FAIL;
    file = fopen(temp, "wb");
    if (!file)
        return TERN_VERDICT_REJECT; /* asked again later */
    ok = fwrite(request->data.ptr, 1, request->data.len, file) == request->data.len &&
         fflush(file) == 0 && fsync(fileno(file)) == 0;
    ok = fclose(file) == 0 && ok;
    ok = ok && rename(temp, path) == 0 && sync_directory_of(path);
    return ok ? TERN_VERDICT_ACCEPT : TERN_VERDICT_REJECT;
}

/* The resume data of the last run, empty on the first. */
static unsigned char *load(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long size;
    *len = 0;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 &&
        fseek(file, 0, SEEK_SET) == 0 && (bytes = malloc((size_t)size)) != NULL)
        *len = fread(bytes, 1, (size_t)size, file);
    fclose(file);
    return bytes;
}

static int fail(tern_error *err)
{
    fprintf(stderr, "resume: %s\n", err ? tern_error_message(err) : "out of memory");
    tern_error_free(err);
    return 1;
}

/* Prints what matters; 1 when the torrent is complete, -1 when it cannot go on. */
static int show(const tern_event *event, const tern_torrent *torrent)
{
    static int checked;
    tern_status status;
    if (tern_torrent_status(torrent, &status, NULL) != TERN_OK)
        return -1;
    checked = checked || event->kind == TERN_EVENT_CHECKED;
    if (event->kind == TERN_EVENT_CHECKED)
        printf("restored %lld pieces, hashed %lld, of %u\n", (long long)event->c,
               (long long)event->b, status.pieces_total);
    else if (event->kind == TERN_EVENT_PIECE_PASSED)
        printf("have %u of %u\n", status.pieces_have, status.pieces_total);
    else if (event->event_class == TERN_CLASS_ERROR)
        fprintf(stderr, "resume: %s: %.*s\n", tern_event_name(event->kind), (int)event->text.len,
                (const char *)event->text.ptr);
    fflush(stdout);
    return event->kind == TERN_EVENT_STORAGE_FAILED ? -1 : checked && status.is_finished;
}

static int run(const tern_torrent *torrent)
{
    int result = 0;
    while (!stopped && result == 0) {
        tern_batch *batch;
        size_t i;
        if (tern_session_wait(session, 1000, NULL) < 0 ||
            tern_session_take(session, 0, &batch, NULL) != TERN_OK)
            return -1;
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            if (tern_batch_get(batch, i, &event) == TERN_OK)
                result = show(&event, torrent);
            if (result < 0)
                break;
        }
        tern_batch_free(batch);
    }
    return result;
}

int main(int argc, char **argv)
{
    struct sigaction action;
    tern_add *add = tern_add_new();
    tern_torrent *torrent = NULL;
    tern_error *err = NULL;
    unsigned char *blob;
    size_t blob_len;
    int i, result;
    if (argc < 4) {
        fprintf(stderr, "usage: resume FILE.torrent DIR RESUME-FILE [HOST:PORT ...]\n");
        return 2;
    }
    blob = load(argv[3], &blob_len);
    if (tern_session_new(NULL, &session, &err) ||
        tern_add_set_metainfo_file(add, argv[1], strlen(argv[1]), &err) ||
        tern_add_set_save_path(add, argv[2], strlen(argv[2]), &err) ||
        tern_add_set_resume(add, blob, blob_len, &err) ||
        tern_add_set_save_policy(add, TERN_SAVE_ON_PIECE | TERN_SAVE_ON_STATE | TERN_SAVE_AT_CLOSE,
                                 0, &err) ||
        tern_add_set_save_hook(add, TERN_HOOK_INLINE, 0, save, argv[3], NULL, &err))
        return fail(err);
    free(blob);
    for (i = 4; i < argc; i++)
        if (tern_add_add_peer(add, argv[i], strlen(argv[i]), &err))
            return fail(err);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (tern_session_add(session, add, &torrent, &err))
        return fail(err);
    tern_add_free(add);
    result = run(torrent);
    if (tern_session_close(session, -1, NULL, &err))
        return fail(err);
    tern_torrent_release(torrent);
    tern_session_release(session);
    if (result > 0)
        printf("complete\n");
    return result > 0 ? 0 : stopped ? 130 : 1;
}
