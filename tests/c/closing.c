/* The two phases of the end, with a host that is slow to answer and one that never does. */
#include "host.h"

static tern_session *with_save_hook(const tern_metainfo *torrent, tern_torrent **out)
{
    tern_session *session = make_session();
    OK(tern_session_set_save_hook(session, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, err));
    *out = add_torrent(session, make_add(torrent, "seed", NULL));
    wait_finished(session, *out);
    return session;
}

/* Answers when it likes: the session waits, is asked again and again, and closes in the end. */
static void slow_owner(const tern_metainfo *torrent)
{
    tern_torrent *seed;
    tern_session *session = with_save_hook(torrent, &seed);
    uint32_t unsaved = 0;
    tern_event event;
    OK(tern_session_close_begin(session, err));
    CHECK(tern_session_close(session, 50, &unsaved, NULL) == TERN_E_TIMEOUT);
    CHECK(unsaved == 1);
    CHECK(tern_session_pause(session, NULL) == TERN_E_CLOSED);
    pump_until(session, TERN_EVENT_CLOSED, &event);
    CHECK(event.a == 0);
    OK(tern_session_close(session, PATIENCE_MS, &unsaved, err));
    CHECK(unsaved == 0);
    CHECK(tern_torrent_pause(seed, NULL) == TERN_E_GONE);
    tern_torrent_release(seed);
    tern_session_release(session);
}

/* Never answers: the close says what is not saved, and release does not wait for it. */
static void owner_that_never_answers(const tern_metainfo *torrent)
{
    tern_torrent *seed;
    tern_session *session = with_save_hook(torrent, &seed);
    uint32_t unsaved = 0;
    CHECK(tern_session_close(session, 50, &unsaved, NULL) == TERN_E_TIMEOUT);
    CHECK(unsaved == 1);
    tern_session_release(session);
    CHECK(tern_torrent_pause(seed, NULL) == TERN_E_GONE);
    CHECK(tern_torrent_take_session(seed) == NULL);
    tern_torrent_release(seed);
}

/* Release without close is legal, with everything still held and running. */
static void no_close(const tern_metainfo *torrent)
{
    tern_torrent *seed;
    tern_session *session = with_save_hook(torrent, &seed);
    tern_batch *batch;
    OK(tern_torrent_save(seed, err));
    CHECK(tern_session_wait(session, PATIENCE_MS, NULL) == 1);
    OK(tern_session_take(session, 0, &batch, err));
    tern_session_release(session);
    CHECK(tern_torrent_id(seed) != 0);
    tern_torrent_release(seed);
    tern_batch_free(batch);
}

int main(void)
{
    tern_metainfo *torrent = make_torrent("content", 100000);
    slow_owner(torrent);
    owner_that_never_answers(torrent);
    no_close(torrent);
    tern_metainfo_free(torrent);
    return 0;
}
