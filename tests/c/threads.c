/* One session, many threads: adding, looking, changing, removing and pumping at the same time. What
 * is said of the threads of each function in the header is tried here. */
#include "host.h"

#include <pthread.h>

#define WORKERS 4
#define ROUNDS 40

static tern_session *session;
static tern_torrent *common;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int working = WORKERS;
static unsigned removed;

/* A torrent that no other thread has: one piece of its own name. */
static tern_metainfo *own_torrent(int worker, int round)
{
    char text[256], name[32];
    tern_metainfo *torrent;
    int len;
    snprintf(name, sizeof name, "w%d-r%d", worker, round);
    len = snprintf(text, sizeof text,
                   "d4:infod6:lengthi1e4:name%d:%s12:piece lengthi16384e6:pieces20:%-20see",
                   (int)strlen(name), name, "x");
    OK(tern_metainfo_parse((const uint8_t *)text, (size_t)len, &torrent, err));
    return torrent;
}

static void look(const tern_torrent *torrent)
{
    tern_status status;
    tern_peers *peers;
    tern_trackers *trackers;
    tern_metainfo *info;
    OK(tern_torrent_status(torrent, &status, err));
    OK(tern_torrent_take_peers(torrent, &peers, err));
    tern_peers_free(peers);
    OK(tern_torrent_take_trackers(torrent, &trackers, err));
    tern_trackers_free(trackers);
    OK(tern_torrent_take_metainfo(torrent, &info, err));
    CHECK(tern_metainfo_piece_count(info) > 0);
    tern_metainfo_free(info);
}

static void *work(void *number)
{
    int worker = *(int *)number, round;
    for (round = 0; round < ROUNDS; round++) {
        tern_metainfo *info = own_torrent(worker, round);
        tern_torrent *mine = add_torrent(session, make_add(info, "leech", NULL)), *found;
        tern_torrent *held = tern_torrent_retain(common);
        tern_bytes hash = tern_metainfo_info_hash(info);
        tern_stats stats;
        look(held);
        look(mine);
        OK(tern_torrent_set_limits(held, 1000000u + (unsigned)round, 0, err));
        OK(tern_torrent_set_sequential(held, round & 1, err));
        OK(tern_session_stats(session, &stats, err));
        OK(tern_session_find(session, hash.ptr, &found, err));
        CHECK(tern_torrent_id(found) == tern_torrent_id(mine));
        tern_torrent_release(found);
        OK(tern_torrent_remove(mine, 0, err));
        tern_torrent_release(mine);
        tern_torrent_release(held);
        tern_metainfo_free(info);
    }
    CHECK(pthread_mutex_lock(&lock) == 0);
    working--;
    CHECK(pthread_mutex_unlock(&lock) == 0);
    return NULL;
}

/* Several threads take events: each event goes to exactly one of them. */
static void *pump(void *unused)
{
    for (;;) {
        tern_batch *batch;
        size_t i;
        unsigned seen = 0, done;
        CHECK(tern_session_wait(session, 20, NULL) >= 0);
        OK(tern_session_take(session, 7, &batch, err));
        for (i = 0; i < tern_batch_len(batch); i++) {
            tern_event event;
            CHECK(tern_batch_get(batch, i, &event) == TERN_OK);
            seen += event.kind == TERN_EVENT_REMOVED;
        }
        tern_batch_free(batch);
        CHECK(pthread_mutex_lock(&lock) == 0);
        removed += seen;
        done = working == 0 && removed == WORKERS * ROUNDS;
        CHECK(pthread_mutex_unlock(&lock) == 0);
        if (done)
            return unused;
    }
}

int main(void)
{
    tern_metainfo *torrent = make_torrent("content", 400000);
    pthread_t workers[WORKERS], pumps[2];
    int numbers[WORKERS], i;
    session = make_session();
    common = add_torrent(session, make_add(torrent, "seed", NULL));
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&pumps[i], NULL, pump, NULL) == 0);
    for (i = 0; i < WORKERS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&workers[i], NULL, work, &numbers[i]) == 0);
    }
    for (i = 0; i < WORKERS; i++)
        CHECK(pthread_join(workers[i], NULL) == 0);
    for (i = 0; i < 2; i++)
        CHECK(pthread_join(pumps[i], NULL) == 0);
    CHECK(removed == WORKERS * ROUNDS);
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    tern_torrent_release(common);
    tern_session_release(session);
    tern_metainfo_free(torrent);
    return 0;
}
