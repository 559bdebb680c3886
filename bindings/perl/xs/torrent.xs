MODULE = Tern    PACKAGE = Tern::Torrent

SV *
id(tern_torrent *torrent)
    CODE:
        RETVAL = xs_u64(aTHX_ tern_torrent_id(torrent));
    OUTPUT:
        RETVAL

SV *
info_hash(tern_torrent *torrent)
    PREINIT:
        uint8_t hash[20];
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_info_hash(torrent, hash, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) hash, 20) : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
session(tern_torrent *torrent)
    PREINIT:
        tern_session *session;
    CODE:
        session = tern_torrent_take_session(torrent);
        RETVAL = session ? xs_new_object(aTHX_ "Tern::Session", session, &xs_vtbl_session)
                         : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
remove(tern_torrent *torrent, U32 flags = 0)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_remove(torrent, flags, err));
    OUTPUT:
        RETVAL

SV *
pause(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_pause(torrent, err));
    OUTPUT:
        RETVAL

SV *
resume(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_resume(torrent, err));
    OUTPUT:
        RETVAL

SV *
recheck(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_recheck(torrent, err));
    OUTPUT:
        RETVAL

SV *
save(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_save(torrent, err));
    OUTPUT:
        RETVAL

SV *
request_save(tern_torrent *torrent, U32 flags = 0)
    PREINIT:
        uint64_t ticket = 0;
        tern_error *err = NULL;
        tern_result result;
    CODE:
        result = tern_torrent_request_save(torrent, flags, &ticket, &err);
        RETVAL = xs_ok(aTHX_ result, err) ? xs_u64(aTHX_ ticket) : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
announce(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_announce(torrent, err));
    OUTPUT:
        RETVAL

SV *
announce_tracker(tern_torrent *torrent, SV *url)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ url, &len);
        XS_YES_OR_UNDEF(tern_torrent_announce_tracker(torrent, text, len, err));
    OUTPUT:
        RETVAL

SV *
scrape_tracker(tern_torrent *torrent, SV *url)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ url, &len);
        XS_YES_OR_UNDEF(tern_torrent_scrape_tracker(torrent, text, len, err));
    OUTPUT:
        RETVAL

SV *
scrape(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_scrape(torrent, err));
    OUTPUT:
        RETVAL

SV *
recheck_file(tern_torrent *torrent, U32 file)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_recheck_file(torrent, file, err));
    OUTPUT:
        RETVAL

SV *
recheck_pieces(tern_torrent *torrent, U32 first, U32 end)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_recheck_pieces(torrent, first, end, err));
    OUTPUT:
        RETVAL

SV *
set_save_policy(tern_torrent *torrent, U32 flags, NV interval_ms = 0)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_save_policy(torrent, flags, (int64_t) interval_ms, err));
    OUTPUT:
        RETVAL

SV *
queue_position(tern_torrent *torrent)
    PREINIT:
        tern_error *err = NULL;
        tern_result r;
        uint32_t position = 0;
    CODE:
        r = tern_torrent_queue_position(torrent, &position, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = newSVuv(position);
    OUTPUT:
        RETVAL

SV *
set_queue_position(tern_torrent *torrent, U32 position)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_queue_position(torrent, position, err));
    OUTPUT:
        RETVAL

SV *
set_sequential(tern_torrent *torrent, int on)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_sequential(torrent, on, err));
    OUTPUT:
        RETVAL

SV *
set_limits(tern_torrent *torrent, SV *download, SV *upload)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_limits(torrent, xs_sv_u64(aTHX_ download),
                                                xs_sv_u64(aTHX_ upload), err));
    OUTPUT:
        RETVAL

SV *
set_max_connections(tern_torrent *torrent, U32 n)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_max_connections(torrent, n, err));
    OUTPUT:
        RETVAL

SV *
set_upload_slots(tern_torrent *torrent, U32 n)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_upload_slots(torrent, n, err));
    OUTPUT:
        RETVAL

SV *
set_file_priority(tern_torrent *torrent, U32 file, U32 priority)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_file_priority(torrent, file, priority, err));
    OUTPUT:
        RETVAL

SV *
set_piece_priority(tern_torrent *torrent, U32 piece, U32 priority)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_piece_priority(torrent, piece, priority, err));
    OUTPUT:
        RETVAL

SV *
set_wire_notices(tern_torrent *torrent, int on)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_wire_notices(torrent, on, err));
    OUTPUT:
        RETVAL

SV *
drop_peer(tern_torrent *torrent, SV *peer)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_drop_peer(torrent, xs_sv_u64(aTHX_ peer), err));
    OUTPUT:
        RETVAL

SV *
set_verify_hook(tern_torrent *torrent, int mode)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_verify_hook(torrent, mode, 0, NULL, NULL, NULL, err));
    OUTPUT:
        RETVAL

SV *
set_save_hook(tern_torrent *torrent, int mode)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_save_hook(torrent, mode, 0, NULL, NULL, NULL, err));
    OUTPUT:
        RETVAL

SV *
move(tern_torrent *torrent, SV *path)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ path, &len);
        XS_YES_OR_UNDEF(tern_torrent_move(torrent, text, len, err));
    OUTPUT:
        RETVAL

SV *
rename_file(tern_torrent *torrent, U32 file, SV *path)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ path, &len);
        XS_YES_OR_UNDEF(tern_torrent_rename_file(torrent, file, text, len, err));
    OUTPUT:
        RETVAL

SV *
add_peer(tern_torrent *torrent, SV *address)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ address, &len);
        XS_YES_OR_UNDEF(tern_torrent_add_peer(torrent, text, len, err));
    OUTPUT:
        RETVAL

SV *
ban_peer(tern_torrent *torrent, SV *address)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ address, &len);
        XS_YES_OR_UNDEF(tern_torrent_ban_peer(torrent, text, len, err));
    OUTPUT:
        RETVAL

SV *
add_tracker(tern_torrent *torrent, U32 tier, SV *url)
    PREINIT:
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ url, &len);
        XS_YES_OR_UNDEF(tern_torrent_add_tracker(torrent, tier, text, len, err));
    OUTPUT:
        RETVAL

SV *
set_trackers(tern_torrent *torrent, ...)
    PREINIT:
        const char **urls;
        uint32_t *tiers;
        size_t i, n;
    CODE:
        n = (size_t) (items - 1) / 2;
        /* Mortal buffers: a dying magic get must not leak them. */
        urls = (const char **) SvPVX(sv_2mortal(newSV((n + 1) * sizeof *urls)));
        tiers = (uint32_t *) SvPVX(sv_2mortal(newSV((n + 1) * sizeof *tiers)));
        for (i = 0; i < n; i++) {
            tiers[i] = (uint32_t) SvUV(ST(1 + 2 * i));
            urls[i] = SvPV_nolen(ST(2 + 2 * i));
        }
        XS_YES_OR_UNDEF(tern_torrent_set_trackers(torrent, urls, tiers, n, err));
    OUTPUT:
        RETVAL

SV *
set_file_priorities(tern_torrent *torrent, SV *priorities)
    PREINIT:
        STRLEN len;
        const char *bytes;
    CODE:
        bytes = SvPVbyte(priorities, len);
        XS_YES_OR_UNDEF(tern_torrent_set_file_priorities(torrent, (const uint8_t *) bytes, len,
                                                         err));
    OUTPUT:
        RETVAL

SV *
status(tern_torrent *torrent)
    PREINIT:
        tern_status s;
        tern_error *err = NULL;
        tern_result r;
        HV *hv;
    CODE:
        r = tern_torrent_status(torrent, &s, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        hv = newHV();
        (void) hv_stores(hv, "state", newSViv(s.state));
        (void) hv_stores(hv, "pieces_have", newSVuv(s.pieces_have));
        (void) hv_stores(hv, "pieces_total", newSVuv(s.pieces_total));
        (void) hv_stores(hv, "total_size", xs_u64(aTHX_ s.total_size));
        (void) hv_stores(hv, "bytes_have", xs_u64(aTHX_ s.bytes_have));
        (void) hv_stores(hv, "wanted_size", xs_u64(aTHX_ s.wanted_size));
        (void) hv_stores(hv, "wanted_have", xs_u64(aTHX_ s.wanted_have));
        (void) hv_stores(hv, "progress", newSVnv(s.progress));
        (void) hv_stores(hv, "downloaded", xs_u64(aTHX_ s.downloaded));
        (void) hv_stores(hv, "uploaded", xs_u64(aTHX_ s.uploaded));
        (void) hv_stores(hv, "wire_received", xs_u64(aTHX_ s.wire_received));
        (void) hv_stores(hv, "wire_sent", xs_u64(aTHX_ s.wire_sent));
        (void) hv_stores(hv, "wasted", xs_u64(aTHX_ s.wasted));
        (void) hv_stores(hv, "total_downloaded", xs_u64(aTHX_ s.total_downloaded));
        (void) hv_stores(hv, "total_uploaded", xs_u64(aTHX_ s.total_uploaded));
        (void) hv_stores(hv, "download_rate", xs_u64(aTHX_ s.download_rate));
        (void) hv_stores(hv, "upload_rate", xs_u64(aTHX_ s.upload_rate));
        (void) hv_stores(hv, "peers", newSVuv(s.peers));
        (void) hv_stores(hv, "seeds", newSVuv(s.seeds));
        (void) hv_stores(hv, "half_open", newSVuv(s.half_open));
        (void) hv_stores(hv, "known_peers", newSVuv(s.known_peers));
        (void) hv_stores(hv, "unchoked", newSVuv(s.unchoked));
        (void) hv_stores(hv, "pieces_hashed", newSVuv(s.pieces_hashed));
        (void) hv_stores(hv, "pieces_restored", newSVuv(s.pieces_restored));
        (void) hv_stores(hv, "pieces_failed", newSVuv(s.pieces_failed));
        (void) hv_stores(hv, "availability", newSVnv(s.availability));
        (void) hv_stores(hv, "durable_generation", xs_u64(aTHX_ s.durable_generation));
        (void) hv_stores(hv, "active_secs", xs_u64(aTHX_ s.active_secs));
        (void) hv_stores(hv, "added_time", xs_i64(aTHX_ s.added_time));
        (void) hv_stores(hv, "completed_time", xs_i64(aTHX_ s.completed_time));
        (void) hv_stores(hv, "need_save", newSViv(s.need_save));
        (void) hv_stores(hv, "sequential", newSViv(s.sequential));
        (void) hv_stores(hv, "download_limit", xs_u64(aTHX_ s.download_limit));
        (void) hv_stores(hv, "upload_limit", xs_u64(aTHX_ s.upload_limit));
        (void) hv_stores(hv, "is_finished", newSViv(s.is_finished));
        (void) hv_stores(hv, "is_paused", newSViv(s.is_paused));
        (void) hv_stores(hv, "has_metadata", newSViv(s.has_metadata));
        (void) hv_stores(hv, "known_by_source", xs_by_source(aTHX_ s.known_by_source));
        (void) hv_stores(hv, "peers_by_source", xs_by_source(aTHX_ s.peers_by_source));
        RETVAL = newRV_noinc((SV *) hv);
    OUTPUT:
        RETVAL

SV *
bitfield(tern_torrent *torrent)
    PREINIT:
        size_t len = 0;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_bitfield(torrent, NULL, 0, &len, NULL);
        RETVAL = newSV(len + 1);
        SvPOK_only(RETVAL);
        r = tern_torrent_bitfield(torrent, (uint8_t *) SvPVX(RETVAL), len, &len, &err);
        if (!xs_ok(aTHX_ r, err)) {
            SvREFCNT_dec(RETVAL);
            XSRETURN_UNDEF;
        }
        SvCUR_set(RETVAL, len);
        *SvEND(RETVAL) = 0;
    OUTPUT:
        RETVAL

SV *
wanted(tern_torrent *torrent)
    PREINIT:
        size_t len = 0;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_wanted(torrent, NULL, 0, &len, NULL);
        RETVAL = newSV(len + 1);
        SvPOK_only(RETVAL);
        r = tern_torrent_wanted(torrent, (uint8_t *) SvPVX(RETVAL), len, &len, &err);
        if (!xs_ok(aTHX_ r, err)) {
            SvREFCNT_dec(RETVAL);
            XSRETURN_UNDEF;
        }
        SvCUR_set(RETVAL, len);
        *SvEND(RETVAL) = 0;
    OUTPUT:
        RETVAL

SV *
file_priorities(tern_torrent *torrent)
    PREINIT:
        size_t len = 0;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_file_priorities(torrent, NULL, 0, &len, NULL);
        RETVAL = newSV(len + 1);
        SvPOK_only(RETVAL);
        r = tern_torrent_file_priorities(torrent, (uint8_t *) SvPVX(RETVAL), len, &len, &err);
        if (!xs_ok(aTHX_ r, err)) {
            SvREFCNT_dec(RETVAL);
            XSRETURN_UNDEF;
        }
        SvCUR_set(RETVAL, len);
        *SvEND(RETVAL) = 0;
    OUTPUT:
        RETVAL

SV *
piece_priorities(tern_torrent *torrent)
    PREINIT:
        size_t len = 0;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_piece_priorities(torrent, NULL, 0, &len, NULL);
        RETVAL = newSV(len + 1);
        SvPOK_only(RETVAL);
        r = tern_torrent_piece_priorities(torrent, (uint8_t *) SvPVX(RETVAL), len, &len, &err);
        if (!xs_ok(aTHX_ r, err)) {
            SvREFCNT_dec(RETVAL);
            XSRETURN_UNDEF;
        }
        SvCUR_set(RETVAL, len);
        *SvEND(RETVAL) = 0;
    OUTPUT:
        RETVAL

void
file_progress(tern_torrent *torrent)
    PREINIT:
        size_t i, len = 0;
        uint64_t *bytes;
        tern_error *err = NULL;
        tern_result r;
    PPCODE:
        (void) tern_torrent_file_progress(torrent, NULL, 0, &len, NULL);
        bytes = (uint64_t *) SvPVX(sv_2mortal(newSV((len + 1) * sizeof *bytes)));
        r = tern_torrent_file_progress(torrent, bytes, len, &len, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_EMPTY;
        EXTEND(SP, (SSize_t) len);
        for (i = 0; i < len; i++)
            mPUSHs(xs_u64(aTHX_ bytes[i]));

void
partial_pieces(tern_torrent *torrent)
    PREINIT:
        size_t i, capacity, len = 0;
        uint32_t *pieces;
        tern_result r;
    PPCODE:
        do {
            capacity = len + 16;
            pieces = (uint32_t *) SvPVX(sv_2mortal(newSV(capacity * sizeof *pieces)));
            r = tern_torrent_partial_pieces(torrent, pieces, capacity, &len, NULL);
        } while (r == TERN_E_RANGE && len > capacity);
        if (!xs_ok(aTHX_ r, NULL))
            XSRETURN_EMPTY;
        EXTEND(SP, (SSize_t) len);
        for (i = 0; i < len; i++)
            mPUSHu(pieces[i]);

SV *
block_states(tern_torrent *torrent, U32 piece)
    PREINIT:
        size_t len = 0;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_block_states(torrent, piece, NULL, 0, &len, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = newSV(len + 1);
        SvPOK_only(RETVAL);
        r = tern_torrent_block_states(torrent, piece, (uint8_t *) SvPVX(RETVAL), len, &len, &err);
        if (!xs_ok(aTHX_ r, err)) {
            SvREFCNT_dec(RETVAL);
            XSRETURN_UNDEF;
        }
        SvCUR_set(RETVAL, len);
        *SvEND(RETVAL) = 0;
    OUTPUT:
        RETVAL

SV *
read_piece(tern_torrent *torrent, U32 piece)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_read_piece(torrent, piece, &buf, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = newSVpvn((const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
save_path(tern_torrent *torrent)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_take_save_path(torrent, &buf, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = newSVpvn((const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
file_path(tern_torrent *torrent, U32 file)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_take_file_path(torrent, file, &buf, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = newSVpvn((const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
name(tern_torrent *torrent)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_take_name(torrent, &buf, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_text(aTHX_ (const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
magnet(tern_torrent *torrent)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_take_magnet(torrent, &buf, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_text(aTHX_ (const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
metainfo(tern_torrent *torrent)
    PREINIT:
        tern_metainfo *m = NULL;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_torrent_take_metainfo(torrent, &m, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ "Tern::Metainfo", m, &xs_vtbl_metainfo);
    OUTPUT:
        RETVAL

void
peers(tern_torrent *torrent)
    PREINIT:
        tern_peers *peers = NULL;
        tern_error *err = NULL;
        tern_result r;
        size_t i, n;
    PPCODE:
        r = tern_torrent_take_peers(torrent, &peers, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_EMPTY;
        n = tern_peers_len(peers);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++) {
            tern_peer_info p;
            HV *hv;
            if (tern_peers_get(peers, i, &p) != TERN_OK)
                continue;
            hv = newHV();
            (void) hv_stores(hv, "flags", newSVuv(p.flags));
            (void) hv_stores(hv, "peer", xs_u64(aTHX_ p.peer));
            (void) hv_stores(hv, "addr", xs_bytes(aTHX_ p.addr));
            (void) hv_stores(hv, "client",
                             xs_text(aTHX_ (const char *) p.client.ptr, p.client.len));
            (void) hv_stores(hv, "bitfield", xs_bytes(aTHX_ p.bitfield));
            (void) hv_stores(hv, "peer_id", newSVpvn((const char *) p.peer_id, 20));
            (void) hv_stores(hv, "handshake_bits", newSVpvn((const char *) p.handshake_bits, 8));
            (void) hv_stores(hv, "source", newSViv(p.source));
            (void) hv_stores(hv, "downloaded", xs_u64(aTHX_ p.downloaded));
            (void) hv_stores(hv, "uploaded", xs_u64(aTHX_ p.uploaded));
            (void) hv_stores(hv, "download_rate", xs_u64(aTHX_ p.download_rate));
            (void) hv_stores(hv, "upload_rate", xs_u64(aTHX_ p.upload_rate));
            (void) hv_stores(hv, "pieces_have", newSVuv(p.pieces_have));
            (void) hv_stores(hv, "requests_out", newSVuv(p.requests_out));
            (void) hv_stores(hv, "requests_in", newSVuv(p.requests_in));
            (void) hv_stores(hv, "bad_pieces", newSVuv(p.bad_pieces));
            (void) hv_stores(hv, "connected_secs", xs_u64(aTHX_ p.connected_secs));
            mPUSHs(newRV_noinc((SV *) hv));
        }
        tern_peers_free(peers);

void
trackers(tern_torrent *torrent)
    PREINIT:
        tern_trackers *trackers = NULL;
        tern_error *err = NULL;
        tern_result r;
        size_t i, n;
    PPCODE:
        r = tern_torrent_take_trackers(torrent, &trackers, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_EMPTY;
        n = tern_trackers_len(trackers);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++) {
            tern_tracker_info k;
            HV *hv;
            if (tern_trackers_get(trackers, i, &k) != TERN_OK)
                continue;
            hv = newHV();
            (void) hv_stores(hv, "tier", newSVuv(k.tier));
            (void) hv_stores(hv, "url", xs_bytes(aTHX_ k.url));
            (void) hv_stores(hv, "message",
                             xs_text(aTHX_ (const char *) k.message.ptr, k.message.len));
            (void) hv_stores(hv, "fails", newSVuv(k.fails));
            (void) hv_stores(hv, "updating", newSViv(k.updating));
            (void) hv_stores(hv, "verified", newSViv(k.verified));
            (void) hv_stores(hv, "next_announce_secs", newSViv(k.next_announce_secs));
            (void) hv_stores(hv, "complete", xs_i64(aTHX_ k.complete));
            (void) hv_stores(hv, "incomplete", xs_i64(aTHX_ k.incomplete));
            (void) hv_stores(hv, "downloaded", xs_i64(aTHX_ k.downloaded));
            mPUSHs(newRV_noinc((SV *) hv));
        }
        tern_trackers_free(trackers);
