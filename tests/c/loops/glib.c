/* The session as a source of a GLib main loop: its descriptor is watched, nothing is polled. */
#include "../host.h"

#include <glib-unix.h>
#include <glib.h>

static tern_session *seeder, *leecher;
static tern_torrent *leech;
static GMainLoop *loop;
static int ticks;

static gboolean on_events(gint fd, GIOCondition condition, gpointer unused)
{
    tern_batch *batch;
    size_t i;
    (void)unused;
    CHECK(fd == tern_session_event_fd(leecher) && (condition & G_IO_IN));
    OK(tern_session_take(leecher, 16, &batch, err));
    for (i = 0; i < tern_batch_len(batch); i++) {
        tern_event event;
        CHECK(tern_batch_get(batch, i, &event) == TERN_OK);
        if (event.token)
            OK(tern_request_complete(leecher, event.token, TERN_VERDICT_ACCEPT, 0, err));
        if (event.kind == TERN_EVENT_FINISHED)
            OK(tern_session_close_begin(leecher, err));
        if (event.kind == TERN_EVENT_CLOSED)
            g_main_loop_quit(loop);
    }
    tern_batch_free(batch);
    return G_SOURCE_CONTINUE;
}

/* The loop's own work goes on beside ours. */
static gboolean on_tick(gpointer unused)
{
    (void)unused;
    ticks++;
    return G_SOURCE_CONTINUE;
}

static gboolean on_late(gpointer unused)
{
    (void)unused;
    fprintf(stderr, "glib: the download did not end\n");
    exit(1);
}

int main(void)
{
    tern_metainfo *info = make_torrent("content", 900000);
    tern_torrent *seed;
    seeder = make_session();
    seed = add_torrent(seeder, make_add(info, "seed", NULL));
    wait_finished(seeder, seed);
    leecher = make_session();
    OK(tern_session_set_verify_hook(leecher, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, err));
    OK(tern_session_set_save_hook(leecher, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, err));
    loop = g_main_loop_new(NULL, FALSE);
    g_unix_fd_add(tern_session_event_fd(leecher), G_IO_IN, on_events, NULL);
    g_timeout_add(1, on_tick, NULL);
    g_timeout_add(PATIENCE_MS, on_late, NULL);
    leech = add_torrent(leecher, make_add(info, "leech", seeder));
    g_main_loop_run(loop);
    CHECK(ticks > 0);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    OK(tern_session_close(seeder, PATIENCE_MS, NULL, err));
    tern_torrent_release(leech);
    tern_torrent_release(seed);
    tern_session_release(leecher);
    tern_session_release(seeder);
    tern_metainfo_free(info);
    g_main_loop_unref(loop);
    return 0;
}
