/* Tern: the Perl side of libtern's C interface, call for call. See tern_xs.h for the rules. */
#include "tern_xs.h"

static const struct {
    const char *name;
    IV value;
} xs_constants[] = {
#include "tern_constants.c"
};

/* One event as a hash; members that say nothing are left out. */
static SV *
xs_event(pTHX_ const tern_event *e)
{
    HV *const hv = newHV();
    (void) hv_stores(hv, "kind", newSViv(e->kind));
    (void) hv_stores(hv, "torrent", xs_u64(aTHX_ e->torrent_id));
    if (e->flags)
        (void) hv_stores(hv, "flags", newSVuv(e->flags));
    if (e->piece != TERN_NONE)
        (void) hv_stores(hv, "piece", newSVuv(e->piece));
    if (e->file != TERN_NONE)
        (void) hv_stores(hv, "file", newSVuv(e->file));
    if (e->token)
        (void) hv_stores(hv, "token", xs_u64(aTHX_ e->token));
    if (e->generation)
        (void) hv_stores(hv, "generation", xs_u64(aTHX_ e->generation));
    if (e->peer)
        (void) hv_stores(hv, "peer", xs_u64(aTHX_ e->peer));
    (void) hv_stores(hv, "code", newSViv(e->code));
    (void) hv_stores(hv, "errno", newSViv(e->os_errno));
    (void) hv_stores(hv, "a", xs_i64(aTHX_ e->a));
    (void) hv_stores(hv, "b", xs_i64(aTHX_ e->b));
    (void) hv_stores(hv, "c", xs_i64(aTHX_ e->c));
    (void) hv_stores(hv, "text", xs_text(aTHX_ (const char *) e->text.ptr, e->text.len));
    (void) hv_stores(hv, "text2", xs_text(aTHX_ (const char *) e->text2.ptr, e->text2.len));
    if (e->addr.len)
        (void) hv_stores(hv, "addr", xs_bytes(aTHX_ e->addr));
    /* The blob of a save is asked for when it is wanted: it may be large. */
    if (e->data.len && e->kind != TERN_EVENT_SAVE_REQUEST)
        (void) hv_stores(hv, "data", xs_bytes(aTHX_ e->data));
    return newRV_noinc((SV *) hv);
}

/* Sets every option in `hash` by its name. */
static bool
xs_fill_config(pTHX_ tern_config *config, HV *hash)
{
    HE *he;
    hv_iterinit(hash);
    while ((he = hv_iternext(hash))) {
        tern_error *err = NULL;
        STRLEN name_len, len;
        const char *name = HePV(he, name_len);
        const char *value = xs_path(aTHX_ HeVAL(he), &len);
        tern_result r = tern_config_set_text(config, name, name_len, value, len, &err);
        if (!xs_ok(aTHX_ r, err))
            return FALSE;
    }
    return TRUE;
}

static SV *
xs_fetch(pTHX_ HV *hash, const char *key)
{
    SV **const found = hv_fetch(hash, key, (I32) strlen(key), 0);
    return found && SvOK(*found) ? *found : NULL;
}

/* Waits for the descriptor; 1 ready, 0 not (time is up, or a signal). Runs %SIG handlers. */
static int
xs_poll(pTHX_ int fd, NV seconds)
{
    struct pollfd p;
    const NV slice = 0.25;
    p.fd = fd;
    p.events = POLLIN;
    for (;;) {
        NV part = seconds < 0 || seconds > slice ? slice : seconds;
        int got;
        p.revents = 0;
        /* A signal between this look and poll() is seen after one slice at the latest. */
        if (PL_sig_pending) {
            PERL_ASYNC_CHECK();
            return 0;
        }
        got = poll(&p, 1, (int) (part * 1000 + 0.999));
        if (got > 0)
            return 1;
        if (got < 0) {
            PERL_ASYNC_CHECK();
            return 0;
        }
        if (seconds >= 0 && (seconds -= part) <= 0) {
            PERL_ASYNC_CHECK();
            return 0;
        }
    }
}

MODULE = Tern    PACKAGE = Tern

PROTOTYPES: DISABLE

BOOT:
{
    HV *const stash = gv_stashpvs("Tern", GV_ADD);
    size_t i;
    if (tern_abi_check(TERN_VERSION_NUM, sizeof(tern_event), sizeof(tern_status)) != TERN_OK)
        croak("libtern %s does not fit this module, which was built for %d.%d.%d",
              tern_version_string(), TERN_VERSION_MAJOR, TERN_VERSION_MINOR, TERN_VERSION_PATCH);
    for (i = 0; i < C_ARRAY_LENGTH(xs_constants); i++)
        newCONSTSUB(stash, xs_constants[i].name, newSViv(xs_constants[i].value));
}

UV
version()
    CODE:
        RETVAL = tern_version();
    OUTPUT:
        RETVAL

const char *
version_string()
    CODE:
        RETVAL = tern_version_string();
    OUTPUT:
        RETVAL

bool
has(const char *feature)
    CODE:
        RETVAL = tern_has(feature) != 0;
    OUTPUT:
        RETVAL

const char *
result_name(int result)
    CODE:
        RETVAL = tern_result_name(result);
    OUTPUT:
        RETVAL

SV *
magnet_info_hash(SV *link)
    PREINIT:
        uint8_t hash[20];
        tern_error *err = NULL;
        tern_result r;
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ link, &len);
        r = tern_magnet_info_hash(text, len, hash, &err);
        RETVAL = xs_ok(aTHX_ r, err) ? newSVpvn((const char *) hash, 20) : &PL_sv_undef;
    OUTPUT:
        RETVAL

const char *
result_text(int result)
    CODE:
        RETVAL = tern_result_text(result);
    OUTPUT:
        RETVAL

const char *
event_name(int kind)
    CODE:
        RETVAL = tern_event_name(kind);
    OUTPUT:
        RETVAL

const char *
state_name(int state)
    CODE:
        RETVAL = tern_state_name(state);
    OUTPUT:
        RETVAL

void
options()
    PREINIT:
        tern_option_info o;
        U32 id = 0;
    PPCODE:
        while (tern_option_next(id, &o, NULL) == TERN_OK) {
            HV *const hv = newHV();
            id = o.id;
            (void) hv_stores(hv, "id", newSVuv(o.id));
            (void) hv_stores(hv, "type", newSViv(o.value_type));
            (void) hv_stores(hv, "live", newSViv(o.live));
            (void) hv_stores(hv, "name", newSVpv(o.name, 0));
            (void) hv_stores(hv, "doc", newSVpv(o.doc, 0));
            (void) hv_stores(hv, "default", newSVpv(o.default_text, 0));
            (void) hv_stores(hv, "since", newSVpv(o.since, 0));
            (void) hv_stores(hv, "min", xs_i64(aTHX_ o.min));
            (void) hv_stores(hv, "max", xs_i64(aTHX_ o.max));
            mXPUSHs(newRV_noinc((SV *) hv));
        }

bool
_option_exists(SV *name)
    PREINIT:
        tern_option_info o;
        STRLEN len;
        const char *text;
    CODE:
        text = xs_path(aTHX_ name, &len);
        RETVAL = tern_option_by_name(text, len, &o, NULL) == TERN_OK
              && tern_option_by_id(o.id, &o, NULL) == TERN_OK;
    OUTPUT:
        RETVAL

void
attach(SV *object, HV *state)
    CODE:
        if (!SvROK(object))
            croak("attach: not a reference");
        (void) sv_magicext(SvRV(object), (SV *) state, PERL_MAGIC_ext, &xs_vtbl_state, NULL, 0);

SV *
state(SV *object)
    PREINIT:
        MAGIC *mg;
    CODE:
        mg = SvROK(object) ? mg_findext(SvRV(object), PERL_MAGIC_ext, &xs_vtbl_state) : NULL;
        RETVAL = mg && mg->mg_obj ? newRV_inc(mg->mg_obj) : &PL_sv_undef;
    OUTPUT:
        RETVAL

INCLUDE: xs/session.xs

INCLUDE: xs/torrent.xs

INCLUDE: xs/metainfo.xs

INCLUDE: xs/dht.xs

INCLUDE: xs/view.xs
