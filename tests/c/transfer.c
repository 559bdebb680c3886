/* Two sessions in one process: one seeds, the other fetches, with both hooks in both modes. SIGPIPE
 * is left alone, as C programs do. */
#include "host.h"

struct counts {
    tern_session *session;
    unsigned verified, saved, destroyed;
    uint64_t generation;
};

static int32_t verify(void *user, const tern_event *request, int64_t *detail)
{
    struct counts *counts = user;
    tern_bytes data;
    CHECK(request->kind == TERN_EVENT_VERIFY_REQUEST);
    CHECK(request->event_class == TERN_CLASS_REQUEST && request->torrent != NULL);
    CHECK(request->code == 1 && request->b == 1 && *detail == 0);
    /* The bytes are there, whole, and stay where they are. */
    OK(tern_request_data(counts->session, request->token, &data, err));
    CHECK(data.len == (size_t)request->a);
    counts->verified++;
    return TERN_VERDICT_ACCEPT;
}

static int32_t save(void *user, const tern_event *request, int64_t *detail)
{
    struct counts *counts = user;
    (void)detail;
    CHECK(request->kind == TERN_EVENT_SAVE_REQUEST);
    CHECK(request->data.len > 2 && request->data.ptr[0] == 'd');
    CHECK(request->generation > counts->generation);
    counts->generation = request->generation;
    counts->saved++;
    return TERN_VERDICT_ACCEPT;
}

static void destroy(void *user)
{
    ((struct counts *)user)->destroyed++;
}

/* One tracker is asked by its URL, if the torrent has it. */
static void check_trackers(tern_torrent *leech)
{
    static const char url[] = "http://127.0.0.1:1/announce";
    const size_t length = sizeof url - 1;
    CHECK(tern_torrent_announce_tracker(leech, url, length, NULL) == TERN_E_NOT_FOUND);
    CHECK(tern_torrent_scrape_tracker(leech, url, length, NULL) == TERN_E_NOT_FOUND);
    CHECK(tern_torrent_announce_tracker(leech, NULL, 1, NULL) == TERN_E_INVALID);
    OK(tern_torrent_add_tracker(leech, 0, url, length, err));
    OK(tern_torrent_announce_tracker(leech, url, length, err));
    OK(tern_torrent_scrape_tracker(leech, url, length, err));
}

/* The other side said which address it sees. */
static void check_external(tern_session *session)
{
    char wanted[64];
    tern_buf buf = {NULL, 0};
    tern_stats stats;
    uint16_t port = 0;
    OK(tern_session_listen_port(session, &port, err));
    snprintf(wanted, sizeof wanted, "127.0.0.1:%u", (unsigned)port);
    OK(tern_session_take_external(session, &buf, err));
    CHECK(buf.len == strlen(wanted) && memcmp(buf.ptr, wanted, buf.len) == 0);
    tern_buf_free(&buf);
    CHECK(tern_session_take_external(session, NULL, NULL) == TERN_E_INVALID);
    OK(tern_session_stats(session, &stats, err));
    CHECK(stats.struct_size == sizeof stats && stats.udp_tracker_sent == 0);
}

static void run(int inline_mode)
{
    struct counts counts = {NULL, 0, 0, 0, 0};
    char from[256], to[256];
    tern_metainfo *torrent = make_torrent("content", 1000001);
    tern_session *seeder = make_session(), *leecher = make_session();
    tern_torrent *seed, *leech;
    tern_event event;
    tern_add *add = make_add(torrent, "leech", seeder);
    seed = add_torrent(seeder, make_add(torrent, "seed", NULL));
    wait_finished(seeder, seed);
    counts.session = leecher;
    if (inline_mode) {
        OK(tern_add_set_verify_hook(add, TERN_HOOK_INLINE, 0, verify, &counts, destroy, err));
        OK(tern_add_set_save_hook(add, TERN_HOOK_INLINE, 0, save, &counts, destroy, err));
    } else {
        OK(tern_add_set_verify_hook(add, TERN_HOOK_QUEUED, 0, NULL, &counts, destroy, err));
        OK(tern_add_set_save_hook(add, TERN_HOOK_QUEUED, 0, NULL, &counts, destroy, err));
    }
    OK(tern_add_set_save_policy(add, TERN_SAVE_ON_PIECE | TERN_SAVE_AT_CLOSE, 0, err));
    leech = add_torrent(leecher, add);
    pump_until(leecher, TERN_EVENT_FINISHED, &event);
    CHECK(event.torrent_id == tern_torrent_id(leech));
    CHECK(is_finished(leech));
    check_trackers(leech);
    check_external(leecher);
    if (!inline_mode)
        pump_until(leecher, TERN_EVENT_SAVED, NULL);
    OK(tern_session_close_begin(leecher, err));
    pump_until(leecher, TERN_EVENT_CLOSED, &event);
    CHECK(event.a == 0);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    CHECK(counts.destroyed == 2);
    if (inline_mode) {
        CHECK(counts.verified == tern_metainfo_piece_count(torrent));
        CHECK(counts.saved >= 1);
    }
    in_scratch(from, sizeof from, "seed/content");
    in_scratch(to, sizeof to, "leech/content");
    CHECK(same_content(from, to));
    CHECK(remove(to) == 0);
    OK(tern_session_close(seeder, PATIENCE_MS, NULL, err));
    tern_torrent_release(seed);
    tern_session_release(leecher);
    tern_torrent_release(leech);
    tern_session_release(seeder);
    tern_metainfo_free(torrent);
}

int main(void)
{
    run(0);
    run(1);
    return 0;
}
