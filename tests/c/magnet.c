/* A torrent added by magnet link: what is known before its metadata came, the event, what is known
 * after, and the errors. */
#include "host.h"

static void check_text(tern_buf *buf, const char *wanted)
{
    CHECK(buf->len == strlen(wanted) && memcmp(buf->ptr, wanted, buf->len) == 0);
    tern_buf_free(buf);
}

static tern_add *add_link(const char *link, const char *dir)
{
    char path[256];
    tern_add *add = tern_add_new();
    make_dir(dir);
    in_scratch(path, sizeof path, dir);
    OK(tern_add_set_magnet(add, link, strlen(link), err));
    OK(tern_add_set_save_path(add, path, strlen(path), err));
    return add;
}

static void refuse(void)
{
    static const char none[] = "magnet:?dn=x";
    static const char v2[] = "magnet:?xt=urn:btmh:1220"
                             "abababababababababababababababababababababababababababababababab";
    tern_add *add = tern_add_new();
    uint8_t hash[20];
    CHECK(tern_add_set_magnet(add, none, sizeof none - 1, NULL) == TERN_E_MAGNET);
    CHECK(tern_add_set_magnet(add, v2, sizeof v2 - 1, NULL) == TERN_E_UNSUPPORTED);
    CHECK(tern_magnet_info_hash(none, sizeof none - 1, hash, NULL) == TERN_E_MAGNET);
    CHECK(tern_magnet_info_hash(v2, sizeof v2 - 1, hash, NULL) == TERN_E_UNSUPPORTED);
    CHECK(tern_add_set_info_hash(add, NULL, NULL) == TERN_E_INVALID);
    tern_add_free(add);
}

int main(void)
{
    char link[512], from[256], to[256];
    tern_metainfo *torrent = make_torrent("content", 1000001), *fetched;
    tern_session *seeder = make_session(), *leecher = make_session();
    tern_torrent *seed, *leech, *same;
    tern_status status;
    tern_event event;
    tern_buf buf = {NULL, 0};
    tern_bytes hash = tern_metainfo_info_hash(torrent), a, b;
    tern_add *add;
    uint8_t found[20];
    uint16_t port = 0;
    size_t i, length;
    refuse();
    seed = add_torrent(seeder, make_add(torrent, "seed", NULL));
    wait_finished(seeder, seed);
    OK(tern_session_listen_port(seeder, &port, err));
    length = (size_t)snprintf(link, sizeof link, "magnet:?xt=urn:btih:");
    for (i = 0; i < 20; i++)
        length += (size_t)snprintf(link + length, sizeof link - length, "%02x", hash.ptr[i]);
    snprintf(link + length, sizeof link - length, "&dn=shown");
    OK(tern_magnet_info_hash(link, strlen(link), found, err));
    CHECK(memcmp(found, hash.ptr, 20) == 0);

    leech = add_torrent(leecher, add_link(link, "leech"));
    CHECK(tern_torrent_take_metainfo(leech, &fetched, NULL) == TERN_E_NO_METADATA);
    CHECK(tern_torrent_recheck(leech, NULL) == TERN_E_NO_METADATA);
    OK(tern_torrent_take_name(leech, &buf, err));
    check_text(&buf, "shown");
    do {
        OK(tern_torrent_status(leech, &status, err));
    } while (status.state == TERN_STATE_STARTING);
    CHECK(status.state == TERN_STATE_METADATA && !status.has_metadata && !status.is_finished);

    /* The same once more is an error, unless it is to be merged: here it brings the peer. */
    add = add_link(link, "leech");
    CHECK(tern_session_add(leecher, add, &same, NULL) == TERN_E_DUPLICATE);
    tern_add_free(add);
    snprintf(link + length, sizeof link - length, "&dn=shown&x.pe=127.0.0.1:%u", (unsigned)port);
    add = add_link(link, "leech");
    OK(tern_add_set_merge(add, 1, err));
    same = add_torrent(leecher, add);
    CHECK(tern_torrent_id(same) == tern_torrent_id(leech));
    tern_torrent_release(same);

    pump_until(leecher, TERN_EVENT_METADATA, &event);
    CHECK(event.event_class == TERN_CLASS_TORRENT);
    OK(tern_torrent_take_metainfo(leech, &fetched, err));
    a = tern_metainfo_info_bytes(torrent);
    b = tern_metainfo_info_bytes(fetched);
    CHECK(a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0);
    OK(tern_torrent_take_name(leech, &buf, err));
    check_text(&buf, "content");
    OK(tern_metainfo_take_magnet(fetched, &buf, err));
    CHECK(buf.len > length && memcmp(buf.ptr, link, length) == 0);
    tern_buf_free(&buf);
    OK(tern_torrent_take_magnet(leech, &buf, err));
    CHECK(buf.len > length && memcmp(buf.ptr, link, length) == 0);
    tern_buf_free(&buf);
    wait_finished(leecher, leech);
    OK(tern_torrent_status(leech, &status, err));
    CHECK(status.has_metadata && status.known_by_source[TERN_SOURCE_MAGNET] == 1);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    in_scratch(from, sizeof from, "seed/content");
    in_scratch(to, sizeof to, "leech/content");
    CHECK(same_content(from, to));
    OK(tern_session_close(seeder, PATIENCE_MS, NULL, err));
    tern_torrent_release(seed);
    tern_torrent_release(leech);
    tern_session_release(leecher);
    tern_session_release(seeder);
    tern_metainfo_free(fetched);
    tern_metainfo_free(torrent);
    return 0;
}
