/* Making and reading torrent files without a session. */
#include "host.h"

static int calls;

static int32_t cancel_third(void *user, uint64_t done, uint64_t total)
{
    CHECK(user == &calls && done <= total);
    return ++calls == 3;
}

int main(void)
{
    char path[256];
    tern_create *create;
    tern_buf raw = {NULL, 0}, again = {NULL, 0};
    tern_metainfo *meta;
    tern_file_info file;
    tern_error *err = NULL;
    uint64_t done = 0, total = 0;
    uint32_t tier = 99;
    int finished;
    make_dir("tree");
    make_dir("tree/sub");
    in_scratch(path, sizeof path, "tree/a.bin");
    write_content(path, 9000000, 1);
    in_scratch(path, sizeof path, "tree/sub/b.txt");
    write_content(path, 1000, 2);
    in_scratch(path, sizeof path, "tree");
    OK(tern_create_new(path, strlen(path), &create, err));
    CHECK(tern_create_set_piece_length(create, 1000, NULL) == TERN_E_RANGE);
    OK(tern_create_set_piece_length(create, 16384, err));
    OK(tern_create_set_flags(create, TERN_CREATE_PADDING, err));
    OK(tern_create_set_private(create, 1, err));
    OK(tern_create_set_comment(create, "hello", 5, err));
    OK(tern_create_set_source(create, "src", 3, err));
    OK(tern_create_set_creation_date(create, 1234567890, err));
    OK(tern_create_add_tracker(create, 1, "http://b/", 9, err));
    OK(tern_create_add_tracker(create, 0, "http://a/", 9, err));
    OK(tern_create_add_web_seed(create, "http://w/", 9, err));
    CHECK(tern_create_run(create, cancel_third, &calls, &raw, NULL) == TERN_E_CANCELLED);
    CHECK(raw.ptr == NULL && calls == 3);
    OK(tern_create_run(create, NULL, NULL, &raw, err));
    /* In slices, without a callback: the same bytes. */
    CHECK(tern_create_take(create, &again, NULL) == TERN_E_STATE);
    while ((finished = tern_create_step(create, 1 << 20, &done, &total, NULL)) == 0)
        CHECK(done < total);
    CHECK(finished == 1 && done == total);
    OK(tern_create_take(create, &again, err));
    CHECK(raw.len == again.len && memcmp(raw.ptr, again.ptr, raw.len) == 0);
    tern_create_free(create);
    OK(tern_metainfo_parse(raw.ptr, raw.len, &meta, err));
    CHECK(strcmp((const char *)tern_metainfo_name(meta).ptr, "tree") == 0);
    CHECK(tern_metainfo_is_private(meta) == 1 && tern_metainfo_is_multi_file(meta) == 1);
    CHECK(strcmp((const char *)tern_metainfo_comment(meta).ptr, "hello") == 0);
    CHECK(strcmp((const char *)tern_metainfo_source(meta).ptr, "src") == 0);
    CHECK(strstr((const char *)tern_metainfo_created_by(meta).ptr, "libtern/") != NULL);
    CHECK(tern_metainfo_creation_date(meta) == 1234567890);
    CHECK(tern_metainfo_piece_length(meta) == 16384);
    CHECK(tern_metainfo_tracker_count(meta) == 2 && tern_metainfo_web_seed_count(meta) == 1);
    CHECK(strcmp((const char *)tern_metainfo_tracker(meta, 1, &tier).ptr, "http://b/") == 0);
    CHECK(tier == 1 && tern_metainfo_tracker(meta, 2, NULL).len == 0);
    CHECK(tern_metainfo_piece_hash(meta, 0).len == 20);
    CHECK(tern_metainfo_piece_hash(meta, 99999).len == 0);
    CHECK(tern_metainfo_file_count(meta) == 3);
    CHECK(tern_metainfo_file(meta, 0, &file) == TERN_OK && file.size == 9000000);
    CHECK(file.first_piece == 0 && file.end_piece == 550 && file.attributes == 0);
    CHECK(tern_metainfo_file(meta, 1, &file) == TERN_OK);
    CHECK(file.attributes & TERN_FILE_PADDING);
    CHECK(tern_metainfo_file(meta, 2, &file) == TERN_OK && file.component_count == 2);
    CHECK(strcmp((const char *)file.path.ptr, "tree/sub/b.txt") == 0);
    CHECK(tern_metainfo_file_component(meta, 2, 1).len == 5);
    CHECK(tern_metainfo_file(meta, 3, &file) == TERN_E_RANGE);
    CHECK(tern_metainfo_bytes(meta).len == raw.len);
    CHECK(tern_metainfo_info_bytes(meta).ptr[0] == 'd');
    tern_metainfo_free(meta);
    /* Foreign bytes: every prefix is refused, none crashes. */
    for (done = 0; done < 600; done++)
        CHECK(tern_metainfo_parse(raw.ptr, (size_t)done, &meta, NULL) == TERN_E_METAINFO);
    tern_buf_free(&raw);
    tern_buf_free(&again);
    CHECK(tern_metainfo_load("/nonexistent/x", 14, &meta, &err) == TERN_E_IO);
    CHECK(tern_error_errno(err) == ENOENT);
    CHECK(strcmp((const char *)tern_error_path(err).ptr, "/nonexistent/x") == 0);
    tern_error_free(err);
    return 0;
}
