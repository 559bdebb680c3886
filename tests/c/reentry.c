/* What may be called inside an INLINE hook, what may not, and when `destroy` runs. */
#include "host.h"

static tern_session *leecher;
static unsigned asked, destroyed;
static int pending_checked;

static int32_t verify(void *user, const tern_event *request, int64_t *detail)
{
    tern_status status;
    tern_torrent *held;
    tern_error *err = NULL;
    (void)detail;
    CHECK(user == &asked);
    asked++;
    CHECK(tern_session_wait(leecher, -1, &err) == TERN_E_REENTRANT);
    CHECK(strstr(tern_error_message(err), "tern_session_wait") != NULL);
    tern_error_free(err);
    CHECK(tern_session_close(leecher, -1, NULL, NULL) == TERN_E_REENTRANT);
    /* All else is legal. */
    CHECK(tern_torrent_status(request->torrent, &status, NULL) == TERN_OK);
    CHECK(status.pieces_have < status.pieces_total);
    held = tern_torrent_retain(request->torrent);
    CHECK(held == request->torrent);
    tern_torrent_release(held);
    CHECK(tern_session_subscribe(leecher, TERN_CLASS_DEFAULT, NULL) == TERN_OK);
    CHECK(tern_torrent_set_sequential(request->torrent, 1, NULL) == TERN_OK);
    if (asked == 1) {
        /* Answered by the function itself: the second answer comes too late. */
        CHECK(tern_request_complete(leecher, request->token, TERN_VERDICT_ACCEPT, 0, NULL) ==
              TERN_OK);
        CHECK(tern_request_complete(leecher, request->token, TERN_VERDICT_ACCEPT, 0, NULL) ==
              TERN_E_GONE);
        pending_checked = 1;
        return TERN_VERDICT_PENDING;
    }
    return TERN_VERDICT_ACCEPT;
}

static void destroy(void *user)
{
    CHECK(user == &asked);
    destroyed++;
}

static void registrations(tern_session *session)
{
    /* Failing registrations destroy too. */
    CHECK(tern_session_set_save_hook(session, TERN_HOOK_INLINE, 0, NULL, &asked, destroy, NULL) ==
          TERN_E_INVALID);
    CHECK(destroyed == 1);
    CHECK(tern_session_set_save_hook(session, TERN_HOOK_QUEUED, 0, verify, &asked, destroy, NULL) ==
          TERN_E_INVALID);
    CHECK(destroyed == 2);
    CHECK(tern_session_set_save_hook(session, 77, 0, NULL, &asked, destroy, NULL) ==
          TERN_E_INVALID);
    CHECK(destroyed == 3);
    CHECK(tern_session_set_save_hook(NULL, TERN_HOOK_QUEUED, 0, NULL, &asked, destroy, NULL) ==
          TERN_E_INVALID);
    CHECK(destroyed == 4);
    /* Replacing and removing destroy the old one inside the call. */
    OK(tern_session_set_save_hook(session, TERN_HOOK_QUEUED, 0, NULL, &asked, destroy, err));
    CHECK(destroyed == 4);
    OK(tern_session_set_save_hook(session, TERN_HOOK_QUEUED, 0, NULL, &asked, destroy, err));
    CHECK(destroyed == 5);
    OK(tern_session_set_save_hook(session, TERN_HOOK_NONE, 0, NULL, NULL, NULL, err));
    CHECK(destroyed == 6);
    destroyed = 0;
}

int main(void)
{
    tern_metainfo *torrent = make_torrent("content", 300000);
    tern_session *seeder = make_session();
    tern_torrent *seed, *leech;
    tern_add *unused;
    leecher = make_session();
    registrations(leecher);
    seed = add_torrent(seeder, make_add(torrent, "seed", NULL));
    wait_finished(seeder, seed);
    OK(tern_session_set_verify_hook(leecher, TERN_HOOK_INLINE, 0, verify, &asked, destroy, err));
    leech = add_torrent(leecher, make_add(torrent, "leech", seeder));
    wait_finished(leecher, leech);
    CHECK(asked == tern_metainfo_piece_count(torrent) && pending_checked);
    /* A builder that is never added gives its hooks back. */
    unused = tern_add_new();
    OK(tern_add_set_verify_hook(unused, TERN_HOOK_INLINE, 0, verify, &asked, destroy, err));
    tern_add_free(unused);
    CHECK(destroyed == 1);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    CHECK(destroyed == 2);
    CHECK(tern_session_set_verify_hook(leecher, TERN_HOOK_QUEUED, 0, NULL, &asked, destroy, NULL) ==
          TERN_E_CLOSED);
    CHECK(destroyed == 3);
    OK(tern_session_close(seeder, PATIENCE_MS, NULL, err));
    tern_torrent_release(seed);
    tern_torrent_release(leech);
    tern_session_release(leecher);
    tern_session_release(seeder);
    tern_metainfo_free(torrent);
    return 0;
}
