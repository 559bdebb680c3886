/* Sessions do not survive fork: the child is told so, frees nothing, and leaves the parent's
 * session working. A session made in the child works. */
#include "host.h"

#include <sys/wait.h>

static int in_child(tern_session *session, tern_torrent *torrent, tern_batch *batch)
{
    tern_status status;
    tern_error *err = NULL;
    tern_session *own;
    tern_event event;
    if (tern_session_pause(session, &err) != TERN_E_FORKED || err == NULL)
        return 10;
    if (tern_error_code(err) != TERN_E_FORKED)
        return 11;
    tern_error_free(err);
    if (tern_torrent_status(torrent, &status, NULL) != TERN_E_FORKED)
        return 12;
    if (tern_session_event_fd(session) != -1 || tern_session_wait(session, -1, NULL) >= 0)
        return 13;
    if (tern_session_close(session, -1, NULL, NULL) != TERN_E_FORKED)
        return 14;
    if (tern_batch_len(batch) != 0 || tern_batch_get(batch, 0, &event) != TERN_E_FORKED)
        return 15;
    tern_batch_free(batch);
    tern_torrent_release(torrent);
    tern_session_release(session);
    own = make_session();
    if (tern_session_pause(own, NULL) != TERN_OK)
        return 16;
    if (tern_session_close(own, PATIENCE_MS, NULL, NULL) != TERN_OK)
        return 17;
    tern_session_release(own);
    return 0;
}

int main(void)
{
    tern_session *session = make_session();
    tern_metainfo *torrent = make_torrent("content", 200000);
    tern_torrent *seed = add_torrent(session, make_add(torrent, "seed", NULL));
    tern_batch *batch;
    int status = -1;
    pid_t child;
    wait_finished(session, seed);
    OK(tern_torrent_recheck(seed, err));
    CHECK(tern_session_wait(session, PATIENCE_MS, NULL) == 1);
    OK(tern_session_take(session, 1, &batch, err));
    CHECK(tern_batch_len(batch) == 1);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(in_child(session, seed, batch));
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "the child ended with %d\n", status);
        return 1;
    }
    CHECK(tern_batch_len(batch) == 1);
    tern_batch_free(batch);
    wait_finished(session, seed);
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    tern_torrent_release(seed);
    tern_session_release(session);
    tern_metainfo_free(torrent);
    return 0;
}
