/*
 * What the .xs files of Tern share: handles in ext magic, errors, conversions.
 *
 * A Perl object owns a handle of the library by PERL_MAGIC_ext magic on its referent, typed by the
 * address of the magic's table: it cannot be forged, survives re-blessing, and leaves the scalar's
 * value free. The magic's free function releases the handle; its dup function (ithreads) takes one
 * more reference. Deliberately absent: callbacks. The library never calls into Perl; hooks come as
 * requests in the event queue, so that a `die` never crosses a frame of the library.
 */
#ifndef TERN_XS_H
#define TERN_XS_H

#define PERL_NO_GET_CONTEXT
#include "EXTERN.h"
#include "perl.h"
#include "XSUB.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <tern.h>

/* The state of a torrent as told to Perl so far; shared by its clones in all threads. */
typedef struct {
    int refs;
    UV status;
    UV checks;
    U32 pieces;
    STRLEN len;
    char *error;
    STRLEN error_len;
    U8 *have;
    U8 *want;
#ifdef USE_ITHREADS
    perl_mutex lock;
#endif
} tern_view;

#ifdef USE_ITHREADS
#define VIEW_LOCK(v) MUTEX_LOCK(&(v)->lock)
#define VIEW_UNLOCK(v) MUTEX_UNLOCK(&(v)->lock)
#else
#define VIEW_LOCK(v) NOOP
#define VIEW_UNLOCK(v) NOOP
#endif

static int
xs_free_session(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_ARG(sv);
    PERL_UNUSED_CONTEXT;
    tern_session_release((tern_session *) mg->mg_ptr);
    mg->mg_ptr = NULL;
    return 0;
}

static int
xs_free_torrent(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_ARG(sv);
    PERL_UNUSED_CONTEXT;
    tern_torrent_release((tern_torrent *) mg->mg_ptr);
    mg->mg_ptr = NULL;
    return 0;
}

static int
xs_free_metainfo(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_ARG(sv);
    PERL_UNUSED_CONTEXT;
    tern_metainfo_free((tern_metainfo *) mg->mg_ptr);
    mg->mg_ptr = NULL;
    return 0;
}

static int
xs_free_view(pTHX_ SV *sv, MAGIC *mg)
{
    tern_view *v = (tern_view *) mg->mg_ptr;
    int left;
    PERL_UNUSED_ARG(sv);
    PERL_UNUSED_CONTEXT;
    if (!v)
        return 0;
    mg->mg_ptr = NULL;
    VIEW_LOCK(v);
    left = --v->refs;
    VIEW_UNLOCK(v);
    if (left > 0)
        return 0;
#ifdef USE_ITHREADS
    MUTEX_DESTROY(&v->lock);
#endif
    PerlMemShared_free(v->have);
    PerlMemShared_free(v->want);
    PerlMemShared_free(v->error);
    PerlMemShared_free(v);
    return 0;
}

#ifdef USE_ITHREADS
static int
xs_dup_session(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    PERL_UNUSED_ARG(params);
    PERL_UNUSED_CONTEXT;
    mg->mg_ptr = (char *) tern_session_retain((tern_session *) mg->mg_ptr);
    return 0;
}

static int
xs_dup_torrent(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    PERL_UNUSED_ARG(params);
    PERL_UNUSED_CONTEXT;
    mg->mg_ptr = (char *) tern_torrent_retain((tern_torrent *) mg->mg_ptr);
    return 0;
}

static int
xs_dup_metainfo(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    tern_metainfo *copy = NULL;
    PERL_UNUSED_ARG(params);
    PERL_UNUSED_CONTEXT;
    if (mg->mg_ptr) {
        tern_bytes b = tern_metainfo_bytes((tern_metainfo *) mg->mg_ptr);
        (void) tern_metainfo_parse(b.ptr, b.len, &copy, NULL);
    }
    mg->mg_ptr = (char *) copy;
    return 0;
}

static int
xs_dup_view(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    tern_view *v = (tern_view *) mg->mg_ptr;
    PERL_UNUSED_ARG(params);
    PERL_UNUSED_CONTEXT;
    if (v) {
        VIEW_LOCK(v);
        v->refs++;
        VIEW_UNLOCK(v);
    }
    return 0;
}
#define XS_DUP(f) f
#else
#define XS_DUP(f) NULL
#endif

static MGVTBL xs_vtbl_session = {0, 0, 0, 0, xs_free_session, 0, XS_DUP(xs_dup_session), 0};
static MGVTBL xs_vtbl_torrent = {0, 0, 0, 0, xs_free_torrent, 0, XS_DUP(xs_dup_torrent), 0};
static MGVTBL xs_vtbl_metainfo = {0, 0, 0, 0, xs_free_metainfo, 0, XS_DUP(xs_dup_metainfo), 0};
static MGVTBL xs_vtbl_view = {0, 0, 0, 0, xs_free_view, 0, XS_DUP(xs_dup_view), 0};
/* Carries a hash with an object's private state; Perl itself counts and clones that. */
static MGVTBL xs_vtbl_state = {0, 0, 0, 0, 0, 0, 0, 0};

/* A new object of `class` that owns `handle`. The referent is an undefined scalar. */
static SV *
xs_new_object(pTHX_ const char *class, void *handle, MGVTBL *vtbl)
{
    SV *const referent = newSV(0);
    SV *const object = newRV_noinc(referent);
    MAGIC *const mg = sv_magicext(referent, NULL, PERL_MAGIC_ext, vtbl, (char *) handle, 0);
#ifdef USE_ITHREADS
    mg->mg_flags |= MGf_DUP;
#else
    PERL_UNUSED_VAR(mg);
#endif
    return sv_bless(object, gv_stashpv(class, GV_ADD));
}

/* The handle in an object of ours; croaks when it is something else. */
static void *
xs_handle(pTHX_ SV *object, MGVTBL *vtbl, const char *class)
{
    MAGIC *mg = SvROK(object) ? mg_findext(SvRV(object), PERL_MAGIC_ext, vtbl) : NULL;
    if (!mg || !mg->mg_ptr)
        croak("not a %s", class);
    return mg->mg_ptr;
}

static SV *
xs_bytes(pTHX_ tern_bytes b)
{
    return newSVpvn((const char *) b.ptr, b.len);
}

/* Text of the library is UTF-8; flagged only where that makes a difference. */
static SV *
xs_text(pTHX_ const char *ptr, STRLEN len)
{
    SV *const sv = newSVpvn(ptr, len);
    if (!is_ascii_string((const U8 *) ptr, len) && is_utf8_string((const U8 *) ptr, len))
        SvUTF8_on(sv);
    return sv;
}

static SV *
xs_u64(pTHX_ uint64_t n)
{
    return sizeof(UV) >= 8 ? newSVuv((UV) n) : newSVnv((NV) n);
}

/* Counts by source: a hash by number, without those that are 0. */
static SV *
xs_by_source(pTHX_ const uint32_t *counts)
{
    HV *const hv = newHV();
    int i;
    for (i = 0; i < 16; i++) {
        char key[8];
        if (counts[i]) {
            const int len = snprintf(key, sizeof(key), "%d", i);
            (void) hv_store(hv, key, len, newSVuv(counts[i]), 0);
        }
    }
    return newRV_noinc((SV *) hv);
}

static SV *
xs_i64(pTHX_ int64_t n)
{
    return sizeof(IV) >= 8 ? newSViv((IV) n) : newSVnv((NV) n);
}

static uint64_t
xs_sv_u64(pTHX_ SV *sv)
{
    return sizeof(UV) >= 8 ? (uint64_t) SvUV(sv) : (uint64_t) SvNV(sv);
}

/* Text for the library: characters become UTF-8, bytes stay as they are. Lives as long as `sv`. */
static const char *
xs_path(pTHX_ SV *sv, STRLEN *len)
{
    return SvPV(sv, *len);
}

/*
 * Notes a failure: $Tern::error becomes a Tern::Error, $! the system's number when there is one.
 * Takes the error object. Returns whether `result` is a success.
 */
static bool
xs_ok(pTHX_ tern_result result, tern_error *err)
{
    HV *hv;
    int os_errno = 0;
    tern_bytes path;
    if (result >= 0) {
        tern_error_free(err);
        return TRUE;
    }
    hv = newHV();
    (void) hv_stores(hv, "code", newSViv(result));
    (void) hv_stores(hv, "name", newSVpv(tern_result_name(result), 0));
    if (err) {
        const char *message = tern_error_message(err);
        os_errno = tern_error_errno(err);
        path = tern_error_path(err);
        (void) hv_stores(hv, "detail", newSViv(tern_error_detail(err)));
        (void) hv_stores(hv, "message", xs_text(aTHX_ message, strlen(message)));
        if (path.len)
            (void) hv_stores(hv, "path", xs_bytes(aTHX_ path));
    } else {
        (void) hv_stores(hv, "detail", newSViv(0));
        (void) hv_stores(hv, "message", newSVpv(tern_result_text(result), 0));
    }
    (void) hv_stores(hv, "errno", newSViv(os_errno));
    sv_setsv(get_sv("Tern::error", GV_ADD),
             sv_2mortal(sv_bless(newRV_noinc((SV *) hv), gv_stashpvs("Tern::Error", GV_ADD))));
    tern_error_free(err);
    if (os_errno)
        errno = os_errno;
    return FALSE;
}

/* Bytes of a scalar; none for undef. */
typedef struct {
    const uint8_t *ptr;
    size_t len;
} xs_span;

static xs_span
xs_span_of(pTHX_ SV *sv)
{
    xs_span out = {(const uint8_t *) "", 0};
    if (sv && SvOK(sv)) {
        STRLEN len;
        out.ptr = (const uint8_t *) SvPVbyte(sv, len);
        out.len = len;
    }
    return out;
}

/* A scalar of exactly so many bytes; croaks for others. */
static const uint8_t *
xs_exact(pTHX_ SV *sv, size_t len)
{
    const xs_span s = xs_span_of(aTHX_ sv);
    if (s.len != len)
        croak("%d bytes expected, not %d", (int) len, (int) s.len);
    return s.ptr;
}

#define XS_YES_OR_UNDEF(call)                                        \
    STMT_START {                                                     \
        tern_error *err_ = NULL;                                     \
        tern_error **err = &err_;                                    \
        tern_result result_ = (call);                                \
        RETVAL = xs_ok(aTHX_ result_, err_) ? &PL_sv_yes : &PL_sv_undef; \
    } STMT_END

/* One more step of a builder, unless one before failed. Needs `r`. */
/* Calls something of the DHT that gives a token: that, or undef. */
#define XS_TOKEN(call)                                               \
    STMT_START {                                                     \
        uint64_t token = 0;                                          \
        tern_error *err = NULL;                                      \
        tern_result result_ = (call);                                \
        RETVAL = xs_ok(aTHX_ result_, err) ? xs_u64(aTHX_ token) : &PL_sv_undef; \
    } STMT_END

#define XS_STEP(call) STMT_START { if (r == TERN_OK) r = (call); } STMT_END

#endif
