/* Owners of verify hooks that are slow, that answer out of order, that never answer, and that fail;
 * and owners of save hooks that fail. Nothing of it may stop the session or count a piece early. */
#include "host.h"

#define WINDOW 4

static tern_session *seeder, *leecher;

static tern_session *with_window(void)
{
    tern_config *config = tern_config_new();
    tern_session *session;
    OK(tern_config_set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, err));
    OK(tern_config_set_int(config, TERN_OPT_VERIFY_WINDOW, WINDOW, err));
    OK(tern_session_new(config, &session, err));
    tern_config_free(config);
    OK(tern_session_set_verify_hook(session, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, err));
    return session;
}

static unsigned have(const tern_torrent *torrent)
{
    tern_status status;
    OK(tern_torrent_status(torrent, &status, err));
    return status.pieces_have;
}

/* Collects requests until `count` are open, without answering. */
static size_t collect(uint64_t *tokens, size_t open, size_t count, const tern_torrent *torrent)
{
    long long end = now_ms() + PATIENCE_MS;
    while (open < count && !is_finished(torrent)) {
        tern_batch *batch;
        size_t i;
        CHECK(now_ms() < end);
        CHECK(tern_session_wait(leecher, 20, NULL) >= 0);
        OK(tern_session_take(leecher, 0, &batch, err));
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            CHECK(tern_batch_get(batch, i, &event) == TERN_OK);
            if (event.kind == TERN_EVENT_VERIFY_REQUEST) {
                CHECK(open < WINDOW);
                tokens[open++] = event.token;
            }
        }
        tern_batch_free(batch);
    }
    return open;
}

/* Answers late and in the wrong order: nothing is had before, all is had in the end. */
static void slow(const tern_metainfo *info)
{
    uint64_t tokens[WINDOW];
    size_t open;
    unsigned answered = 0;
    tern_torrent *torrent;
    tern_bytes data;
    leecher = with_window();
    torrent = add_torrent(leecher, make_add(info, "leech", seeder));
    open = collect(tokens, 0, WINDOW, torrent);
    CHECK(have(torrent) == 0);
    while (open > 0) {
        uint64_t token = tokens[--open];
        OK(tern_request_data(leecher, token, &data, err));
        CHECK(data.len > 0);
        OK(tern_request_complete(leecher, token, TERN_VERDICT_ACCEPT, 0, err));
        CHECK(tern_request_complete(leecher, token, TERN_VERDICT_ACCEPT, 0, NULL) == TERN_E_GONE);
        CHECK(tern_request_data(leecher, token, &data, NULL) == TERN_E_GONE);
        answered++;
        CHECK(have(torrent) <= answered);
        if (answered + open < tern_metainfo_piece_count(info))
            open = collect(tokens, open, open + 1, torrent);
    }
    CHECK(is_finished(torrent) && answered == tern_metainfo_piece_count(info));
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    tern_torrent_release(torrent);
    tern_session_release(leecher);
}

/* Never answers: the window fills, nothing is had, and closing does not wait for it. */
static void never(const tern_metainfo *info)
{
    uint64_t tokens[WINDOW];
    tern_torrent *torrent;
    leecher = with_window();
    torrent = add_torrent(leecher, make_add(info, "never", seeder));
    CHECK(collect(tokens, 0, WINDOW, torrent) == WINDOW);
    CHECK(have(torrent) == 0);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    CHECK(tern_request_complete(leecher, tokens[0], TERN_VERDICT_ACCEPT, 0, NULL) < 0);
    tern_torrent_release(torrent);
    tern_session_release(leecher);
}

/* Fails: the torrent stops and says why, with the owner's number. */
static void failing(const tern_metainfo *info)
{
    uint64_t tokens[WINDOW];
    tern_torrent *torrent;
    tern_event event;
    tern_status status;
    leecher = with_window();
    torrent = add_torrent(leecher, make_add(info, "failing", seeder));
    CHECK(collect(tokens, 0, 1, torrent) >= 1);
    OK(tern_request_complete(leecher, tokens[0], TERN_VERDICT_FAIL, 77, err));
    pump_until(leecher, TERN_EVENT_VERIFIER_FAILED, &event);
    CHECK(event.code == 77 && event.torrent_id == tern_torrent_id(torrent));
    OK(tern_torrent_status(torrent, &status, err));
    CHECK(status.state == TERN_STATE_FAILED);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    tern_torrent_release(torrent);
    tern_session_release(leecher);
}

static uint64_t refused;

static int32_t cannot_save(void *user, const tern_event *request, int64_t *detail)
{
    (void)user;
    if (refused == 0)
        refused = request->generation;
    *detail = 28;
    return TERN_VERDICT_FAIL;
}

/* A save hook that fails: the event says which generation, and the owner's number. */
static void cannot(const tern_metainfo *info)
{
    tern_session *session = make_session();
    tern_torrent *torrent = add_torrent(session, make_add(info, "seed", NULL));
    tern_event event;
    OK(tern_torrent_set_save_hook(torrent, TERN_HOOK_INLINE, 0, cannot_save, NULL, NULL, err));
    wait_finished(session, torrent);
    OK(tern_torrent_save(torrent, err));
    pump_until(session, TERN_EVENT_SAVE_FAILED, &event);
    CHECK(event.code == 28 && event.generation != 0 && event.generation == refused);
    CHECK(event.text.len > 0 || event.text.ptr == NULL);
    OK(tern_torrent_remove(torrent, 0, err));
    pump_until(session, TERN_EVENT_REMOVED, NULL);
    tern_torrent_release(torrent);
    tern_session_release(session);
}

/* Removing is not at once: until REMOVED the torrent is there, and cannot be added again. */
static void again(const tern_metainfo *info)
{
    tern_session *session = make_session();
    tern_torrent *torrent = add_torrent(session, make_add(info, "seed", NULL)), *second;
    uint64_t number = tern_torrent_id(torrent);
    OK(tern_torrent_remove(torrent, 0, err));
    CHECK(tern_torrent_remove(torrent, 0, NULL) == TERN_E_GONE);
    pump_until(session, TERN_EVENT_REMOVED, NULL);
    second = add_torrent(session, make_add(info, "seed", NULL));
    CHECK(tern_torrent_id(second) != number);
    CHECK(tern_torrent_pause(torrent, NULL) == TERN_E_GONE);
    tern_torrent_release(torrent);
    tern_torrent_release(second);
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    tern_session_release(session);
}

/* What exactly was wrong with bytes that were handed in, or with which option. */
static void details(void)
{
    tern_error *err = NULL;
    tern_metainfo *info;
    tern_config *config = tern_config_new();
    CHECK(tern_metainfo_parse((const uint8_t *)"no", 2, &info, &err) == TERN_E_METAINFO);
    CHECK(tern_error_detail(err) == TERN_DETAIL_BENCODE);
    tern_error_free(err);
    CHECK(tern_metainfo_parse((const uint8_t *)"de", 2, &info, &err) == TERN_E_METAINFO);
    CHECK(tern_error_detail(err) == TERN_DETAIL_MISSING);
    tern_error_free(err);
    CHECK(tern_config_set_int(config, TERN_OPT_VERIFY_WINDOW, -1, &err) == TERN_E_RANGE);
    CHECK(tern_error_detail(err) == TERN_OPT_VERIFY_WINDOW);
    tern_error_free(err);
    tern_config_free(config);
}

int main(void)
{
    tern_metainfo *info = make_torrent("content", 500000);
    tern_torrent *seed;
    make_dir("never");
    make_dir("failing");
    seeder = make_session();
    seed = add_torrent(seeder, make_add(info, "seed", NULL));
    wait_finished(seeder, seed);
    slow(info);
    never(info);
    failing(info);
    OK(tern_session_close(seeder, PATIENCE_MS, NULL, err));
    tern_torrent_release(seed);
    tern_session_release(seeder);
    cannot(info);
    again(info);
    details();
    tern_metainfo_free(info);
    return 0;
}
