//! The lifecycle and re-entrancy table: one row per exported function. It makes
//! `abi/symbols.tsv` and the tags in the header, and the guard enforces it at run time.

/// Where a function may be called from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reentry {
    /// Everywhere, INLINE hooks included.
    Any,
    /// Not inside an INLINE hook: it waits for something the hook thread does.
    NotInHook,
}

/// Who may call a function at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Any thread, at any time.
    Any,
    /// Any thread, but one at a time per object.
    OnePerObject,
}

/// One exported function.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Symbol.
    pub name: &'static str,
    /// First version that has it.
    pub since: &'static str,
    /// `unstable`, `stable`, `deprecated` or `removed`.
    pub state: &'static str,
    /// Threads.
    pub threads: Threads,
    /// Re-entrancy.
    pub reentry: Reentry,
}

const A: Threads = Threads::Any;
const O: Threads = Threads::OnePerObject;

const fn row(name: &'static str, threads: Threads, reentry: Reentry) -> Entry {
    Entry { name, since: "0.1.0", state: "stable", threads, reentry }
}

/// Every exported function, in header order.
pub const TABLE: &[Entry] = &[
    row("tern_version", A, Reentry::Any),
    row("tern_version_string", A, Reentry::Any),
    row("tern_abi_check", A, Reentry::Any),
    row("tern_has", A, Reentry::Any),
    row("tern_result_name", A, Reentry::Any),
    row("tern_result_text", A, Reentry::Any),
    row("tern_event_name", A, Reentry::Any),
    row("tern_state_name", A, Reentry::Any),
    row("tern_buf_free", O, Reentry::Any),
    row("tern_error_code", A, Reentry::Any),
    row("tern_error_detail", A, Reentry::Any),
    row("tern_error_errno", A, Reentry::Any),
    row("tern_error_message", A, Reentry::Any),
    row("tern_error_path", A, Reentry::Any),
    row("tern_error_torrent", A, Reentry::Any),
    row("tern_error_free", O, Reentry::Any),
    row("tern_config_new", A, Reentry::Any),
    row("tern_config_free", O, Reentry::Any),
    row("tern_config_set_int", O, Reentry::Any),
    row("tern_config_set_bool", O, Reentry::Any),
    row("tern_config_set_str", O, Reentry::Any),
    row("tern_config_set_bytes", O, Reentry::Any),
    row("tern_config_set_double", O, Reentry::Any),
    row("tern_config_set_text", O, Reentry::Any),
    row("tern_config_get_int", O, Reentry::Any),
    row("tern_config_get_bool", O, Reentry::Any),
    row("tern_config_get_str", O, Reentry::Any),
    row("tern_config_get_bytes", O, Reentry::Any),
    row("tern_config_get_double", O, Reentry::Any),
    row("tern_option_by_id_sized", A, Reentry::Any),
    row("tern_option_by_name_sized", A, Reentry::Any),
    row("tern_option_next_sized", A, Reentry::Any),
    row("tern_session_new", A, Reentry::Any),
    row("tern_session_retain", A, Reentry::Any),
    row("tern_session_release", A, Reentry::Any),
    row("tern_session_close_begin", A, Reentry::Any),
    row("tern_session_close", A, Reentry::NotInHook),
    row("tern_session_pause", A, Reentry::Any),
    row("tern_session_resume", A, Reentry::Any),
    row("tern_session_apply", A, Reentry::Any),
    row("tern_session_take_config", A, Reentry::Any),
    row("tern_session_listen_port", A, Reentry::Any),
    row("tern_session_take_external", A, Reentry::Any),
    row("tern_session_stats_sized", A, Reentry::Any),
    row("tern_session_add", A, Reentry::Any),
    row("tern_session_restore", A, Reentry::Any),
    row("tern_session_torrents", A, Reentry::Any),
    row("tern_session_queue", A, Reentry::Any),
    row("tern_session_find", A, Reentry::Any),
    row("tern_session_find_id", A, Reentry::Any),
    row("tern_session_event_fd", A, Reentry::Any),
    row("tern_session_wait", A, Reentry::NotInHook),
    row("tern_session_wake", A, Reentry::Any),
    row("tern_session_subscribe", A, Reentry::Any),
    row("tern_session_take", A, Reentry::Any),
    row("tern_batch_len", A, Reentry::Any),
    row("tern_batch_get_sized", A, Reentry::Any),
    row("tern_batch_free", O, Reentry::Any),
    row("tern_session_set_verify_hook", A, Reentry::Any),
    row("tern_session_set_save_hook", A, Reentry::Any),
    row("tern_torrent_set_verify_hook", A, Reentry::Any),
    row("tern_torrent_set_save_hook", A, Reentry::Any),
    row("tern_add_set_verify_hook", O, Reentry::Any),
    row("tern_add_set_save_hook", O, Reentry::Any),
    row("tern_request_complete", A, Reentry::Any),
    row("tern_request_data", A, Reentry::Any),
    row("tern_add_new", A, Reentry::Any),
    row("tern_add_free", O, Reentry::Any),
    row("tern_add_set_metainfo", O, Reentry::Any),
    row("tern_add_set_metainfo_file", O, Reentry::Any),
    row("tern_add_set_metainfo_object", O, Reentry::Any),
    row("tern_add_set_magnet", O, Reentry::Any),
    row("tern_add_set_info_hash", O, Reentry::Any),
    row("tern_add_set_merge", O, Reentry::Any),
    row("tern_add_set_save_path", O, Reentry::Any),
    row("tern_add_set_resume", O, Reentry::Any),
    row("tern_add_set_paused", O, Reentry::Any),
    row("tern_add_set_sequential", O, Reentry::Any),
    row("tern_add_set_preallocate", O, Reentry::Any),
    row("tern_add_set_file_priority", O, Reentry::Any),
    row("tern_add_set_file_priorities", O, Reentry::Any),
    row("tern_add_rename_file", O, Reentry::Any),
    row("tern_add_clear_trackers", O, Reentry::Any),
    row("tern_add_add_tracker", O, Reentry::Any),
    row("tern_add_add_peer", O, Reentry::Any),
    row("tern_add_set_limits", O, Reentry::Any),
    row("tern_add_set_save_policy", O, Reentry::Any),
    row("tern_add_set_seed_mode", O, Reentry::Any),
    row("tern_add_set_load_policy", O, Reentry::Any),
    row("tern_torrent_retain", A, Reentry::Any),
    row("tern_torrent_release", A, Reentry::Any),
    row("tern_torrent_id", A, Reentry::Any),
    row("tern_torrent_info_hash", A, Reentry::Any),
    row("tern_torrent_take_session", A, Reentry::Any),
    row("tern_torrent_remove", A, Reentry::Any),
    row("tern_torrent_queue_position", A, Reentry::Any),
    row("tern_torrent_set_queue_position", A, Reentry::Any),
    row("tern_torrent_pause", A, Reentry::Any),
    row("tern_torrent_resume", A, Reentry::Any),
    row("tern_torrent_recheck", A, Reentry::Any),
    row("tern_torrent_recheck_file", A, Reentry::Any),
    row("tern_torrent_recheck_pieces", A, Reentry::Any),
    row("tern_torrent_save", A, Reentry::Any),
    row("tern_torrent_request_save", A, Reentry::Any),
    row("tern_torrent_set_save_policy", A, Reentry::Any),
    row("tern_torrent_set_sequential", A, Reentry::Any),
    row("tern_torrent_set_limits", A, Reentry::Any),
    row("tern_torrent_set_max_connections", A, Reentry::Any),
    row("tern_torrent_set_upload_slots", A, Reentry::Any),
    row("tern_torrent_set_file_priority", A, Reentry::Any),
    row("tern_torrent_set_file_priorities", A, Reentry::Any),
    row("tern_torrent_set_piece_priority", A, Reentry::Any),
    row("tern_torrent_move", A, Reentry::Any),
    row("tern_torrent_rename_file", A, Reentry::Any),
    row("tern_torrent_add_peer", A, Reentry::Any),
    row("tern_torrent_ban_peer", A, Reentry::Any),
    row("tern_torrent_drop_peer", A, Reentry::Any),
    row("tern_torrent_set_trackers", A, Reentry::Any),
    row("tern_torrent_add_tracker", A, Reentry::Any),
    row("tern_torrent_announce", A, Reentry::Any),
    row("tern_torrent_announce_tracker", A, Reentry::Any),
    row("tern_torrent_scrape_tracker", A, Reentry::Any),
    row("tern_torrent_scrape", A, Reentry::Any),
    row("tern_torrent_set_wire_notices", A, Reentry::Any),
    row("tern_torrent_status_sized", A, Reentry::Any),
    row("tern_torrent_take_metainfo", A, Reentry::Any),
    row("tern_torrent_take_name", A, Reentry::Any),
    row("tern_torrent_take_magnet", A, Reentry::Any),
    row("tern_torrent_take_save_path", A, Reentry::Any),
    row("tern_torrent_take_file_path", A, Reentry::Any),
    row("tern_torrent_bitfield", A, Reentry::Any),
    row("tern_torrent_wanted", A, Reentry::Any),
    row("tern_torrent_file_priorities", A, Reentry::Any),
    row("tern_torrent_piece_priorities", A, Reentry::Any),
    row("tern_torrent_file_progress", A, Reentry::Any),
    row("tern_torrent_partial_pieces", A, Reentry::Any),
    row("tern_torrent_block_states", A, Reentry::Any),
    row("tern_torrent_read_piece", A, Reentry::Any),
    row("tern_torrent_take_peers", A, Reentry::Any),
    row("tern_peers_len", A, Reentry::Any),
    row("tern_peers_get_sized", A, Reentry::Any),
    row("tern_peers_free", O, Reentry::Any),
    row("tern_torrent_take_trackers", A, Reentry::Any),
    row("tern_trackers_len", A, Reentry::Any),
    row("tern_trackers_get_sized", A, Reentry::Any),
    row("tern_trackers_free", O, Reentry::Any),
    row("tern_metainfo_parse", A, Reentry::Any),
    row("tern_metainfo_load", A, Reentry::Any),
    row("tern_metainfo_free", O, Reentry::Any),
    row("tern_metainfo_info_hash", A, Reentry::Any),
    row("tern_metainfo_name", A, Reentry::Any),
    row("tern_metainfo_name_raw", A, Reentry::Any),
    row("tern_metainfo_comment", A, Reentry::Any),
    row("tern_metainfo_created_by", A, Reentry::Any),
    row("tern_metainfo_source", A, Reentry::Any),
    row("tern_metainfo_creation_date", A, Reentry::Any),
    row("tern_metainfo_is_private", A, Reentry::Any),
    row("tern_metainfo_is_multi_file", A, Reentry::Any),
    row("tern_metainfo_total_size", A, Reentry::Any),
    row("tern_metainfo_piece_length", A, Reentry::Any),
    row("tern_metainfo_piece_size", A, Reentry::Any),
    row("tern_metainfo_piece_count", A, Reentry::Any),
    row("tern_metainfo_piece_hash", A, Reentry::Any),
    row("tern_metainfo_file_count", A, Reentry::Any),
    row("tern_metainfo_file_sized", A, Reentry::Any),
    row("tern_metainfo_file_component", A, Reentry::Any),
    row("tern_metainfo_tracker_count", A, Reentry::Any),
    row("tern_metainfo_tracker", A, Reentry::Any),
    row("tern_metainfo_web_seed_count", A, Reentry::Any),
    row("tern_metainfo_web_seed", A, Reentry::Any),
    row("tern_metainfo_node_count", A, Reentry::Any),
    row("tern_metainfo_node", A, Reentry::Any),
    row("tern_metainfo_take_magnet", A, Reentry::Any),
    row("tern_magnet_info_hash", A, Reentry::Any),
    row("tern_metainfo_info_bytes", A, Reentry::Any),
    row("tern_metainfo_bytes", A, Reentry::Any),
    row("tern_create_new", A, Reentry::Any),
    row("tern_create_free", O, Reentry::Any),
    row("tern_create_set_piece_length", O, Reentry::Any),
    row("tern_create_set_name", O, Reentry::Any),
    row("tern_create_set_comment", O, Reentry::Any),
    row("tern_create_set_created_by", O, Reentry::Any),
    row("tern_create_set_creation_date", O, Reentry::Any),
    row("tern_create_set_source", O, Reentry::Any),
    row("tern_create_set_private", O, Reentry::Any),
    row("tern_create_set_flags", O, Reentry::Any),
    row("tern_create_set_threads", O, Reentry::Any),
    row("tern_create_set_hash_path", O, Reentry::Any),
    row("tern_create_add_tracker", O, Reentry::Any),
    row("tern_create_add_web_seed", O, Reentry::Any),
    row("tern_create_run", O, Reentry::Any),
    row("tern_create_step", O, Reentry::Any),
    row("tern_create_take", O, Reentry::Any),
    row("tern_session_dht_get_peers", A, Reentry::Any),
    row("tern_session_dht_get", A, Reentry::Any),
    row("tern_session_dht_get_mutable", A, Reentry::Any),
    row("tern_session_dht_put", A, Reentry::Any),
    row("tern_session_dht_put_mutable", A, Reentry::Any),
    row("tern_session_dht_put_signed", A, Reentry::Any),
    row("tern_session_dht_ping", A, Reentry::Any),
    row("tern_session_dht_find_node", A, Reentry::Any),
    row("tern_session_dht_sample", A, Reentry::Any),
    row("tern_session_dht_follow", A, Reentry::Any),
    row("tern_session_dht_publish", A, Reentry::Any),
    row("tern_session_dht_cancel", A, Reentry::Any),
    row("tern_session_dht_add_node", A, Reentry::Any),
    row("tern_session_dht_id", A, Reentry::Any),
    row("tern_session_dht_set_id", A, Reentry::Any),
    row("tern_session_take_dht_nodes", A, Reentry::Any),
    row("tern_session_dht_stats_sized", A, Reentry::Any),
    row("tern_session_set_dht_hook", A, Reentry::Any),
    row("tern_session_take_state", A, Reentry::Any),
    row("tern_session_load_state", A, Reentry::Any),
    row("tern_add_set_dht", O, Reentry::Any),
    row("tern_torrent_set_dht", A, Reentry::Any),
    row("tern_torrent_dht_announce", A, Reentry::Any),
    row("tern_dht_keypair", A, Reentry::Any),
    row("tern_dht_sign", A, Reentry::Any),
    row("tern_dht_target", A, Reentry::Any),
];

/// The row of a function. Meant for constants: a name that is not in the table stops the compiler.
#[must_use]
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
pub const fn find(name: &str) -> &'static Entry {
    let mut at = 0;
    while at < TABLE.len() {
        if same(TABLE[at].name.as_bytes(), name.as_bytes()) {
            return &TABLE[at];
        }
        at += 1;
    }
    panic!("the function is not in the table")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
