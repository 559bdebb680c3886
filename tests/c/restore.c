/* A state directory: everything comes back in order, nobody shares it, a forked child does not keep
 * it from its parent's successor, and what is damaged is said. */
#include "host.h"

#include <sys/wait.h>

static char state[256];

static tern_result open_session(tern_session **out, tern_error **err)
{
    tern_config *config = tern_config_new();
    tern_result result;
    CHECK(tern_config_set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, NULL) == TERN_OK);
    CHECK(tern_config_set_str(config, TERN_OPT_STATE_DIR, state, strlen(state), NULL) == TERN_OK);
    result = tern_session_new(config, out, err);
    tern_config_free(config);
    return result;
}

static void end(tern_session *session)
{
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    tern_session_release(session);
}

static void name_of(const tern_torrent *torrent, char *out, size_t size)
{
    tern_status status;
    uint32_t position = 99;
    OK(tern_torrent_status(torrent, &status, err));
    OK(tern_torrent_queue_position(torrent, &position, err));
    snprintf(out, size, "%u:%u/%u", (unsigned)position, (unsigned)status.pieces_have,
             (unsigned)status.pieces_total);
}

static void fill(tern_metainfo **torrents, uint8_t hashes[3][20])
{
    tern_session *session;
    tern_torrent *handles[3];
    uint32_t restored = 9, failed = 9;
    int i;
    OK(open_session(&session, err));
    OK(tern_session_restore(session, &restored, &failed, err));
    CHECK(restored == 0 && failed == 0);
    for (i = 0; i < 3; i++) {
        handles[i] = add_torrent(session, make_add(torrents[i], "seed", NULL));
        wait_finished(session, handles[i]);
        OK(tern_torrent_info_hash(handles[i], hashes[i], err));
    }
    OK(tern_torrent_set_queue_position(handles[2], 0, err));
    end(session);
    CHECK(tern_torrent_set_queue_position(handles[0], 1, NULL) == TERN_E_GONE);
    for (i = 0; i < 3; i++)
        tern_torrent_release(handles[i]);
}

static void all_come_back(uint8_t hashes[3][20])
{
    static const int order[3] = {2, 0, 1};
    tern_session *session;
    tern_torrent *found[4];
    uint32_t restored = 0;
    size_t count = 0, i;
    OK(open_session(&session, err));
    OK(tern_session_restore(session, &restored, NULL, err));
    CHECK(restored == 3);
    OK(tern_session_queue(session, found, 4, &count, err));
    CHECK(count == 3);
    for (i = 0; i < count; i++) {
        uint8_t hash[20];
        char said[32], wanted[32];
        wait_finished(session, found[i]);
        OK(tern_torrent_info_hash(found[i], hash, err));
        CHECK(memcmp(hash, hashes[order[i]], 20) == 0);
        name_of(found[i], said, sizeof said);
        snprintf(wanted, sizeof wanted, "%u:4/4", (unsigned)i);
        CHECK(strcmp(said, wanted) == 0);
        tern_torrent_release(found[i]);
    }
    end(session);
}

static void nobody_shares_it(void)
{
    tern_session *session, *other = NULL;
    tern_error *err_ = NULL;
    tern_bytes path;
    pid_t child;
    int status;
    OK(open_session(&session, err));
    CHECK(open_session(&other, &err_) == TERN_E_IN_USE && other == NULL);
    path = tern_error_path(err_);
    CHECK(path.len == strlen(state) && memcmp(path.ptr, state, path.len) == 0);
    tern_error_free(err_);
    /* A child that outlives its parent's session holds nothing. */
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pause();
        _exit(0);
    }
    end(session);
    OK(open_session(&session, err));
    end(session);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
}

/* The first process is killed while a child of it lives on: its successor gets the directory. */
static void killed(void)
{
    tern_session *session;
    uint32_t restored = 0;
    int ready[2];
    char grandchild[32];
    pid_t holder;
    int status;
    CHECK(pipe(ready) == 0);
    holder = fork();
    CHECK(holder >= 0);
    if (holder == 0) {
        pid_t child;
        OK(open_session(&session, err));
        child = fork();
        if (child == 0) {
            pause();
            _exit(0);
        }
        snprintf(grandchild, sizeof grandchild, "%ld", (long)child);
        CHECK(write(ready[1], grandchild, sizeof grandchild) == (ssize_t)sizeof grandchild);
        pause();
        _exit(0);
    }
    CHECK(read(ready[0], grandchild, sizeof grandchild) == (ssize_t)sizeof grandchild);
    CHECK(open_session(&session, NULL) == TERN_E_IN_USE);
    CHECK(kill(holder, SIGKILL) == 0 && waitpid(holder, &status, 0) == holder);
    OK(open_session(&session, err));
    OK(tern_session_restore(session, &restored, NULL, err));
    CHECK(restored == 3);
    end(session);
    CHECK(kill((pid_t)atol(grandchild), SIGKILL) == 0);
    close(ready[0]);
    close(ready[1]);
}

static void damaged(void)
{
    tern_session *session;
    tern_event event;
    uint32_t restored = 9;
    char path[512];
    FILE *file;
    snprintf(path, sizeof path, "%s/tern.db", state);
    file = fopen(path, "wb");
    CHECK(file != NULL && fputs("this is not a database", file) > 0 && fclose(file) == 0);
    OK(open_session(&session, err));
    pump_until(session, TERN_EVENT_STORE_DAMAGED, &event);
    CHECK(event.a == 0 && event.b == 0 && event.event_class == TERN_CLASS_ERROR);
    OK(tern_session_restore(session, &restored, NULL, err));
    CHECK(restored == 0);
    end(session);
    session = make_session();
    CHECK(tern_session_restore(session, NULL, NULL, NULL) == TERN_E_STATE);
    end(session);
}

int main(void)
{
    tern_metainfo *torrents[3];
    uint8_t hashes[3][20];
    int i;
    in_scratch(state, sizeof state, "state");
    torrents[0] = make_torrent("one", 100000);
    torrents[1] = make_torrent("two", 110000);
    torrents[2] = make_torrent("three", 120000);
    fill(torrents, hashes);
    all_come_back(hashes);
    nobody_shares_it();
    killed();
    damaged();
    for (i = 0; i < 3; i++)
        tern_metainfo_free(torrents[i]);
    return 0;
}
