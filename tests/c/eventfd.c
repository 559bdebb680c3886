/* The descriptor of the event queue in a poll loop: level-triggered, readable iff events wait. */
#include "host.h"

#include <pthread.h>

static int readable(int fd, int timeout_ms)
{
    struct pollfd p;
    p.fd = fd;
    p.events = POLLIN;
    p.revents = 0;
    CHECK(poll(&p, 1, timeout_ms) >= 0);
    return (p.revents & POLLIN) != 0;
}

static void *wake_it(void *session)
{
    CHECK(tern_session_wake(session) == TERN_OK);
    return NULL;
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

int main(void)
{
    tern_metainfo *torrent = make_torrent("content", 500000);
    tern_session *session = make_session();
    tern_torrent *seed;
    tern_batch *batch;
    pthread_t thread;
    struct sigaction action;
    int fd = tern_session_event_fd(session), finished = 0;
    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    /* LISTENING waits: readable, and still readable when asked again. */
    CHECK(readable(fd, 0) && readable(fd, 0));
    CHECK(tern_session_wait(session, -1, NULL) == 1);
    OK(tern_session_take(session, 0, &batch, err));
    CHECK(tern_batch_len(batch) == 1);
    tern_batch_free(batch);
    CHECK(!readable(fd, 0));
    CHECK(tern_session_wait(session, 0, NULL) == 0);
    seed = add_torrent(session, make_add(torrent, "seed", NULL));
    /* One event at a time: no wake-up is lost although nothing is drained at once. */
    while (!finished) {
        tern_event event;
        CHECK(readable(fd, PATIENCE_MS));
        OK(tern_session_take(session, 1, &batch, err));
        CHECK(tern_batch_len(batch) == 1 && tern_batch_get(batch, 0, &event) == TERN_OK);
        CHECK(tern_batch_get(batch, 1, &event) == TERN_E_RANGE);
        finished = event.kind == TERN_EVENT_FINISHED || event.kind == TERN_EVENT_CHECKED;
        tern_batch_free(batch);
    }
    CHECK(tern_session_event_fd(session) == fd);
    /* Nothing but requests and vital events is queued for a host that wants nothing. */
    OK(tern_session_subscribe(session, 0, err));
    OK(tern_session_take(session, 0, &batch, err));
    tern_batch_free(batch);
    OK(tern_torrent_recheck(seed, err));
    while (!is_finished(seed))
        CHECK(!readable(fd, 1));
    /* A wake-up from another thread ends a wait that would last for ever. */
    CHECK(pthread_create(&thread, NULL, wake_it, session) == 0);
    CHECK(tern_session_wait(session, -1, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    /* So does a signal: scripting hosts run their handlers then. */
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    alarm(1);
    CHECK(tern_session_wait(session, -1, NULL) == 0);
    CHECK(alarms == 1);
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    CHECK(readable(fd, 0)); /* CLOSED */
    tern_torrent_release(seed);
    tern_session_release(session);
    tern_metainfo_free(torrent);
    return 0;
}
