/* The session in a libuv loop: uv_poll on its descriptor, closed from inside the callback. */
#include "../host.h"

#include <uv.h>

static tern_session *seeder, *leecher;
static uv_poll_t events;
static uv_timer_t late;

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    fprintf(stderr, "uv: the download did not end\n");
    exit(1);
}

static void on_events(uv_poll_t *handle, int status, int what)
{
    tern_batch *batch;
    size_t i;
    CHECK(handle == &events && status == 0 && (what & UV_READABLE));
    /* Few at a time: level-triggered, so the rest is announced again. */
    OK(tern_session_take(leecher, 3, &batch, err));
    for (i = 0; i < tern_batch_len(batch); i++) {
        tern_event event;
        CHECK(tern_batch_get(batch, i, &event) == TERN_OK);
        if (event.token)
            OK(tern_request_complete(leecher, event.token, TERN_VERDICT_ACCEPT, 0, err));
        if (event.kind == TERN_EVENT_FINISHED)
            OK(tern_session_close_begin(leecher, err));
        if (event.kind == TERN_EVENT_CLOSED) {
            uv_close((uv_handle_t *)&events, NULL);
            uv_close((uv_handle_t *)&late, NULL);
        }
    }
    tern_batch_free(batch);
}

int main(void)
{
    tern_metainfo *info = make_torrent("content", 900000);
    tern_torrent *seed, *leech;
    uv_loop_t *loop = uv_default_loop();
    seeder = make_session();
    seed = add_torrent(seeder, make_add(info, "seed", NULL));
    wait_finished(seeder, seed);
    leecher = make_session();
    OK(tern_session_set_save_hook(leecher, TERN_HOOK_QUEUED, 0, NULL, NULL, NULL, err));
    CHECK(uv_poll_init(loop, &events, tern_session_event_fd(leecher)) == 0);
    CHECK(uv_poll_start(&events, UV_READABLE, on_events) == 0);
    CHECK(uv_timer_init(loop, &late) == 0);
    CHECK(uv_timer_start(&late, on_late, PATIENCE_MS, 0) == 0);
    leech = add_torrent(leecher, make_add(info, "leech", seeder));
    CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
    OK(tern_session_close(leecher, PATIENCE_MS, NULL, err));
    OK(tern_session_close(seeder, PATIENCE_MS, NULL, err));
    tern_torrent_release(leech);
    tern_torrent_release(seed);
    tern_session_release(leecher);
    tern_session_release(seeder);
    tern_metainfo_free(info);
    CHECK(uv_loop_close(loop) == 0);
    return 0;
}
