/* Every torrent of a directory in one session, with one store for what is known of them:
 *
 *     many TORRENTS-DIR CONTENT-DIR STATE-DIR [HOST:PORT ...]
 *
 * Handles are given up at once: the session keeps the torrents, events say which one they are
 * about, and a handle can be asked for by number. Prints `done NAME` for each that is complete, and
 * `N torrents` when all are (exit 0); a second run finds all in the store and hashes nothing.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tern.h"

static tern_session *session;

/* Adds one `.torrent` file; 1 when that worked. */
static int add_one(const char *path, int argc, char **argv)
{
    tern_add *add = tern_add_new();
    tern_torrent *torrent = NULL;
    tern_error *err = NULL;
    tern_result result;
    int i;
    result = tern_add_set_metainfo_file(add, path, strlen(path), &err);
    if (result == TERN_OK)
        result = tern_add_set_save_path(add, argv[2], strlen(argv[2]), &err);
    for (i = 4; i < argc && result == TERN_OK; i++)
        result = tern_add_add_peer(add, argv[i], strlen(argv[i]), &err);
    if (result == TERN_OK)
        result = tern_session_add(session, add, &torrent, &err);
    if (result != TERN_OK)
        fprintf(stderr, "many: %s: %s\n", path, err ? tern_error_message(err) : "failed");
    tern_error_free(err);
    tern_add_free(add);
    tern_torrent_release(torrent);
    return result == TERN_OK;
}

static unsigned add_all(int argc, char **argv)
{
    DIR *directory = opendir(argv[1]);
    struct dirent *entry;
    unsigned count = 0;
    while (directory && (entry = readdir(directory)) != NULL) {
        char path[4096];
        size_t len = strlen(entry->d_name);
        if (len > 8 && strcmp(entry->d_name + len - 8, ".torrent") == 0 &&
            snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name) < (int)sizeof path)
            count += (unsigned)add_one(path, argc, argv);
    }
    if (directory)
        closedir(directory);
    return count;
}

/* Prints a torrent's name. Its handle is lent by the event. */
static void done(const tern_event *event)
{
    tern_metainfo *info;
    tern_bytes name;
    if (tern_torrent_take_metainfo(event->torrent, &info, NULL) != TERN_OK)
        return;
    name = tern_metainfo_name(info);
    printf("done %.*s\n", (int)name.len, (const char *)name.ptr);
    tern_metainfo_free(info);
}

int main(int argc, char **argv)
{
    tern_config *config = tern_config_new();
    tern_error *err = NULL;
    unsigned all, left;
    if (argc < 4 ||
        tern_config_set_str(config, TERN_OPT_STATE_DIR, argv[3], strlen(argv[3]), &err) ||
        /* Room for the burst at the start: what does not fit is dropped, oldest first. */
        tern_config_set_int(config, TERN_OPT_EVENT_QUEUE_LEN, 100000, &err) ||
        tern_session_new(config, &session, &err)) {
        fprintf(stderr, "many: %s\n",
                err ? tern_error_message(err)
                    : "usage: many TORRENTS-DIR CONTENT-DIR STATE-DIR [HOST:PORT ...]");
        tern_error_free(err);
        return 1;
    }
    tern_config_free(config);
    /* Of all notices, only those about torrents and failures. */
    tern_session_subscribe(session, TERN_CLASS_TORRENT | TERN_CLASS_ERROR, NULL);
    all = left = add_all(argc, argv);
    while (left > 0) {
        tern_batch *batch;
        size_t i;
        if (tern_session_wait(session, -1, NULL) < 0 ||
            tern_session_take(session, 256, &batch, NULL) != TERN_OK)
            break;
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            /* Comes once for each, whether its last piece arrived or its check found everything. */
            if (tern_batch_get(batch, i, &event) == TERN_OK && event.kind == TERN_EVENT_FINISHED) {
                done(&event);
                left--;
            }
        }
        tern_batch_free(batch);
    }
    tern_session_close(session, -1, NULL, NULL);
    tern_session_release(session);
    printf("%u torrents\n", all);
    return left == 0 ? 0 : 1;
}
