/* Looks at every piece before it counts, through a verify hook that answers from the loop:
 *
 *     verify FILE.torrent DIR WORD [HOST:PORT ...]
 *
 * A piece that contains WORD stops the torrent (exit 3); until a piece is accepted it is neither
 * had, nor offered to anybody, nor in resume data. Prints `piece P accepted` as they come, and
 * `complete` at the end (exit 0).
 */
#include <stdio.h>
#include <string.h>

#include "tern.h"

static tern_session *session;

static int contains(tern_bytes data, const char *word)
{
    size_t len = strlen(word), at;
    for (at = 0; len > 0 && at + len <= data.len; at++)
        if (memcmp(data.ptr + at, word, len) == 0)
            return 1;
    return 0;
}

/* Answers one request. It may be kept and answered later too, by any thread and in any order: the
 * network goes on meanwhile, up to the window of the option verify_window. */
static void answer(const tern_event *request, const char *word)
{
    tern_bytes data;
    int32_t verdict = TERN_VERDICT_ACCEPT;
    /* The bytes are lent until the answer. GONE: the torrent was removed meanwhile. */
    if (tern_request_data(session, request->token, &data, NULL) != TERN_OK)
        return;
    if (contains(data, word))
        verdict = TERN_VERDICT_FAIL; /* not the peer's fault, so not REJECT */
    tern_request_complete(session, request->token, verdict, 1, NULL);
    if (verdict == TERN_VERDICT_ACCEPT)
        printf("piece %u accepted\n", (unsigned)request->piece);
}

static int fail(tern_error *err)
{
    fprintf(stderr, "verify: %s\n",
            err ? tern_error_message(err) : "usage: verify FILE.torrent DIR WORD [HOST:PORT ...]");
    tern_error_free(err);
    return err ? 1 : 2;
}

/* Takes events until the torrent is complete (0) or was stopped by us (3) or by a failure (1). */
static int run(const tern_torrent *torrent, const char *word)
{
    for (;;) {
        tern_status status;
        tern_batch *batch;
        size_t i;
        int result = -1;
        if (tern_session_wait(session, -1, NULL) < 0 ||
            tern_session_take(session, 0, &batch, NULL) != TERN_OK)
            return 1;
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            if (tern_batch_get(batch, i, &event) != TERN_OK)
                continue;
            if (event.kind == TERN_EVENT_VERIFY_REQUEST)
                answer(&event, word);
            else if (event.kind == TERN_EVENT_VERIFIER_FAILED)
                result = 3;
            else if (event.kind == TERN_EVENT_STORAGE_FAILED)
                result = 1;
        }
        tern_batch_free(batch);
        if (result < 0 && tern_torrent_status(torrent, &status, NULL) == TERN_OK &&
            status.is_finished)
            result = 0;
        if (result >= 0)
            return result;
    }
}

int main(int argc, char **argv)
{
    tern_add *add = tern_add_new();
    tern_torrent *torrent = NULL;
    tern_error *err = NULL;
    int i, result;
    if (argc < 4)
        return fail(NULL);
    if (tern_session_new(NULL, &session, &err) ||
        tern_add_set_metainfo_file(add, argv[1], strlen(argv[1]), &err) ||
        tern_add_set_save_path(add, argv[2], strlen(argv[2]), &err) ||
        tern_add_set_verify_hook(add, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, &err))
        return fail(err);
    for (i = 4; i < argc; i++)
        if (tern_add_add_peer(add, argv[i], strlen(argv[i]), &err))
            return fail(err);
    if (tern_session_add(session, add, &torrent, &err))
        return fail(err);
    tern_add_free(add);
    result = run(torrent, argv[3]);
    tern_session_close(session, -1, NULL, NULL);
    tern_torrent_release(torrent);
    tern_session_release(session);
    if (result == 0)
        printf("complete\n");
    return result;
}
