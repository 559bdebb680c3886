/* Fetches a torrent and keeps what it has across runs: minimal FILE.torrent DIR [HOST:PORT] */
#include <stdio.h>
#include <string.h>

#include "tern.h"

int main(int argc, char **argv)
{
    tern_config *config = tern_config_new();
    tern_add *add = tern_add_new();
    tern_session *session = NULL;
    tern_torrent *torrent = NULL;
    tern_status status;
    tern_error *err = NULL;
    tern_batch *batch;
    if (argc < 3 ||
        tern_config_set_str(config, TERN_OPT_STATE_DIR, argv[2], strlen(argv[2]), &err) ||
        tern_add_set_metainfo_file(add, argv[1], strlen(argv[1]), &err) ||
        tern_add_set_save_path(add, argv[2], strlen(argv[2]), &err) ||
        (argc > 3 && tern_add_add_peer(add, argv[3], strlen(argv[3]), &err)) ||
        tern_session_new(config, &session, &err) ||
        tern_session_add(session, add, &torrent, &err)) {
        fprintf(stderr, "minimal: %s\n",
                err ? tern_error_message(err) : "usage: minimal FILE.torrent DIR [HOST:PORT]");
        return 1;
    }
    while (tern_torrent_status(torrent, &status, NULL) == TERN_OK && !status.is_finished) {
        tern_session_wait(session, 500, NULL);
        if (tern_session_take(session, 0, &batch, NULL) == TERN_OK)
            tern_batch_free(batch);
        printf("%u of %u pieces\n", status.pieces_have, status.pieces_total);
    }
    tern_session_close(session, -1, NULL, NULL);
    tern_torrent_release(torrent);
    tern_session_release(session);
    tern_add_free(add);
    tern_config_free(config);
    return 0;
}
