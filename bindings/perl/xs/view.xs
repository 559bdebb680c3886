MODULE = Tern    PACKAGE = Tern::View

SV *
new(const char *class, U32 pieces)
    PREINIT:
        tern_view *v;
    CODE:
        v = (tern_view *) PerlMemShared_calloc(1, sizeof *v);
        if (v) {
            v->refs = 1;
            v->pieces = pieces;
            v->len = pieces / 8 + (pieces % 8 != 0);
            v->have = (U8 *) PerlMemShared_calloc(v->len + 1, 1);
            v->want = (U8 *) PerlMemShared_calloc(v->len + 1, 1);
        }
        if (!v || !v->have || !v->want)
            croak("out of memory");
    #ifdef USE_ITHREADS
        MUTEX_INIT(&v->lock);
    #endif
        RETVAL = xs_new_object(aTHX_ class, v, &xs_vtbl_view);
    OUTPUT:
        RETVAL

# Once, when it becomes known how many there are.
bool
set_pieces(tern_view *v, U32 pieces)
    PREINIT:
        STRLEN len;
        U8 *have, *want, *old_have = NULL, *old_want = NULL;
    CODE:
        len = pieces / 8 + (pieces % 8 != 0);
        have = (U8 *) PerlMemShared_calloc(len + 1, 1);
        want = (U8 *) PerlMemShared_calloc(len + 1, 1);
        if (!have || !want) {
            PerlMemShared_free(have);
            PerlMemShared_free(want);
            croak("out of memory");
        }
        VIEW_LOCK(v);
        RETVAL = v->pieces == 0;
        if (RETVAL) {
            old_have = v->have;
            old_want = v->want;
            v->have = have;
            v->want = want;
            v->pieces = pieces;
            v->len = len;
        }
        VIEW_UNLOCK(v);
        PerlMemShared_free(RETVAL ? old_have : have);
        PerlMemShared_free(RETVAL ? old_want : want);
    OUTPUT:
        RETVAL

UV
status(tern_view *v)
    CODE:
        VIEW_LOCK(v);
        RETVAL = v->status;
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

UV
change(tern_view *v, UV set, UV clear)
    CODE:
        VIEW_LOCK(v);
        v->status = (v->status & ~clear) | set;
        RETVAL = v->status;
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

UV
checks(tern_view *v, UV add = 0)
    CODE:
        VIEW_LOCK(v);
        v->checks += add;
        RETVAL = v->checks;
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

SV *
error(tern_view *v)
    CODE:
        VIEW_LOCK(v);
        RETVAL = v->error ? newSVpvn(v->error, v->error_len) : &PL_sv_undef;
        VIEW_UNLOCK(v);
        if (RETVAL != &PL_sv_undef)
            sv_utf8_decode(RETVAL);
    OUTPUT:
        RETVAL

void
set_error(tern_view *v, SV *message)
    PREINIT:
        char *copy = NULL;
        char *old;
        STRLEN len = 0;
    CODE:
        if (SvOK(message)) {
            const char *text = SvPVutf8(message, len);
            copy = (char *) PerlMemShared_malloc(len + 1);
            if (!copy)
                croak("out of memory");
            Copy(text, copy, len, char);
            copy[len] = 0;
        }
        VIEW_LOCK(v);
        old = v->error;
        v->error = copy;
        v->error_len = len;
        VIEW_UNLOCK(v);
        PerlMemShared_free(old);

SV *
bitfield(tern_view *v)
    CODE:
        RETVAL = newSVpvn("", 0);
        VIEW_LOCK(v);
        sv_setpvn(RETVAL, (const char *) v->have, v->len);
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

SV *
want(tern_view *v)
    CODE:
        RETVAL = newSVpvn("", 0);
        VIEW_LOCK(v);
        sv_setpvn(RETVAL, (const char *) v->want, v->len);
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

SV *
missing(tern_view *v)
    PREINIT:
        STRLEN i;
        U8 *out;
    CODE:
        RETVAL = newSVpvn("", 0);
        VIEW_LOCK(v);
        sv_setpvn(RETVAL, (const char *) v->want, v->len);
        out = (U8 *) SvPVX(RETVAL);
        for (i = 0; i < v->len; i++)
            out[i] &= (U8) ~v->have[i];
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

bool
complete(tern_view *v)
    PREINIT:
        STRLEN i;
    CODE:
        RETVAL = TRUE;
        VIEW_LOCK(v);
        for (i = 0; i < v->len && RETVAL; i++)
            RETVAL = (v->want[i] & (U8) ~v->have[i]) == 0;
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

UV
count(tern_view *v)
    PREINIT:
        U32 i;
    CODE:
        RETVAL = 0;
        VIEW_LOCK(v);
        for (i = 0; i < v->pieces; i++)
            RETVAL += v->have[i >> 3] >> (i & 7) & 1;
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

bool
piece(tern_view *v, U32 piece)
    CODE:
        RETVAL = FALSE;
        VIEW_LOCK(v);
        if (piece < v->pieces)
            RETVAL = v->have[piece >> 3] >> (piece & 7) & 1;
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

bool
set_piece(tern_view *v, U32 piece, bool on)
    PREINIT:
        U8 bit;
    CODE:
        RETVAL = FALSE;
        VIEW_LOCK(v);
        if (piece < v->pieces) {
            bit = (U8) (1 << (piece & 7));
            RETVAL = (v->have[piece >> 3] & bit) != 0;
            if (on)
                v->have[piece >> 3] |= bit;
            else
                v->have[piece >> 3] &= (U8) ~bit;
        }
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL

bool
set_bitfield(tern_view *v, SV *bits)
    ALIAS:
        set_want = 1
    PREINIT:
        STRLEN len;
        const char *bytes;
        U8 *to;
    CODE:
        bytes = SvPVbyte(bits, len);
        VIEW_LOCK(v);
        to = ix ? v->want : v->have;
        RETVAL = len == v->len;
        if (RETVAL) {
            Copy(bytes, to, len, U8);
            if (v->pieces % 8)
                to[len - 1] &= (U8) ((1 << (v->pieces % 8)) - 1);
        }
        VIEW_UNLOCK(v);
    OUTPUT:
        RETVAL
