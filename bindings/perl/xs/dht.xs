MODULE = Tern    PACKAGE = Tern::Session

# Methods that begin something give its token.

SV *
dht_get_peers(tern_session *session, SV *info_hash, U32 flags = 0, U16 port = 0)
    CODE:
        XS_TOKEN(tern_session_dht_get_peers(session, xs_exact(aTHX_ info_hash, 20), flags, port,
                                            &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_get(tern_session *session, SV *target)
    CODE:
        XS_TOKEN(tern_session_dht_get(session, xs_exact(aTHX_ target, 20), &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_get_mutable(tern_session *session, SV *key, SV *salt = NULL)
    PREINIT:
        xs_span s;
    CODE:
        s = xs_span_of(aTHX_ salt);
        XS_TOKEN(tern_session_dht_get_mutable(session, xs_exact(aTHX_ key, 32), s.ptr, s.len,
                                              &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_put(tern_session *session, SV *value)
    PREINIT:
        xs_span v;
    CODE:
        v = xs_span_of(aTHX_ value);
        XS_TOKEN(tern_session_dht_put(session, v.ptr, v.len, &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_put_mutable(tern_session *session, SV *secret, SV *value, SV *salt = NULL, SV *replaces = NULL)
    PREINIT:
        xs_span s, v;
        int64_t old;
    CODE:
        s = xs_span_of(aTHX_ salt);
        v = xs_span_of(aTHX_ value);
        old = replaces && SvOK(replaces) ? (int64_t) xs_sv_u64(aTHX_ replaces) : -1;
        XS_TOKEN(tern_session_dht_put_mutable(session, xs_exact(aTHX_ secret, 64), s.ptr, s.len,
                                              v.ptr, v.len, old, &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_put_signed(tern_session *session, SV *key, SV *seq, SV *signature, SV *value, SV *salt = NULL)
    PREINIT:
        xs_span s, v;
    CODE:
        s = xs_span_of(aTHX_ salt);
        v = xs_span_of(aTHX_ value);
        XS_TOKEN(tern_session_dht_put_signed(session, xs_exact(aTHX_ key, 32), s.ptr, s.len,
                                             (int64_t) xs_sv_u64(aTHX_ seq),
                                             xs_exact(aTHX_ signature, 64), v.ptr, v.len, &token,
                                             &err));
    OUTPUT:
        RETVAL

SV *
dht_ping(tern_session *session, SV *node)
    PREINIT:
        xs_span n;
    CODE:
        n = xs_span_of(aTHX_ node);
        XS_TOKEN(tern_session_dht_ping(session, (const char *) n.ptr, n.len, &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_find_node(tern_session *session, SV *target)
    CODE:
        XS_TOKEN(tern_session_dht_find_node(session, xs_exact(aTHX_ target, 20), &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_sample(tern_session *session, SV *target, SV *node = NULL)
    PREINIT:
        xs_span n;
    CODE:
        n = xs_span_of(aTHX_ node);
        XS_TOKEN(tern_session_dht_sample(session, xs_exact(aTHX_ target, 20),
                                         (const char *) n.ptr, n.len, &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_follow(tern_session *session, SV *key, SV *salt = NULL, U32 interval = 3600, SV *path = NULL)
    PREINIT:
        xs_span s, p;
    CODE:
        s = xs_span_of(aTHX_ salt);
        p = xs_span_of(aTHX_ path);
        XS_TOKEN(tern_session_dht_follow(session, xs_exact(aTHX_ key, 32), s.ptr, s.len, interval,
                                         (const char *) p.ptr, p.len, &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_publish(tern_session *session, SV *secret, SV *info_hash, SV *salt = NULL)
    PREINIT:
        xs_span s;
    CODE:
        s = xs_span_of(aTHX_ salt);
        XS_TOKEN(tern_session_dht_publish(session, xs_exact(aTHX_ secret, 64), s.ptr, s.len,
                                          xs_exact(aTHX_ info_hash, 20), &token, &err));
    OUTPUT:
        RETVAL

SV *
dht_cancel(tern_session *session, SV *token)
    CODE:
        XS_YES_OR_UNDEF(tern_session_dht_cancel(session, xs_sv_u64(aTHX_ token), err));
    OUTPUT:
        RETVAL

SV *
dht_add_node(tern_session *session, SV *host)
    PREINIT:
        xs_span h;
    CODE:
        h = xs_span_of(aTHX_ host);
        XS_YES_OR_UNDEF(tern_session_dht_add_node(session, (const char *) h.ptr, h.len, err));
    OUTPUT:
        RETVAL

SV *
dht_node_id(tern_session *session)
    PREINIT:
        uint8_t id[20];
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_session_dht_id(session, id, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) id, 20) : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
set_dht_node_id(tern_session *session, SV *id)
    CODE:
        XS_YES_OR_UNDEF(tern_session_dht_set_id(session, xs_exact(aTHX_ id, 20), err));
    OUTPUT:
        RETVAL

SV *
_dht_nodes(tern_session *session)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_session_take_dht_nodes(session, &buf, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) buf.ptr, buf.len) : &PL_sv_undef;
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
dht_stats(tern_session *session)
    PREINIT:
        tern_dht_stats s;
        tern_error *err = NULL;
        tern_result r;
        HV *hv;
    CODE:
        r = tern_session_dht_stats(session, &s, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        hv = newHV();
        (void) hv_stores(hv, "endpoints", newSVuv(s.endpoints));
        (void) hv_stores(hv, "nodes", newSVuv(s.nodes));
        (void) hv_stores(hv, "torrents", newSVuv(s.torrents));
        (void) hv_stores(hv, "lookups", newSVuv(s.lookups));
        (void) hv_stores(hv, "pointers", newSVuv(s.pointers));
        (void) hv_stores(hv, "stored_torrents", xs_u64(aTHX_ s.stored_torrents));
        (void) hv_stores(hv, "stored_peers", xs_u64(aTHX_ s.stored_peers));
        (void) hv_stores(hv, "stored_items", xs_u64(aTHX_ s.stored_items));
        (void) hv_stores(hv, "queries_in", xs_u64(aTHX_ s.queries_in));
        (void) hv_stores(hv, "queries_out", xs_u64(aTHX_ s.queries_out));
        (void) hv_stores(hv, "answers_in", xs_u64(aTHX_ s.answers_in));
        (void) hv_stores(hv, "received", xs_u64(aTHX_ s.received));
        (void) hv_stores(hv, "received_bytes", xs_u64(aTHX_ s.received_bytes));
        (void) hv_stores(hv, "sent", xs_u64(aTHX_ s.sent));
        (void) hv_stores(hv, "sent_bytes", xs_u64(aTHX_ s.sent_bytes));
        (void) hv_stores(hv, "receive_rate", xs_u64(aTHX_ s.receive_rate));
        (void) hv_stores(hv, "send_rate", xs_u64(aTHX_ s.send_rate));
        (void) hv_stores(hv, "garbage", xs_u64(aTHX_ s.garbage));
        (void) hv_stores(hv, "unsolicited", xs_u64(aTHX_ s.unsolicited));
        (void) hv_stores(hv, "flooded", xs_u64(aTHX_ s.flooded));
        (void) hv_stores(hv, "throttled", xs_u64(aTHX_ s.throttled));
        (void) hv_stores(hv, "bad_tokens", xs_u64(aTHX_ s.bad_tokens));
        RETVAL = newRV_noinc((SV *) hv);
    OUTPUT:
        RETVAL

SV *
set_dht_hook(tern_session *session, int mode)
    CODE:
        XS_YES_OR_UNDEF(tern_session_set_dht_hook(session, mode, 0, NULL, NULL, NULL, err));
    OUTPUT:
        RETVAL

SV *
save_state(tern_session *session)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_session_take_state(session, &buf, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) buf.ptr, buf.len) : &PL_sv_undef;
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
load_state(tern_session *session, SV *state)
    PREINIT:
        xs_span s;
    CODE:
        s = xs_span_of(aTHX_ state);
        XS_YES_OR_UNDEF(tern_session_load_state(session, s.ptr, s.len, err));
    OUTPUT:
        RETVAL

MODULE = Tern    PACKAGE = Tern::Torrent

SV *
set_dht(tern_torrent *torrent, bool on)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_set_dht(torrent, on ? 1 : 0, err));
    OUTPUT:
        RETVAL

SV *
dht_announce(tern_torrent *torrent)
    CODE:
        XS_YES_OR_UNDEF(tern_torrent_dht_announce(torrent, err));
    OUTPUT:
        RETVAL

MODULE = Tern    PACKAGE = Tern

void
dht_keypair(SV *seed)
    PREINIT:
        uint8_t secret[64], pub[32];
        tern_error *err = NULL;
        tern_result r;
    PPCODE:
        r = tern_dht_keypair(xs_exact(aTHX_ seed, 32), secret, pub, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_EMPTY;
        mXPUSHp((const char *) secret, 64);
        mXPUSHp((const char *) pub, 32);

SV *
dht_sign(SV *secret, SV *seq, SV *value, SV *salt = NULL)
    PREINIT:
        uint8_t signature[64];
        xs_span s, v;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        s = xs_span_of(aTHX_ salt);
        v = xs_span_of(aTHX_ value);
        r = tern_dht_sign(xs_exact(aTHX_ secret, 64), s.ptr, s.len,
                          (int64_t) xs_sv_u64(aTHX_ seq), v.ptr, v.len, signature, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) signature, 64) : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
dht_target(SV *value, SV *key = NULL, SV *salt = NULL)
    PREINIT:
        uint8_t target[20];
        xs_span s, v;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        s = xs_span_of(aTHX_ salt);
        v = xs_span_of(aTHX_ value);
        r = tern_dht_target(key && SvOK(key) ? xs_exact(aTHX_ key, 32) : NULL, s.ptr, s.len, v.ptr,
                            v.len, target, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) target, 20) : &PL_sv_undef;
    OUTPUT:
        RETVAL
