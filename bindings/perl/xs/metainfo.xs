MODULE = Tern    PACKAGE = Tern::Metainfo

SV *
parse(const char *class, SV *bytes)
    PREINIT:
        tern_metainfo *m = NULL;
        tern_error *err = NULL;
        tern_result r;
        STRLEN len;
        const char *text;
    CODE:
        text = SvPVbyte(bytes, len);
        r = tern_metainfo_parse((const uint8_t *) text, len, &m, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ class, m, &xs_vtbl_metainfo);
    OUTPUT:
        RETVAL

SV *
load(const char *class, SV *path)
    PREINIT:
        tern_metainfo *m = NULL;
        tern_error *err = NULL;
        tern_result r;
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ path, &len);
        r = tern_metainfo_load(text, len, &m, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_new_object(aTHX_ class, m, &xs_vtbl_metainfo);
    OUTPUT:
        RETVAL

SV *
info_hash(tern_metainfo *m)
    CODE:
        RETVAL = xs_bytes(aTHX_ tern_metainfo_info_hash(m));
    OUTPUT:
        RETVAL

SV *
magnet(tern_metainfo *m)
    PREINIT:
        tern_buf buf = {NULL, 0};
        tern_error *err = NULL;
        tern_result r;
    CODE:
        r = tern_metainfo_take_magnet(m, &buf, &err);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = xs_text(aTHX_ (const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL

SV *
info_bytes(tern_metainfo *m)
    CODE:
        RETVAL = xs_bytes(aTHX_ tern_metainfo_info_bytes(m));
    OUTPUT:
        RETVAL

SV *
bytes(tern_metainfo *m)
    CODE:
        RETVAL = xs_bytes(aTHX_ tern_metainfo_bytes(m));
    OUTPUT:
        RETVAL

SV *
name_raw(tern_metainfo *m)
    CODE:
        RETVAL = xs_bytes(aTHX_ tern_metainfo_name_raw(m));
    OUTPUT:
        RETVAL

SV *
name(tern_metainfo *m)
    PREINIT:
        tern_bytes b;
    CODE:
        b = tern_metainfo_name(m);
        RETVAL = xs_text(aTHX_ (const char *) b.ptr, b.len);
    OUTPUT:
        RETVAL

SV *
comment(tern_metainfo *m)
    PREINIT:
        tern_bytes b;
    CODE:
        b = tern_metainfo_comment(m);
        RETVAL = xs_text(aTHX_ (const char *) b.ptr, b.len);
    OUTPUT:
        RETVAL

SV *
created_by(tern_metainfo *m)
    PREINIT:
        tern_bytes b;
    CODE:
        b = tern_metainfo_created_by(m);
        RETVAL = xs_text(aTHX_ (const char *) b.ptr, b.len);
    OUTPUT:
        RETVAL

SV *
source(tern_metainfo *m)
    PREINIT:
        tern_bytes b;
    CODE:
        b = tern_metainfo_source(m);
        RETVAL = xs_text(aTHX_ (const char *) b.ptr, b.len);
    OUTPUT:
        RETVAL

SV *
creation_date(tern_metainfo *m)
    CODE:
        RETVAL = xs_i64(aTHX_ tern_metainfo_creation_date(m));
    OUTPUT:
        RETVAL

SV *
total_size(tern_metainfo *m)
    CODE:
        RETVAL = xs_u64(aTHX_ tern_metainfo_total_size(m));
    OUTPUT:
        RETVAL

SV *
is_private(tern_metainfo *m)
    CODE:
        RETVAL = newSViv(tern_metainfo_is_private(m));
    OUTPUT:
        RETVAL

SV *
is_multi_file(tern_metainfo *m)
    CODE:
        RETVAL = newSViv(tern_metainfo_is_multi_file(m));
    OUTPUT:
        RETVAL

SV *
piece_length(tern_metainfo *m)
    CODE:
        RETVAL = newSVuv(tern_metainfo_piece_length(m));
    OUTPUT:
        RETVAL

SV *
piece_count(tern_metainfo *m)
    CODE:
        RETVAL = newSVuv(tern_metainfo_piece_count(m));
    OUTPUT:
        RETVAL

SV *
file_count(tern_metainfo *m)
    CODE:
        RETVAL = newSVuv(tern_metainfo_file_count(m));
    OUTPUT:
        RETVAL

SV *
piece_size(tern_metainfo *m, U32 piece)
    CODE:
        RETVAL = newSVuv(tern_metainfo_piece_size(m, piece));
    OUTPUT:
        RETVAL

SV *
piece_hash(tern_metainfo *m, U32 piece)
    CODE:
        RETVAL = xs_bytes(aTHX_ tern_metainfo_piece_hash(m, piece));
    OUTPUT:
        RETVAL

void
files(tern_metainfo *m)
    PREINIT:
        U32 i, n;
    PPCODE:
        n = tern_metainfo_file_count(m);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++) {
            tern_file_info f;
            HV *hv;
            AV *components;
            U32 c;
            if (tern_metainfo_file(m, i, &f) != TERN_OK)
                continue;
            hv = newHV();
            components = newAV();
            for (c = 0; c < f.component_count; c++)
                av_push(components, xs_bytes(aTHX_ tern_metainfo_file_component(m, i, c)));
            (void) hv_stores(hv, "index", newSVuv(i));
            (void) hv_stores(hv, "attributes", newSVuv(f.attributes));
            (void) hv_stores(hv, "size", xs_u64(aTHX_ f.size));
            (void) hv_stores(hv, "offset", xs_u64(aTHX_ f.offset));
            (void) hv_stores(hv, "first_piece", newSVuv(f.first_piece));
            (void) hv_stores(hv, "end_piece", newSVuv(f.end_piece));
            (void) hv_stores(hv, "path", xs_bytes(aTHX_ f.path));
            (void) hv_stores(hv, "symlink", xs_bytes(aTHX_ f.symlink));
            (void) hv_stores(hv, "components", newRV_noinc((SV *) components));
            mPUSHs(newRV_noinc((SV *) hv));
        }

void
trackers(tern_metainfo *m)
    PREINIT:
        U32 i, n;
    PPCODE:
        n = tern_metainfo_tracker_count(m);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++) {
            uint32_t tier = 0;
            tern_bytes url = tern_metainfo_tracker(m, i, &tier);
            AV *const pair = newAV();
            av_push(pair, newSVuv(tier));
            av_push(pair, xs_bytes(aTHX_ url));
            mPUSHs(newRV_noinc((SV *) pair));
        }

void
web_seeds(tern_metainfo *m)
    PREINIT:
        U32 i, n;
    PPCODE:
        n = tern_metainfo_web_seed_count(m);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++)
            mPUSHs(xs_bytes(aTHX_ tern_metainfo_web_seed(m, i)));

void
nodes(tern_metainfo *m)
    PREINIT:
        U32 i, n;
    PPCODE:
        n = tern_metainfo_node_count(m);
        EXTEND(SP, (SSize_t) n);
        for (i = 0; i < n; i++) {
            uint16_t port = 0;
            tern_bytes host = tern_metainfo_node(m, i, &port);
            HV *const hv = newHV();
            (void) hv_stores(hv, "ip", xs_bytes(aTHX_ host));
            (void) hv_stores(hv, "port", newSVuv(port));
            mPUSHs(newRV_noinc((SV *) hv));
        }

MODULE = Tern    PACKAGE = Tern

SV *
_create(HV *args)
    PREINIT:
        tern_create *create = NULL;
        tern_error *err = NULL;
        tern_result r;
        tern_buf buf = {NULL, 0};
        SV *sv;
        STRLEN len;
        const char *text;
        int32_t step = 0;
    CODE:
        sv = xs_fetch(aTHX_ args, "path");
        if (!sv)
            croak("create: no path");
        text = xs_path(aTHX_ sv, &len);
        r = tern_create_new(text, len, &create, &err);
        if ((sv = xs_fetch(aTHX_ args, "piece_length")))
            XS_STEP(tern_create_set_piece_length(create, (U32) SvUV(sv), &err));
        if ((sv = xs_fetch(aTHX_ args, "name"))) {
            text = SvPVutf8(sv, len);
            XS_STEP(tern_create_set_name(create, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "comment"))) {
            text = SvPVutf8(sv, len);
            XS_STEP(tern_create_set_comment(create, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "created_by"))) {
            text = SvPVutf8(sv, len);
            XS_STEP(tern_create_set_created_by(create, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "source"))) {
            text = SvPVutf8(sv, len);
            XS_STEP(tern_create_set_source(create, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "creation_date")))
            XS_STEP(tern_create_set_creation_date(create, (int64_t) SvIV(sv), &err));
        if ((sv = xs_fetch(aTHX_ args, "private")))
            XS_STEP(tern_create_set_private(create, SvTRUE(sv) ? 1 : 0, &err));
        if ((sv = xs_fetch(aTHX_ args, "flags")))
            XS_STEP(tern_create_set_flags(create, (U32) SvUV(sv), &err));
        if ((sv = xs_fetch(aTHX_ args, "threads")))
            XS_STEP(tern_create_set_threads(create, (U32) SvUV(sv), &err));
        if ((sv = xs_fetch(aTHX_ args, "hash_path"))) {
            text = SvPVutf8(sv, len);
            XS_STEP(tern_create_set_hash_path(create, text, len, &err));
        }
        if ((sv = xs_fetch(aTHX_ args, "trackers")) && SvROK(sv)
            && SvTYPE(SvRV(sv)) == SVt_PVAV) {
            AV *const av = (AV *) SvRV(sv);
            SSize_t i;
            for (i = 0; i <= av_len(av); i++) {
                SV **const url = av_fetch(av, i, 0);
                if (!url)
                    continue;
                text = xs_path(aTHX_ *url, &len);
                XS_STEP(tern_create_add_tracker(create, (U32) i, text, len, &err));
            }
        }
        if ((sv = xs_fetch(aTHX_ args, "web_seeds")) && SvROK(sv)
            && SvTYPE(SvRV(sv)) == SVt_PVAV) {
            AV *const av = (AV *) SvRV(sv);
            SSize_t i;
            for (i = 0; i <= av_len(av); i++) {
                SV **const url = av_fetch(av, i, 0);
                if (!url)
                    continue;
                text = xs_path(aTHX_ *url, &len);
                XS_STEP(tern_create_add_web_seed(create, text, len, &err));
            }
        }
        while (r == TERN_OK && step == 0) {
            step = tern_create_step(create, 16 << 20, NULL, NULL, &err);
            if (step < 0)
                r = step;
        }
        if (r == TERN_OK)
            r = tern_create_take(create, &buf, &err);
        tern_create_free(create);
        if (!xs_ok(aTHX_ r, err))
            XSRETURN_UNDEF;
        RETVAL = newSVpvn((const char *) buf.ptr, buf.len);
        tern_buf_free(&buf);
    OUTPUT:
        RETVAL
