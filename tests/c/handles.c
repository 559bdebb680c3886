/* Objects in the wrong order, twice, NULL, gone: nothing may crash, all is said. */
#include "host.h"

static void null_everywhere(void)
{
    tern_error *err = NULL;
    tern_event event;
    tern_status status;
    tern_session_release(NULL);
    tern_torrent_release(NULL);
    tern_batch_free(NULL);
    tern_config_free(NULL);
    tern_add_free(NULL);
    tern_metainfo_free(NULL);
    tern_create_free(NULL);
    tern_peers_free(NULL);
    tern_trackers_free(NULL);
    tern_error_free(NULL);
    tern_buf_free(NULL);
    CHECK(tern_session_retain(NULL) == NULL && tern_torrent_retain(NULL) == NULL);
    CHECK(tern_session_pause(NULL, &err) == TERN_E_INVALID && err != NULL);
    CHECK(tern_error_code(err) == TERN_E_INVALID && tern_error_errno(err) == 0);
    CHECK(strlen(tern_error_message(err)) > 0 && tern_error_path(err).len == 0);
    tern_error_free(err);
    CHECK(tern_session_new(NULL, NULL, NULL) == TERN_E_INVALID);
    CHECK(tern_torrent_id(NULL) == 0 && tern_batch_len(NULL) == 0);
    CHECK(tern_batch_get(NULL, 0, &event) == TERN_E_INVALID);
    CHECK(tern_torrent_status(NULL, &status, NULL) == TERN_E_INVALID);
    CHECK(tern_metainfo_name(NULL).len == 0 && tern_metainfo_name(NULL).ptr != NULL);
    CHECK(tern_session_event_fd(NULL) == -1);
    CHECK(tern_error_code(NULL) == TERN_E_INVALID || tern_error_code(NULL) == TERN_OK);
    CHECK(tern_metainfo_parse(NULL, 5, (tern_metainfo **)&err, NULL) == TERN_E_INVALID);
}

/* A pointer of one type given for another is refused. */
static void wrong_type(const tern_metainfo *torrent)
{
    tern_config *config = tern_config_new();
    CHECK(tern_session_pause((const tern_session *)(const void *)config, NULL) == TERN_E_INVALID);
    CHECK(tern_torrent_pause((const tern_torrent *)(const void *)torrent, NULL) == TERN_E_INVALID);
    tern_config_free(config);
}

/* An old caller's smaller structure, and a newer one's larger structure. */
static void sizes(const tern_torrent *torrent)
{
    struct {
        tern_status status;
        unsigned char more[16];
    } large;
    unsigned char small[12];
    tern_status status;
    memset(&large, 0xff, sizeof large);
    OK(tern_torrent_status_sized(torrent, &large.status, sizeof large, err));
    CHECK(large.status.struct_size == sizeof(tern_status));
    CHECK(large.more[0] == 0 && large.more[15] == 0);
    memset(small, 0xee, sizeof small);
    OK(tern_torrent_status_sized(torrent, (tern_status *)(void *)small, 8, err));
    CHECK(small[0] == 8 && small[8] == 0xee && small[11] == 0xee);
    CHECK(tern_torrent_status_sized(torrent, &status, 3, NULL) == TERN_E_INVALID);
    CHECK(tern_torrent_status_sized(torrent, NULL, sizeof status, NULL) == TERN_E_INVALID);
}

static void lists(const tern_torrent *torrent, const tern_metainfo *meta)
{
    unsigned char bits[64];
    uint64_t progress[4];
    size_t len = 0;
    tern_peers *peers;
    tern_trackers *trackers;
    tern_tracker_info info;
    tern_buf path = {NULL, 0};
    tern_metainfo *own;
    OK(tern_torrent_bitfield(torrent, NULL, 0, &len, err));
    CHECK(len == (tern_metainfo_piece_count(meta) + 7) / 8);
    CHECK(tern_torrent_bitfield(torrent, bits, len - 1, &len, NULL) == TERN_E_RANGE);
    OK(tern_torrent_bitfield(torrent, bits, sizeof bits, &len, err));
    CHECK(bits[0] == 0xff);
    OK(tern_torrent_wanted(torrent, bits, sizeof bits, &len, err));
    CHECK(bits[0] == 0);
    OK(tern_torrent_file_progress(torrent, progress, 4, &len, err));
    CHECK(len == 1 && progress[0] == tern_metainfo_total_size(meta));
    OK(tern_torrent_file_priorities(torrent, bits, sizeof bits, &len, err));
    CHECK(len == 1 && bits[0] == 4);
    OK(tern_torrent_partial_pieces(torrent, NULL, 0, &len, err));
    CHECK(len == 0);
    OK(tern_torrent_block_states(torrent, 0, bits, sizeof bits, &len, err));
    CHECK(len > 0 && bits[0] == TERN_BLOCK_WRITTEN && bits[len - 1] == TERN_BLOCK_WRITTEN);
    CHECK(tern_torrent_block_states(torrent, 0, bits, len - 1, &len, NULL) == TERN_E_RANGE);
    CHECK(tern_torrent_block_states(torrent, tern_metainfo_piece_count(meta), bits, sizeof bits,
                                    &len, NULL) == TERN_E_RANGE);
    OK(tern_torrent_take_peers(torrent, &peers, err));
    CHECK(tern_peers_len(peers) == 0);
    tern_peers_free(peers);
    OK(tern_torrent_add_tracker(torrent, 0, "http://127.0.0.1:1/announce", 27, err));
    OK(tern_torrent_take_trackers(torrent, &trackers, err));
    CHECK(tern_trackers_len(trackers) == 1);
    CHECK(tern_trackers_get(trackers, 0, &info) == TERN_OK && info.tier == 0);
    CHECK(strcmp((const char *)info.url.ptr, "http://127.0.0.1:1/announce") == 0);
    CHECK(tern_trackers_get(trackers, 1, &info) == TERN_E_RANGE);
    tern_trackers_free(trackers);
    OK(tern_torrent_take_save_path(torrent, &path, err));
    CHECK(strstr((const char *)path.ptr, "/seed") != NULL);
    tern_buf_free(&path);
    OK(tern_torrent_take_file_path(torrent, 0, &path, err));
    CHECK(strcmp((const char *)path.ptr, "content") == 0);
    tern_buf_free(&path);
    CHECK(tern_torrent_take_file_path(torrent, 1, &path, NULL) == TERN_E_RANGE);
    OK(tern_torrent_take_metainfo(torrent, &own, err));
    CHECK(tern_metainfo_tracker_count(own) == 1);
    tern_metainfo_free(own);
    OK(tern_torrent_read_piece(torrent, 0, &path, err));
    CHECK(path.len == 32768);
    tern_buf_free(&path);
    CHECK(tern_torrent_read_piece(torrent, 9999, &path, NULL) == TERN_E_RANGE);
    CHECK(tern_torrent_set_file_priority(torrent, 0, 8, NULL) == TERN_E_RANGE);
    CHECK(tern_torrent_set_file_priority(torrent, 1, 4, NULL) == TERN_E_RANGE);
    CHECK(tern_torrent_add_peer(torrent, "nonsense", 8, NULL) == TERN_E_INVALID);
    CHECK(tern_torrent_add_peer(torrent, "\xff\xfe", 2, NULL) == TERN_E_INVALID);
}

int main(void)
{
    tern_metainfo *meta = make_torrent("content", 300000);
    tern_session *session, *same;
    tern_torrent *torrent, *found = NULL, *list[2] = {NULL, NULL};
    tern_stats stats;
    tern_error *err = NULL;
    tern_batch *batch;
    tern_event event;
    tern_add *add;
    size_t len = 0;
    unsigned char hash[20];
    null_everywhere();
    wrong_type(meta);
    session = make_session();
    torrent = add_torrent(session, make_add(meta, "seed", NULL));
    add = make_add(meta, "seed", NULL);
    CHECK(tern_session_add(session, add, NULL, &err) == TERN_E_DUPLICATE);
    CHECK(tern_error_torrent(err) == tern_torrent_id(torrent));
    tern_error_free(err);
    wait_finished(session, torrent);
    sizes(torrent);
    lists(torrent, meta);
    OK(tern_torrent_info_hash(torrent, hash, err));
    CHECK(memcmp(hash, tern_metainfo_info_hash(meta).ptr, 20) == 0);
    OK(tern_session_find(session, hash, &found, err));
    CHECK(tern_torrent_id(found) == tern_torrent_id(torrent));
    tern_torrent_release(found);
    CHECK(tern_session_find_id(session, 12345, &found, NULL) == TERN_E_NOT_FOUND);
    OK(tern_session_torrents(session, list, 2, &len, err));
    CHECK(len == 1 && tern_torrent_id(list[0]) == tern_torrent_id(torrent) && !list[1]);
    tern_torrent_release(list[0]);
    OK(tern_session_stats(session, &stats, err));
    CHECK(stats.torrents == 1 && stats.listen_port != 0 && stats.struct_size == sizeof stats);
    same = tern_torrent_take_session(torrent);
    CHECK(same != NULL);
    tern_session_release(same);
    /* Removal: the handle stays and says that the torrent is gone. */
    OK(tern_torrent_remove(torrent, 0, err));
    CHECK(tern_torrent_remove(torrent, 0, NULL) == TERN_E_GONE);
    pump_until(session, TERN_EVENT_REMOVED, NULL);
    CHECK(tern_torrent_pause(torrent, &err) == TERN_E_GONE);
    CHECK(tern_error_torrent(err) == tern_torrent_id(torrent));
    tern_error_free(err);
    OK(tern_torrent_info_hash(torrent, hash, err));
    /* The same one again is another torrent with another number. */
    OK(tern_session_add(session, add, &found, err));
    CHECK(tern_torrent_id(found) != tern_torrent_id(torrent));
    /* Batches outlive the session, and so do handles. */
    CHECK(tern_session_wait(session, PATIENCE_MS, NULL) == 1);
    OK(tern_session_take(session, 0, &batch, err));
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    CHECK(tern_session_add(session, add, NULL, NULL) == TERN_E_CLOSED);
    tern_session_release(session);
    CHECK(tern_batch_get(batch, 0, &event) == TERN_OK && event.torrent_id != 0);
    CHECK(tern_torrent_pause(event.torrent, NULL) == TERN_E_GONE);
    tern_batch_free(batch);
    CHECK(tern_torrent_pause(found, NULL) == TERN_E_GONE);
    tern_torrent_release(found);
    tern_torrent_release(torrent);
    tern_add_free(add);
    tern_metainfo_free(meta);
    return 0;
}
