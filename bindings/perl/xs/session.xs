MODULE = Tern    PACKAGE = Tern::Session

SV *
new(const char *class, HV *options = NULL)
    PREINIT:
        tern_config *config;
        tern_session *session = NULL;
        tern_error *err = NULL;
        bool ok;
    CODE:
        config = tern_config_new();
        if (!config)
            croak("out of memory");
        ok = !options || xs_fill_config(aTHX_ config, options);
        if (ok) {
            tern_result r = tern_session_new(config, &session, &err);
            ok = xs_ok(aTHX_ r, err);
        }
        tern_config_free(config);
        if (!ok)
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ class, session, &xs_vtbl_session);
    OUTPUT:
        RETVAL

SV *
apply(tern_session *session, HV *options)
    PREINIT:
        tern_config *config;
        bool ok;
    CODE:
        config = tern_config_new();
        if (!config)
            croak("out of memory");
        ok = xs_fill_config(aTHX_ config, options);
        if (ok) {
            tern_error *err = NULL;
            tern_result r = tern_session_apply(session, config, &err);
            ok = xs_ok(aTHX_ r, err);
        }
        tern_config_free(config);
        RETVAL = ok ? &PL_sv_yes : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
option(tern_session *session, SV *name)
    PREINIT:
        tern_config *config = NULL;
        tern_option_info o;
        tern_error *err = NULL;
        tern_result r;
        STRLEN len;
        const char *text;
        int64_t i = 0;
        int32_t b = 0;
        double d = 0;
        tern_bytes bytes = {(const uint8_t *) "", 0};
    CODE:
        text = xs_path(aTHX_ name, &len);
        r = tern_option_by_name(text, len, &o, &err);
        if (r == TERN_OK)
            r = tern_session_take_config(session, &config, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        switch (o.value_type) {
        case TERN_OPTION_TYPE_INT:
            (void) tern_config_get_int(config, o.id, &i, NULL);
            RETVAL = xs_i64(aTHX_ i);
            break;
        case TERN_OPTION_TYPE_BOOL:
            (void) tern_config_get_bool(config, o.id, &b, NULL);
            RETVAL = newSViv(b);
            break;
        case TERN_OPTION_TYPE_DOUBLE:
            (void) tern_config_get_double(config, o.id, &d, NULL);
            RETVAL = newSVnv(d);
            break;
        case TERN_OPTION_TYPE_STR:
            (void) tern_config_get_str(config, o.id, &bytes, NULL);
            RETVAL = xs_text(aTHX_ (const char *) bytes.ptr, bytes.len);
            break;
        default:
            (void) tern_config_get_bytes(config, o.id, &bytes, NULL);
            RETVAL = xs_bytes(aTHX_ bytes);
        }
        tern_config_free(config);
    OUTPUT:
        RETVAL

SV *
close_begin(tern_session *session)
    CODE:
        XS_YES_OR_UNDEF(tern_session_close_begin(session, err));
    OUTPUT:
        RETVAL

SV *
close(tern_session *session, int timeout_ms)
    CODE:
        XS_YES_OR_UNDEF(tern_session_close(session, timeout_ms, NULL, err));
    OUTPUT:
        RETVAL

SV *
pause(tern_session *session)
    CODE:
        XS_YES_OR_UNDEF(tern_session_pause(session, err));
    OUTPUT:
        RETVAL

SV *
resume(tern_session *session)
    CODE:
        XS_YES_OR_UNDEF(tern_session_resume(session, err));
    OUTPUT:
        RETVAL

SV *
listen_port(tern_session *session)
    PREINIT:
        uint16_t port = 0;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_session_listen_port(session, &port, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVuv(port) : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
external(tern_session *session)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_session_take_external(session, &buf, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) buf.ptr, buf.len) : &PL_sv_undef;
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
stats(tern_session *session)
    PREINIT:
        tern_stats s;
        tern_error *err = NULL;
        tern_result r;
        HV *hv;
    CODE:
        r = tern_session_stats(session, &s, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        hv = newHV();
        (void) hv_stores(hv, "torrents", newSVuv(s.torrents));
        (void) hv_stores(hv, "queued_events", newSVuv(s.queued_events));
        (void) hv_stores(hv, "open_requests", newSVuv(s.open_requests));
        (void) hv_stores(hv, "dropped_notices", xs_u64(aTHX_ s.dropped_notices));
        (void) hv_stores(hv, "listen_port", newSVuv(s.listen_port));
        (void) hv_stores(hv, "peers", newSVuv(s.peers));
        (void) hv_stores(hv, "downloaded", xs_u64(aTHX_ s.downloaded));
        (void) hv_stores(hv, "uploaded", xs_u64(aTHX_ s.uploaded));
        (void) hv_stores(hv, "download_rate", xs_u64(aTHX_ s.download_rate));
        (void) hv_stores(hv, "upload_rate", xs_u64(aTHX_ s.upload_rate));
        (void) hv_stores(hv, "udp_received", xs_u64(aTHX_ s.udp_received));
        (void) hv_stores(hv, "udp_received_bytes", xs_u64(aTHX_ s.udp_received_bytes));
        (void) hv_stores(hv, "udp_sent", xs_u64(aTHX_ s.udp_sent));
        (void) hv_stores(hv, "udp_sent_bytes", xs_u64(aTHX_ s.udp_sent_bytes));
        (void) hv_stores(hv, "udp_unsent", xs_u64(aTHX_ s.udp_unsent));
        (void) hv_stores(hv, "udp_dropped", xs_u64(aTHX_ s.udp_dropped));
        (void) hv_stores(hv, "udp_malformed", xs_u64(aTHX_ s.udp_malformed));
        (void) hv_stores(hv, "udp_tracker_received", xs_u64(aTHX_ s.udp_tracker_received));
        (void) hv_stores(hv, "udp_tracker_received_bytes",
                         xs_u64(aTHX_ s.udp_tracker_received_bytes));
        (void) hv_stores(hv, "udp_tracker_sent", xs_u64(aTHX_ s.udp_tracker_sent));
        (void) hv_stores(hv, "udp_tracker_sent_bytes", xs_u64(aTHX_ s.udp_tracker_sent_bytes));
        (void) hv_stores(hv, "udp_tracker_answers", xs_u64(aTHX_ s.udp_tracker_answers));
        (void) hv_stores(hv, "udp_tracker_failures", xs_u64(aTHX_ s.udp_tracker_failures));
        (void) hv_stores(hv, "udp_tracker_connects", xs_u64(aTHX_ s.udp_tracker_connects));
        (void) hv_stores(hv, "udp_tracker_reused", xs_u64(aTHX_ s.udp_tracker_reused));
        RETVAL = newRV_noinc((SV *) hv);
    OUTPUT:
        RETVAL

int
event_fd(tern_session *session)
    CODE:
        RETVAL = tern_session_event_fd(session);
    OUTPUT:
        RETVAL

int
wait(tern_session *session, NV seconds)
    PREINIT:
        int fd;
    CODE:
        fd = tern_session_event_fd(session);
        RETVAL = fd < 0 ? -1 : xs_poll(aTHX_ fd, seconds);
    OUTPUT:
        RETVAL

SV *
wake(tern_session *session)
    CODE:
        RETVAL = xs_ok(aTHX_ tern_session_wake(session), NULL) ? &PL_sv_yes : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
subscribe(tern_session *session, U32 classes)
    CODE:
        XS_YES_OR_UNDEF(tern_session_subscribe(session, classes, err));
    OUTPUT:
        RETVAL

void
take(tern_session *session, UV max = 0)
    PREINIT:
        tern_batch *batch = NULL;
        tern_error *err = NULL;
        tern_result r;
        size_t i, n;
    PPCODE:
        r = tern_session_take(session, max, &batch, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_EMPTY;
        n = tern_batch_len(batch);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++) {
            tern_event e;
            if (tern_batch_get(batch, i, &e) == TERN_OK)
                mPUSHs(xs_event(aTHX_ &e));
        }
        tern_batch_free(batch);

SV *
request_complete(tern_session *session, SV *token, int verdict, NV detail = 0)
    CODE:
        XS_YES_OR_UNDEF(tern_request_complete(session, xs_sv_u64(aTHX_ token), verdict,
                                              (int64_t) detail, err));
    OUTPUT:
        RETVAL

SV *
request_data(tern_session *session, SV *token)
    PREINIT:
        tern_bytes data;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_request_data(session, xs_sv_u64(aTHX_ token), &data, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? xs_bytes(aTHX_ data) : &PL_sv_undef;
    OUTPUT:
        RETVAL

SV *
set_verify_hook(tern_session *session, int mode)
    CODE:
        XS_YES_OR_UNDEF(tern_session_set_verify_hook(session, mode, 0, NULL, NULL, NULL, err));
    OUTPUT:
        RETVAL

SV *
set_save_hook(tern_session *session, int mode)
    CODE:
        XS_YES_OR_UNDEF(tern_session_set_save_hook(session, mode, 0, NULL, NULL, NULL, err));
    OUTPUT:
        RETVAL

SV *
add(tern_session *session, HV *args)
    PREINIT:
        tern_add *add;
        tern_torrent *torrent = NULL;
        tern_error *err = NULL;
        tern_result r = TERN_OK;
        SV *sv, *sv2;
        STRLEN len;
        const char *text;
    CODE:
        add = tern_add_new();
        if (!add)
            croak("out of memory");
        if ((sv = xs_fetch(aTHX_ args, "metainfo"))) {
            MAGIC *mg = SvROK(sv) ? mg_findext(SvRV(sv), PERL_MAGIC_ext, &xs_vtbl_metainfo) : NULL;
            XS_STEP(mg ? tern_add_set_metainfo_object(add, (tern_metainfo *) mg->mg_ptr, &err)
                       : TERN_E_INVALID);
        }
        if ((sv = xs_fetch(aTHX_ args, "metainfo_bytes"))) {
            text = SvPVbyte(sv, len);
            XS_STEP(tern_add_set_metainfo(add, (const uint8_t *) text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "metainfo_file"))) {
            text = xs_path(aTHX_ sv, &len);
            XS_STEP(tern_add_set_metainfo_file(add, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "magnet"))) {
            text = xs_path(aTHX_ sv, &len);
            XS_STEP(tern_add_set_magnet(add, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "info_hash"))) {
            text = SvPVbyte(sv, len);
            XS_STEP(len == 20 ? tern_add_set_info_hash(add, (const uint8_t *) text, &err)
                              : TERN_E_INVALID);
        }
        if ((sv = xs_fetch(aTHX_ args, "merge")))
            XS_STEP(tern_add_set_merge(add, SvTRUE(sv) ? 1 : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "save_path"))) {
            text = xs_path(aTHX_ sv, &len);
            XS_STEP(tern_add_set_save_path(add, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "resume"))) {
            text = SvPVbyte(sv, len);
            XS_STEP(tern_add_set_resume(add, (const uint8_t *) text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "paused")))
            XS_STEP(tern_add_set_paused(add, SvTRUE(sv) ? 1 : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "sequential")))
            XS_STEP(tern_add_set_sequential(add, SvTRUE(sv) ? 1 : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "preallocate")))
            XS_STEP(tern_add_set_preallocate(add, SvTRUE(sv) ? 1 : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "dht")))
            XS_STEP(tern_add_set_dht(add, SvTRUE(sv) ? 1 : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "file_priorities"))) {
            text = SvPVbyte(sv, len);
            XS_STEP(tern_add_set_file_priorities(add, (const uint8_t *) text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "no_trackers")) && SvTRUE(sv))
            XS_STEP(tern_add_clear_trackers(add, &err));
        if ((sv = xs_fetch(aTHX_ args, "trackers")) && SvROK(sv)
            && SvTYPE(SvRV(sv)) == SVt_PVAV) {
            AV *const av = (AV *) SvRV(sv);
            SSize_t i;
            /* One tier each, after those of the metainfo. */
            for (i = 0; i <= av_len(av); i++) {
                SV **const url = av_fetch(av, i, 0);
                if (!url)
                    continue;
                text = xs_path(aTHX_ *url, &len);
                XS_STEP(tern_add_add_tracker(add, (uint32_t) (1000 + i), text, len, &err));
            }
        }
        if ((sv = xs_fetch(aTHX_ args, "renames")) && SvROK(sv)
            && SvTYPE(SvRV(sv)) == SVt_PVHV) {
            HV *const renames = (HV *) SvRV(sv);
            HE *he;
            hv_iterinit(renames);
            while ((he = hv_iternext(renames))) {
                text = xs_path(aTHX_ HeVAL(he), &len);
                XS_STEP(tern_add_rename_file(add, (uint32_t) SvUV(hv_iterkeysv(he)), text, len,
                                             &err));
            }
        }
        if ((sv = xs_fetch(aTHX_ args, "peers")) && SvROK(sv) && SvTYPE(SvRV(sv)) == SVt_PVAV) {
            AV *const av = (AV *) SvRV(sv);
            SSize_t i;
            for (i = 0; i <= av_len(av); i++) {
                SV **const peer = av_fetch(av, i, 0);
                if (!peer)
                    continue;
                text = xs_path(aTHX_ *peer, &len);
                XS_STEP(tern_add_add_peer(add, text, len, &err));
            }
        }
        sv = xs_fetch(aTHX_ args, "download_limit");
        sv2 = xs_fetch(aTHX_ args, "upload_limit");
        if (sv || sv2)
            XS_STEP(tern_add_set_limits(add, sv ? xs_sv_u64(aTHX_ sv) : 0,
                                        sv2 ? xs_sv_u64(aTHX_ sv2) : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "save_policy"))) {
            sv2 = xs_fetch(aTHX_ args, "save_interval_ms");
            XS_STEP(tern_add_set_save_policy(add, (U32) SvUV(sv), sv2 ? SvIV(sv2) : 0, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "load_policy")))
            XS_STEP(tern_add_set_load_policy(add, (int32_t) SvIV(sv), &err));
        if ((sv = xs_fetch(aTHX_ args, "seed_mode")))
            XS_STEP(tern_add_set_seed_mode(add, SvTRUE(sv), &err));
        if ((sv = xs_fetch(aTHX_ args, "verify_hook")))
            XS_STEP(tern_add_set_verify_hook(add, (int32_t) SvIV(sv), 0, NULL, NULL, NULL, &err));
        if ((sv = xs_fetch(aTHX_ args, "save_hook")))
            XS_STEP(tern_add_set_save_hook(add, (int32_t) SvIV(sv), 0, NULL, NULL, NULL, &err));
        XS_STEP(tern_session_add(session, add, &torrent, &err));
        tern_add_free(add);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ "Tern::Torrent", torrent, &xs_vtbl_torrent);
    OUTPUT:
        RETVAL

void
restore(tern_session *session)
    PREINIT:
        tern_error *err = NULL;
        tern_result r;
        uint32_t torrents = 0, failed = 0;
    PPCODE:
        r = tern_session_restore(session, &torrents, &failed, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_EMPTY;
        EXTEND(SP, 2);
        mPUSHu(torrents);
        mPUSHu(failed);

void
torrents(tern_session *session)
    ALIAS:
        queue = 1
    PREINIT:
        tern_torrent **found = NULL;
        tern_error *err = NULL;
        tern_result r;
        size_t i, n = 0, capacity = 0;
    PPCODE:
        for (;;) {
            r = ix ? tern_session_queue(session, found, capacity, &n, &err)
                   : tern_session_torrents(session, found, capacity, &n, &err);
            if (!xs_ok(aTHX_ r, err)) {
                Safefree(found);
                XSRETURN_EMPTY;
            }
            if (n <= capacity)
                break;
            /* More than there was room for: give the first ones back and ask again. */
            for (i = 0; i < capacity; i++)
                tern_torrent_release(found[i]);
            capacity = n;
            Renew(found, capacity, tern_torrent *);
        }
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++)
            mPUSHs(xs_new_object(aTHX_ "Tern::Torrent", found[i], &xs_vtbl_torrent));
        Safefree(found);

SV *
find(tern_session *session, SV *info_hash)
    PREINIT:
        tern_torrent *torrent = NULL;
        tern_error *err = NULL;
        tern_result r = TERN_E_INVALID;
        STRLEN len;
        const char *hash;
    CODE:
        hash = SvPVbyte(info_hash, len);
        if (len == 20)
            r = tern_session_find(session, (const uint8_t *) hash, &torrent, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ "Tern::Torrent", torrent, &xs_vtbl_torrent);
    OUTPUT:
        RETVAL

SV *
find_id(tern_session *session, SV *id)
    PREINIT:
        tern_torrent *torrent = NULL;
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_session_find_id(session, xs_sv_u64(aTHX_ id), &torrent, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ "Tern::Torrent", torrent, &xs_vtbl_torrent);
    OUTPUT:
        RETVAL
