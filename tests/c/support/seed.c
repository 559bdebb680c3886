/* Makes content and a torrent of it, seeds until standard input ends, for the examples' test:
 * seed DIR BYTES UPLOAD-LIMIT. Prints the port. */
#include "../host.h"

int main(int argc, char **argv)
{
    char path[512];
    tern_create *create;
    tern_buf raw = {NULL, 0};
    tern_config *config = tern_config_new();
    tern_session *session;
    tern_torrent *torrent;
    tern_add *add = tern_add_new();
    uint16_t port = 0;
    FILE *file;
    CHECK(argc == 4);
    snprintf(path, sizeof path, "%s/content", argv[1]);
    write_content(path, (size_t)atol(argv[2]), 7);
    OK(tern_create_new(path, strlen(path), &create, err));
    OK(tern_create_set_piece_length(create, 65536, err));
    OK(tern_create_run(create, NULL, NULL, &raw, err));
    tern_create_free(create);
    snprintf(path, sizeof path, "%s/x.torrent", argv[1]);
    file = fopen(path, "wb");
    CHECK(file && fwrite(raw.ptr, 1, raw.len, file) == raw.len && fclose(file) == 0);
    OK(tern_add_set_metainfo(add, raw.ptr, raw.len, err));
    tern_buf_free(&raw);
    OK(tern_add_set_save_path(add, argv[1], strlen(argv[1]), err));
    OK(tern_config_set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, err));
    OK(tern_config_set_int(config, TERN_OPT_UPLOAD_LIMIT, atol(argv[3]), err));
    OK(tern_session_new(config, &session, err));
    tern_config_free(config);
    torrent = add_torrent(session, add);
    wait_finished(session, torrent);
    OK(tern_session_listen_port(session, &port, err));
    printf("%u\n", (unsigned)port);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    tern_torrent_release(torrent);
    tern_session_release(session);
    return 0;
}
