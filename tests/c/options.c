/* Options: the table, typed access, text access, live changes. */
#include "host.h"

int main(void)
{
    tern_option_info info, by_name;
    tern_config *config = tern_config_new(), *copy;
    tern_session *session;
    tern_bytes text;
    uint32_t id = 0, count = 0;
    int64_t number = 0;
    int32_t yes = 0;
    tern_error *err = NULL;
    CHECK(tern_abi_check(TERN_VERSION_NUM, sizeof(tern_event), sizeof(tern_status)) == TERN_OK);
    CHECK(tern_abi_check(0x00990000, sizeof(tern_event), sizeof(tern_status)) == TERN_E_VERSION);
    CHECK(tern_version() == TERN_VERSION_NUM && tern_has("v1") == 1 && tern_has("nonsense") == 0);
    CHECK(strcmp(tern_result_name(TERN_E_GONE), "TERN_E_GONE") == 0);
    CHECK(strcmp(tern_event_name(TERN_EVENT_PIECE_PASSED), "piece_passed") == 0);
    CHECK(strcmp(tern_state_name(TERN_STATE_SEEDING), "seeding") == 0);
    while (tern_option_next(id, &info, NULL) == TERN_OK) {
        CHECK(info.id > id && info.struct_size == sizeof info);
        CHECK(strlen(info.name) > 0 && strlen(info.doc) > 0 && strlen(info.since) > 0);
        OK(tern_option_by_name(info.name, strlen(info.name), &by_name, err));
        CHECK(by_name.id == info.id);
        /* Every default is accepted in text form. */
        OK(tern_config_set_text(config, info.name, strlen(info.name), info.default_text,
                                strlen(info.default_text), err));
        id = info.id;
        count++;
    }
    CHECK(count > 30);
    CHECK(tern_option_by_id(1, &info, NULL) == TERN_E_UNKNOWN_OPTION);
    tern_config_free(config);
    config = tern_config_new();
    CHECK(tern_config_set_int(config, 999999, 1, NULL) == TERN_E_UNKNOWN_OPTION);
    CHECK(tern_config_set_int(config, TERN_OPT_LISTEN, 1, NULL) == TERN_E_TYPE);
    CHECK(tern_config_set_str(config, TERN_OPT_PEER_ID, "-XX-", 4, NULL) == TERN_E_TYPE);
    CHECK(tern_config_set_int(config, TERN_OPT_NET_THREADS, 0, &err) == TERN_E_RANGE);
    CHECK(strstr(tern_error_message(err), "net_threads") != NULL);
    tern_error_free(err);
    CHECK(tern_config_set_str(config, TERN_OPT_LISTEN, "\xff:1", 3, NULL) == TERN_E_INVALID);
    OK(tern_config_set_str(config, TERN_OPT_LISTEN, "127.0.0.1:0", 11, err));
    OK(tern_config_get_str(config, TERN_OPT_LISTEN, &text, err));
    CHECK(text.len == 11 && strcmp((const char *)text.ptr, "127.0.0.1:0") == 0);
    OK(tern_config_set_bytes(config, TERN_OPT_PEER_ID, (const uint8_t *)"-XX0000-", 8, err));
    OK(tern_config_set_bool(config, TERN_OPT_TRACKERS_ENABLED, 0, err));
    OK(tern_config_set_int(config, TERN_OPT_NET_THREADS, 2, err));
    OK(tern_session_new(config, &session, err));
    tern_config_free(config);
    /* Live options change; others do not, and then nothing does. */
    config = tern_config_new();
    OK(tern_config_set_int(config, TERN_OPT_UPLOAD_LIMIT, 5000, err));
    OK(tern_session_apply(session, config, err));
    OK(tern_config_set_int(config, TERN_OPT_UPLOAD_LIMIT, 6000, err));
    OK(tern_config_set_int(config, TERN_OPT_NET_THREADS, 3, err));
    CHECK(tern_session_apply(session, config, NULL) == TERN_E_STATE);
    OK(tern_session_take_config(session, &copy, err));
    OK(tern_config_get_int(copy, TERN_OPT_UPLOAD_LIMIT, &number, err));
    CHECK(number == 5000);
    OK(tern_config_get_bool(copy, TERN_OPT_TRACKERS_ENABLED, &yes, err));
    CHECK(yes == 0);
    tern_config_free(copy);
    tern_config_free(config);
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    tern_session_release(session);
    return 0;
}
