#!/bin/sh
# Installs into a temporary directory and uses what is there as a stranger would: pkg-config, a
# program linked with the shared library, one with the archive. Ends with "N passed, M failed".
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() {
    what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        echo "not ok: $what"
        sed 's/^/    /' "$work/log"
    fi
}

make -s install PREFIX=/usr DESTDIR="$work/root" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
lib=$work/root/usr/lib
export PKG_CONFIG_SYSROOT_DIR="$work/root" PKG_CONFIG_LIBDIR="$lib/pkgconfig"
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1

cat >"$work/host.c" <<'C'
#include <stdio.h>
#include <tern.h>

int main(void) {
    printf("%s %d\n", tern_version_string(), (int)(tern_version() == TERN_VERSION_NUM));
    return tern_version() == TERN_VERSION_NUM ? 0 : 1;
}
C

soname() { readelf -d "$lib/libtern.so" | grep -q 'SONAME.*\[libtern\.so\.0\.[0-9]*\]'; }
nodelete() { readelf -d "$lib/libtern.so" | grep -q 'NODELETE'; }
only_ours() {
    others=$(nm -D --defined-only "$lib/libtern.so" | awk '{print $3}' | grep -v '^tern_' || true)
    [ -z "$others" ] || { echo "exports beside tern_*: $others"; return 1; }
}
needs_soname() { readelf -d "$work/shared" | grep -q 'NEEDED.*\[libtern\.so\.0\.[0-9]*\]'; }
shared() {
    # shellcheck disable=SC2046  # flags are words
    ${CC:-cc} -std=c99 -Wall -Wextra -Werror -pedantic "$work/host.c" -o "$work/shared" \
        $(pkg-config --cflags --libs "$1")
}
static() {
    libs=$(pkg-config --static --libs tern | sed "s|-ltern|$lib/libtern.a|")
    # shellcheck disable=SC2046,SC2086
    ${CC:-cc} -std=c99 "$work/host.c" -o "$work/static" $(pkg-config --cflags tern) $libs
}
uninstalled() {
    make -s uninstall PREFIX=/usr DESTDIR="$work/root"
    left=$(find "$work/root" ! -type d)
    [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

check "the library has a SONAME" soname
check "the library stays loaded" nodelete
check "the library exports tern_* only" only_ours
check "a program links by pkg-config tern" shared tern
check "a program links by pkg-config libtern" shared libtern
check "it asks for the SONAME, not the file" needs_soname
check "it runs, and header and library agree" env LD_LIBRARY_PATH="$lib" "$work/shared"
check "a program links with the archive" static
check "it runs without the shared library" "$work/static"
check "the installed command runs" "$work/root/usr/bin/tern" --version
check "uninstall leaves nothing" uninstalled

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
