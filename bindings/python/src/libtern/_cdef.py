"""Declarations of include/tern.h for cffi.

This file is generated (python tools/generate.py). Do not edit it.
"""

CDEF = """\
typedef struct tern_add tern_add;
typedef struct tern_batch tern_batch;
typedef struct tern_config tern_config;
typedef struct tern_create tern_create;
typedef struct tern_error tern_error;
typedef struct tern_metainfo tern_metainfo;
typedef struct tern_peers tern_peers;
typedef struct tern_session tern_session;
typedef struct tern_torrent tern_torrent;
typedef struct tern_trackers tern_trackers;
typedef int32_t tern_result;
typedef struct {
    uint8_t *ptr;
    size_t len;
} tern_buf;
typedef struct {
    const uint8_t *ptr;
    size_t len;
} tern_bytes;
typedef struct {
    uint32_t struct_size;
    uint32_t id;
    int32_t value_type;
    int32_t live;
    const char *name;
    const char *doc;
    const char *default_text;
    const char *since;
    int64_t min;
    int64_t max;
} tern_option_info;
typedef struct {
    uint32_t struct_size;
    uint32_t torrents;
    uint32_t queued_events;
    uint32_t open_requests;
    uint64_t dropped_notices;
    uint32_t listen_port;
    uint32_t peers;
    uint64_t downloaded;
    uint64_t uploaded;
    uint64_t download_rate;
    uint64_t upload_rate;
    uint64_t udp_received;
    uint64_t udp_received_bytes;
    uint64_t udp_sent;
    uint64_t udp_sent_bytes;
    uint64_t udp_unsent;
    uint64_t udp_dropped;
    uint64_t udp_malformed;
    uint64_t udp_tracker_received;
    uint64_t udp_tracker_received_bytes;
    uint64_t udp_tracker_sent;
    uint64_t udp_tracker_sent_bytes;
    uint64_t udp_tracker_answers;
    uint64_t udp_tracker_failures;
    uint64_t udp_tracker_connects;
    uint64_t udp_tracker_reused;
} tern_stats;
typedef struct {
    uint32_t struct_size;
    int32_t kind;
    uint32_t event_class;
    uint32_t flags;
    int64_t time_ms;
    uint64_t torrent_id;
    tern_torrent *torrent;
    uint8_t info_hash[20];
    uint32_t piece;
    uint64_t token;
    uint64_t generation;
    uint64_t peer;
    uint32_t file;
    int32_t code;
    int32_t os_errno;
    int32_t reserved;
    int64_t a;
    int64_t b;
    int64_t c;
    tern_bytes text;
    tern_bytes addr;
    tern_bytes data;
    tern_bytes text2;
} tern_event;
typedef int32_t (*tern_hook_fn)(void *user, const tern_event *request, int64_t *detail);
typedef void (*tern_destroy_fn)(void *user);
typedef struct {
    uint32_t struct_size;
    int32_t state;
    uint32_t pieces_have;
    uint32_t pieces_total;
    uint64_t total_size;
    uint64_t bytes_have;
    uint64_t wanted_size;
    uint64_t wanted_have;
    double progress;
    uint64_t downloaded;
    uint64_t uploaded;
    uint64_t wire_received;
    uint64_t wire_sent;
    uint64_t wasted;
    uint64_t total_downloaded;
    uint64_t total_uploaded;
    uint64_t download_rate;
    uint64_t upload_rate;
    uint32_t peers;
    uint32_t seeds;
    uint32_t half_open;
    uint32_t known_peers;
    uint32_t unchoked;
    uint32_t pieces_hashed;
    uint32_t pieces_restored;
    uint32_t pieces_failed;
    double availability;
    uint64_t durable_generation;
    uint64_t active_secs;
    int64_t added_time;
    int64_t completed_time;
    int32_t need_save;
    int32_t sequential;
    uint64_t download_limit;
    uint64_t upload_limit;
    int32_t is_finished;
    int32_t is_paused;
    int32_t has_metadata;
    int32_t reserved;
    uint32_t known_by_source[16];
    uint32_t peers_by_source[16];
} tern_status;
typedef struct {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t peer;
    tern_bytes addr;
    tern_bytes client;
    tern_bytes bitfield;
    uint8_t peer_id[20];
    uint8_t handshake_bits[8];
    int32_t source;
    uint64_t downloaded;
    uint64_t uploaded;
    uint64_t download_rate;
    uint64_t upload_rate;
    uint32_t pieces_have;
    uint32_t requests_out;
    uint32_t requests_in;
    uint32_t bad_pieces;
    uint64_t connected_secs;
} tern_peer_info;
typedef struct {
    uint32_t struct_size;
    uint32_t tier;
    tern_bytes url;
    tern_bytes message;
    uint32_t fails;
    int32_t updating;
    int32_t verified;
    int32_t next_announce_secs;
    int64_t complete;
    int64_t incomplete;
    int64_t downloaded;
} tern_tracker_info;
typedef struct {
    uint32_t struct_size;
    uint32_t attributes;
    uint64_t size;
    uint64_t offset;
    uint32_t first_piece;
    uint32_t end_piece;
    tern_bytes path;
    tern_bytes symlink;
    uint32_t component_count;
    uint32_t reserved;
} tern_file_info;
typedef int32_t (*tern_progress_fn)(void *user, uint64_t done, uint64_t total);
typedef struct {
    uint32_t struct_size;
    uint32_t endpoints;
    uint32_t nodes;
    uint32_t torrents;
    uint32_t lookups;
    uint32_t pointers;
    uint64_t stored_torrents;
    uint64_t stored_peers;
    uint64_t stored_items;
    uint64_t queries_in;
    uint64_t queries_out;
    uint64_t answers_in;
    uint64_t received;
    uint64_t received_bytes;
    uint64_t sent;
    uint64_t sent_bytes;
    uint64_t receive_rate;
    uint64_t send_rate;
    uint64_t garbage;
    uint64_t unsolicited;
    uint64_t flooded;
    uint64_t throttled;
    uint64_t bad_tokens;
} tern_dht_stats;
uint32_t tern_version(void);
const char *tern_version_string(void);
tern_result tern_abi_check(uint32_t header_version, size_t event_size, size_t status_size);
int32_t tern_has(const char *feature);
const char *tern_result_name(tern_result result);
const char *tern_result_text(tern_result result);
const char *tern_event_name(int32_t kind);
const char *tern_state_name(int32_t state);
void tern_buf_free(tern_buf *buf);
tern_result tern_error_code(const tern_error *error);
int32_t tern_error_detail(const tern_error *error);
int32_t tern_error_errno(const tern_error *error);
const char *tern_error_message(const tern_error *error);
tern_bytes tern_error_path(const tern_error *error);
uint64_t tern_error_torrent(const tern_error *error);
void tern_error_free(tern_error *error);
tern_config *tern_config_new(void);
void tern_config_free(tern_config *config);
tern_result tern_config_set_int(tern_config *config, uint32_t option, int64_t value, tern_error
    **err);
tern_result tern_config_set_bool(tern_config *config, uint32_t option, int32_t value, tern_error
    **err);
tern_result tern_config_set_str(tern_config *config, uint32_t option, const char *value, size_t
    value_len, tern_error **err);
tern_result tern_config_set_bytes(tern_config *config, uint32_t option, const uint8_t *value,
    size_t value_len, tern_error **err);
tern_result tern_config_set_double(tern_config *config, uint32_t option, double value, tern_error
    **err);
tern_result tern_config_set_text(tern_config *config, const char *name, size_t name_len, const
    char *value, size_t value_len, tern_error **err);
tern_result tern_config_get_int(const tern_config *config, uint32_t option, int64_t *out,
    tern_error **err);
tern_result tern_config_get_bool(const tern_config *config, uint32_t option, int32_t *out,
    tern_error **err);
tern_result tern_config_get_str(const tern_config *config, uint32_t option, tern_bytes *out,
    tern_error **err);
tern_result tern_config_get_bytes(const tern_config *config, uint32_t option, tern_bytes *out,
    tern_error **err);
tern_result tern_config_get_double(const tern_config *config, uint32_t option, double *out,
    tern_error **err);
tern_result tern_option_by_id_sized(uint32_t option, tern_option_info *out, size_t out_size,
    tern_error **err);
tern_result tern_option_by_name_sized(const char *name, size_t name_len, tern_option_info *out,
    size_t out_size, tern_error **err);
tern_result tern_option_next_sized(uint32_t option, tern_option_info *out, size_t out_size,
    tern_error **err);
tern_result tern_session_new(const tern_config *config, tern_session **out, tern_error **err);
tern_session *tern_session_retain(const tern_session *s);
void tern_session_release(tern_session *s);
tern_result tern_session_close_begin(const tern_session *s, tern_error **err);
tern_result tern_session_close(const tern_session *s, int32_t timeout_ms, uint32_t *out_unsaved,
    tern_error **err);
tern_result tern_session_pause(const tern_session *s, tern_error **err);
tern_result tern_session_resume(const tern_session *s, tern_error **err);
tern_result tern_session_apply(const tern_session *s, const tern_config *config, tern_error
    **err);
tern_result tern_session_take_config(const tern_session *s, tern_config **out, tern_error **err);
tern_result tern_session_listen_port(const tern_session *s, uint16_t *out, tern_error **err);
tern_result tern_session_take_external(const tern_session *s, tern_buf *out, tern_error **err);
tern_result tern_session_stats_sized(const tern_session *s, tern_stats *out, size_t out_size,
    tern_error **err);
tern_result tern_session_add(const tern_session *s, tern_add *add, tern_torrent **out, tern_error
    **err);
tern_result tern_session_restore(const tern_session *s, uint32_t *out_torrents, uint32_t
    *out_failed, tern_error **err);
tern_result tern_session_torrents(const tern_session *s, tern_torrent **out, size_t capacity,
    size_t *out_len, tern_error **err);
tern_result tern_session_queue(const tern_session *s, tern_torrent **out, size_t capacity, size_t
    *out_len, tern_error **err);
tern_result tern_session_find(const tern_session *s, const uint8_t *info_hash, tern_torrent **out,
    tern_error **err);
tern_result tern_session_find_id(const tern_session *s, uint64_t torrent_id, tern_torrent **out,
    tern_error **err);
int32_t tern_session_event_fd(const tern_session *s);
int32_t tern_session_wait(const tern_session *s, int32_t timeout_ms, tern_error **err);
tern_result tern_session_wake(const tern_session *s);
tern_result tern_session_subscribe(const tern_session *s, uint32_t classes, tern_error **err);
tern_result tern_session_take(const tern_session *s, size_t max, tern_batch **out, tern_error
    **err);
size_t tern_batch_len(const tern_batch *batch);
tern_result tern_batch_get_sized(const tern_batch *batch, size_t index, tern_event *out, size_t
    out_size);
void tern_batch_free(tern_batch *batch);
tern_result tern_session_set_verify_hook(const tern_session *s, int32_t mode, uint32_t flags,
    tern_hook_fn hook, void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_session_set_save_hook(const tern_session *s, int32_t mode, uint32_t flags,
    tern_hook_fn hook, void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_torrent_set_verify_hook(const tern_torrent *t, int32_t mode, uint32_t flags,
    tern_hook_fn hook, void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_torrent_set_save_hook(const tern_torrent *t, int32_t mode, uint32_t flags,
    tern_hook_fn hook, void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_add_set_verify_hook(tern_add *add, int32_t mode, uint32_t flags, tern_hook_fn
    hook, void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_add_set_save_hook(tern_add *add, int32_t mode, uint32_t flags, tern_hook_fn hook,
    void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_request_complete(const tern_session *s, uint64_t token, int32_t verdict, int64_t
    detail, tern_error **err);
tern_result tern_request_data(const tern_session *s, uint64_t token, tern_bytes *out, tern_error
    **err);
tern_add *tern_add_new(void);
void tern_add_free(tern_add *add);
tern_result tern_add_set_metainfo(tern_add *add, const uint8_t *bytes, size_t bytes_len,
    tern_error **err);
tern_result tern_add_set_metainfo_file(tern_add *add, const char *path, size_t path_len,
    tern_error **err);
tern_result tern_add_set_metainfo_object(tern_add *add, const tern_metainfo *m, tern_error **err);
tern_result tern_add_set_magnet(tern_add *add, const char *link, size_t link_len, tern_error
    **err);
tern_result tern_add_set_info_hash(tern_add *add, const uint8_t *info_hash, tern_error **err);
tern_result tern_add_set_merge(tern_add *add, int32_t merge, tern_error **err);
tern_result tern_add_set_save_path(tern_add *add, const char *path, size_t path_len, tern_error
    **err);
tern_result tern_add_set_resume(tern_add *add, const uint8_t *bytes, size_t bytes_len, tern_error
    **err);
tern_result tern_add_set_paused(tern_add *add, int32_t paused, tern_error **err);
tern_result tern_add_set_sequential(tern_add *add, int32_t sequential, tern_error **err);
tern_result tern_add_set_preallocate(tern_add *add, int32_t preallocate, tern_error **err);
tern_result tern_add_set_file_priority(tern_add *add, uint32_t file, uint32_t priority, tern_error
    **err);
tern_result tern_add_set_file_priorities(tern_add *add, const uint8_t *priorities, size_t
    priorities_len, tern_error **err);
tern_result tern_add_rename_file(tern_add *add, uint32_t file, const char *path, size_t path_len,
    tern_error **err);
tern_result tern_add_clear_trackers(tern_add *add, tern_error **err);
tern_result tern_add_add_tracker(tern_add *add, uint32_t tier, const char *url, size_t url_len,
    tern_error **err);
tern_result tern_add_add_peer(tern_add *add, const char *address, size_t address_len, tern_error
    **err);
tern_result tern_add_set_limits(tern_add *add, uint64_t download, uint64_t upload, tern_error
    **err);
tern_result tern_add_set_save_policy(tern_add *add, uint32_t flags, int64_t interval_ms,
    tern_error **err);
tern_result tern_add_set_seed_mode(tern_add *add, int32_t seed_mode, tern_error **err);
tern_result tern_add_set_load_policy(tern_add *add, int32_t policy, tern_error **err);
tern_torrent *tern_torrent_retain(const tern_torrent *t);
void tern_torrent_release(tern_torrent *t);
uint64_t tern_torrent_id(const tern_torrent *t);
tern_result tern_torrent_info_hash(const tern_torrent *t, uint8_t *out, tern_error **err);
tern_session *tern_torrent_take_session(const tern_torrent *t);
tern_result tern_torrent_remove(const tern_torrent *t, uint32_t flags, tern_error **err);
tern_result tern_torrent_queue_position(const tern_torrent *t, uint32_t *out, tern_error **err);
tern_result tern_torrent_set_queue_position(const tern_torrent *t, uint32_t position, tern_error
    **err);
tern_result tern_torrent_pause(const tern_torrent *t, tern_error **err);
tern_result tern_torrent_resume(const tern_torrent *t, tern_error **err);
tern_result tern_torrent_recheck(const tern_torrent *t, tern_error **err);
tern_result tern_torrent_recheck_file(const tern_torrent *t, uint32_t file, tern_error **err);
tern_result tern_torrent_recheck_pieces(const tern_torrent *t, uint32_t first, uint32_t end,
    tern_error **err);
tern_result tern_torrent_save(const tern_torrent *t, tern_error **err);
tern_result tern_torrent_request_save(const tern_torrent *t, uint32_t flags, uint64_t *out_ticket,
    tern_error **err);
tern_result tern_torrent_set_save_policy(const tern_torrent *t, uint32_t flags, int64_t
    interval_ms, tern_error **err);
tern_result tern_torrent_set_sequential(const tern_torrent *t, int32_t sequential, tern_error
    **err);
tern_result tern_torrent_set_limits(const tern_torrent *t, uint64_t download, uint64_t upload,
    tern_error **err);
tern_result tern_torrent_set_max_connections(const tern_torrent *t, uint32_t connections,
    tern_error **err);
tern_result tern_torrent_set_upload_slots(const tern_torrent *t, uint32_t slots, tern_error
    **err);
tern_result tern_torrent_set_file_priority(const tern_torrent *t, uint32_t file, uint32_t
    priority, tern_error **err);
tern_result tern_torrent_set_file_priorities(const tern_torrent *t, const uint8_t *priorities,
    size_t priorities_len, tern_error **err);
tern_result tern_torrent_set_piece_priority(const tern_torrent *t, uint32_t piece, uint32_t
    priority, tern_error **err);
tern_result tern_torrent_move(const tern_torrent *t, const char *path, size_t path_len, tern_error
    **err);
tern_result tern_torrent_rename_file(const tern_torrent *t, uint32_t file, const char *path,
    size_t path_len, tern_error **err);
tern_result tern_torrent_add_peer(const tern_torrent *t, const char *address, size_t address_len,
    tern_error **err);
tern_result tern_torrent_ban_peer(const tern_torrent *t, const char *address, size_t address_len,
    tern_error **err);
tern_result tern_torrent_drop_peer(const tern_torrent *t, uint64_t peer, tern_error **err);
tern_result tern_torrent_set_trackers(const tern_torrent *t, const char *const *urls, const
    uint32_t *tiers, size_t count, tern_error **err);
tern_result tern_torrent_add_tracker(const tern_torrent *t, uint32_t tier, const char *url, size_t
    url_len, tern_error **err);
tern_result tern_torrent_announce(const tern_torrent *t, tern_error **err);
tern_result tern_torrent_scrape(const tern_torrent *t, tern_error **err);
tern_result tern_torrent_announce_tracker(const tern_torrent *t, const char *url, size_t url_len,
    tern_error **err);
tern_result tern_torrent_scrape_tracker(const tern_torrent *t, const char *url, size_t url_len,
    tern_error **err);
tern_result tern_torrent_set_wire_notices(const tern_torrent *t, int32_t on, tern_error **err);
tern_result tern_torrent_status_sized(const tern_torrent *t, tern_status *out, size_t out_size,
    tern_error **err);
tern_result tern_torrent_take_metainfo(const tern_torrent *t, tern_metainfo **out, tern_error
    **err);
tern_result tern_torrent_take_name(const tern_torrent *t, tern_buf *out, tern_error **err);
tern_result tern_torrent_take_magnet(const tern_torrent *t, tern_buf *out, tern_error **err);
tern_result tern_torrent_take_save_path(const tern_torrent *t, tern_buf *out, tern_error **err);
tern_result tern_torrent_take_file_path(const tern_torrent *t, uint32_t file, tern_buf *out,
    tern_error **err);
tern_result tern_torrent_bitfield(const tern_torrent *t, uint8_t *out, size_t capacity, size_t
    *out_len, tern_error **err);
tern_result tern_torrent_wanted(const tern_torrent *t, uint8_t *out, size_t capacity, size_t
    *out_len, tern_error **err);
tern_result tern_torrent_file_priorities(const tern_torrent *t, uint8_t *out, size_t capacity,
    size_t *out_len, tern_error **err);
tern_result tern_torrent_piece_priorities(const tern_torrent *t, uint8_t *out, size_t capacity,
    size_t *out_len, tern_error **err);
tern_result tern_torrent_file_progress(const tern_torrent *t, uint64_t *out, size_t capacity,
    size_t *out_len, tern_error **err);
tern_result tern_torrent_partial_pieces(const tern_torrent *t, uint32_t *out, size_t capacity,
    size_t *out_len, tern_error **err);
tern_result tern_torrent_block_states(const tern_torrent *t, uint32_t piece, uint8_t *out, size_t
    capacity, size_t *out_len, tern_error **err);
tern_result tern_torrent_read_piece(const tern_torrent *t, uint32_t piece, tern_buf *out,
    tern_error **err);
tern_result tern_torrent_take_peers(const tern_torrent *t, tern_peers **out, tern_error **err);
size_t tern_peers_len(const tern_peers *peers);
tern_result tern_peers_get_sized(const tern_peers *peers, size_t index, tern_peer_info *out,
    size_t out_size);
void tern_peers_free(tern_peers *peers);
tern_result tern_torrent_take_trackers(const tern_torrent *t, tern_trackers **out, tern_error
    **err);
size_t tern_trackers_len(const tern_trackers *trackers);
tern_result tern_trackers_get_sized(const tern_trackers *trackers, size_t index, tern_tracker_info
    *out, size_t out_size);
void tern_trackers_free(tern_trackers *trackers);
tern_result tern_metainfo_parse(const uint8_t *bytes, size_t bytes_len, tern_metainfo **out,
    tern_error **err);
tern_result tern_metainfo_load(const char *path, size_t path_len, tern_metainfo **out, tern_error
    **err);
void tern_metainfo_free(tern_metainfo *m);
tern_bytes tern_metainfo_info_hash(const tern_metainfo *m);
tern_bytes tern_metainfo_name(const tern_metainfo *m);
tern_bytes tern_metainfo_name_raw(const tern_metainfo *m);
tern_bytes tern_metainfo_comment(const tern_metainfo *m);
tern_bytes tern_metainfo_created_by(const tern_metainfo *m);
tern_bytes tern_metainfo_source(const tern_metainfo *m);
int64_t tern_metainfo_creation_date(const tern_metainfo *m);
int32_t tern_metainfo_is_private(const tern_metainfo *m);
int32_t tern_metainfo_is_multi_file(const tern_metainfo *m);
uint64_t tern_metainfo_total_size(const tern_metainfo *m);
uint32_t tern_metainfo_piece_length(const tern_metainfo *m);
uint32_t tern_metainfo_piece_size(const tern_metainfo *m, uint32_t piece);
uint32_t tern_metainfo_piece_count(const tern_metainfo *m);
tern_bytes tern_metainfo_piece_hash(const tern_metainfo *m, uint32_t piece);
uint32_t tern_metainfo_file_count(const tern_metainfo *m);
tern_result tern_metainfo_file_sized(const tern_metainfo *m, uint32_t file, tern_file_info *out,
    size_t out_size);
tern_bytes tern_metainfo_file_component(const tern_metainfo *m, uint32_t file, uint32_t
    component);
uint32_t tern_metainfo_tracker_count(const tern_metainfo *m);
tern_bytes tern_metainfo_tracker(const tern_metainfo *m, uint32_t index, uint32_t *out_tier);
uint32_t tern_metainfo_web_seed_count(const tern_metainfo *m);
tern_bytes tern_metainfo_web_seed(const tern_metainfo *m, uint32_t index);
uint32_t tern_metainfo_node_count(const tern_metainfo *m);
tern_bytes tern_metainfo_node(const tern_metainfo *m, uint32_t index, uint16_t *out_port);
tern_result tern_metainfo_take_magnet(const tern_metainfo *m, tern_buf *out, tern_error **err);
tern_result tern_magnet_info_hash(const char *link, size_t link_len, uint8_t *out, tern_error
    **err);
tern_bytes tern_metainfo_info_bytes(const tern_metainfo *m);
tern_bytes tern_metainfo_bytes(const tern_metainfo *m);
tern_result tern_create_new(const char *path, size_t path_len, tern_create **out, tern_error
    **err);
void tern_create_free(tern_create *create);
tern_result tern_create_set_piece_length(tern_create *create, uint32_t bytes, tern_error **err);
tern_result tern_create_set_name(tern_create *create, const char *name, size_t name_len,
    tern_error **err);
tern_result tern_create_set_comment(tern_create *create, const char *comment, size_t comment_len,
    tern_error **err);
tern_result tern_create_set_created_by(tern_create *create, const char *program, size_t
    program_len, tern_error **err);
tern_result tern_create_set_creation_date(tern_create *create, int64_t seconds, tern_error **err);
tern_result tern_create_set_source(tern_create *create, const char *source, size_t source_len,
    tern_error **err);
tern_result tern_create_set_private(tern_create *create, int32_t is_private, tern_error **err);
tern_result tern_create_set_flags(tern_create *create, uint32_t flags, tern_error **err);
tern_result tern_create_set_threads(tern_create *create, uint32_t threads, tern_error **err);
tern_result tern_create_set_hash_path(tern_create *create, const char *path, size_t path_len,
    tern_error **err);
tern_result tern_create_add_tracker(tern_create *create, uint32_t tier, const char *url, size_t
    url_len, tern_error **err);
tern_result tern_create_add_web_seed(tern_create *create, const char *url, size_t url_len,
    tern_error **err);
tern_result tern_create_run(tern_create *create, tern_progress_fn progress, void *user, tern_buf
    *out, tern_error **err);
int32_t tern_create_step(tern_create *create, uint64_t max_bytes, uint64_t *out_done, uint64_t
    *out_total, tern_error **err);
tern_result tern_create_take(tern_create *create, tern_buf *out, tern_error **err);
tern_result tern_session_dht_get_peers(const tern_session *s, const uint8_t *info_hash, uint32_t
    flags, uint16_t port, uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_get(const tern_session *s, const uint8_t *target, uint64_t
    *out_token, tern_error **err);
tern_result tern_session_dht_get_mutable(const tern_session *s, const uint8_t *key, const uint8_t
    *salt, size_t salt_len, uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_put(const tern_session *s, const uint8_t *value, size_t value_len,
    uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_put_mutable(const tern_session *s, const uint8_t *secret, const
    uint8_t *salt, size_t salt_len, const uint8_t *value, size_t value_len, int64_t replaces,
    uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_put_signed(const tern_session *s, const uint8_t *key, const uint8_t
    *salt, size_t salt_len, int64_t seq, const uint8_t *signature, const uint8_t *value, size_t
    value_len, uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_ping(const tern_session *s, const char *node, size_t node_len,
    uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_find_node(const tern_session *s, const uint8_t *target, uint64_t
    *out_token, tern_error **err);
tern_result tern_session_dht_sample(const tern_session *s, const uint8_t *target, const char
    *node, size_t node_len, uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_follow(const tern_session *s, const uint8_t *key, const uint8_t
    *salt, size_t salt_len, uint32_t interval_secs, const char *save_path, size_t save_path_len,
    uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_publish(const tern_session *s, const uint8_t *secret, const uint8_t
    *salt, size_t salt_len, const uint8_t *info_hash, uint64_t *out_token, tern_error **err);
tern_result tern_session_dht_cancel(const tern_session *s, uint64_t token, tern_error **err);
tern_result tern_session_dht_add_node(const tern_session *s, const char *host, size_t host_len,
    tern_error **err);
tern_result tern_session_dht_id(const tern_session *s, uint8_t *out, tern_error **err);
tern_result tern_session_dht_set_id(const tern_session *s, const uint8_t *id, tern_error **err);
tern_result tern_session_take_dht_nodes(const tern_session *s, tern_buf *out, tern_error **err);
tern_result tern_session_dht_stats_sized(const tern_session *s, tern_dht_stats *out, size_t
    out_size, tern_error **err);
tern_result tern_session_set_dht_hook(const tern_session *s, int32_t mode, uint32_t flags,
    tern_hook_fn hook, void *user, tern_destroy_fn destroy, tern_error **err);
tern_result tern_session_take_state(const tern_session *s, tern_buf *out, tern_error **err);
tern_result tern_session_load_state(const tern_session *s, const uint8_t *state, size_t state_len,
    tern_error **err);
tern_result tern_add_set_dht(tern_add *add, int32_t on, tern_error **err);
tern_result tern_torrent_set_dht(const tern_torrent *t, int32_t on, tern_error **err);
tern_result tern_torrent_dht_announce(const tern_torrent *t, tern_error **err);
tern_result tern_dht_keypair(const uint8_t *seed, uint8_t *out_secret, uint8_t *out_public,
    tern_error **err);
tern_result tern_dht_sign(const uint8_t *secret, const uint8_t *salt, size_t salt_len, int64_t
    seq, const uint8_t *value, size_t value_len, uint8_t *out_signature, tern_error **err);
tern_result tern_dht_target(const uint8_t *key, const uint8_t *salt, size_t salt_len, const
    uint8_t *value, size_t value_len, uint8_t *out_target, tern_error **err);
"""
