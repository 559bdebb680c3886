#!/bin/sh
# Installs into a temporary directory and uses what is there as a stranger would: pkg-config, CMake,
# a C and a C++ program linked with the shared library, one with the archive, the manual. Ends with
# "N passed, M failed".
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
    # Nodes of symbol versions are listed as symbols.
    others=$(nm -D --defined-only "$lib/libtern.so" | awk '{print $3}' |
        grep -v -e '^tern_' -e '^TERN_[0-9.]*$' || true)
    [ -z "$others" ] || { echo "exports beside tern_*: $others"; return 1; }
}
versioned() {
    readelf -V "$lib/libtern.so" | grep -q 'Name: TERN_0\.1' ||
        { echo "no node TERN_0.1"; return 1; }
    bare=$(nm -D --defined-only "$lib/libtern.so" | awk '{print $3}' | grep '^tern_' |
        grep -v '@@TERN_' || true)
    [ -z "$bare" ] || { echo "without a version: $bare"; return 1; }
}
asks_version() { readelf -V "$work/shared" | grep -q 'TERN_0\.1'; }
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
cxx() {
    # shellcheck disable=SC2046
    ${CXX:-c++} -std=c++17 -Wall -Wextra -Werror -pedantic examples/cpp/get.cpp -o "$work/get" \
        $(pkg-config --cflags --libs libtern)
}
# A project of somebody who has CMake, with the tree moved to where it was not installed for.
with_cmake() {
    mkdir -p "$work/project"
    cp "$work/host.c" "$work/project/"
    cat >"$work/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(host C)
find_package(libtern 0.1 REQUIRED)
add_executable(host host.c)
target_link_libraries(host PRIVATE libtern::tern)
add_executable(host-static host.c)
target_link_libraries(host-static PRIVATE libtern::tern-static)
find_package(libtern 0.2 QUIET)
if(libtern_FOUND)
    message(FATAL_ERROR "0.2 was found, which this is not")
endif()
CMAKE
    cmake -S "$work/project" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/root/usr" >"$work/cmake" ||
        { cat "$work/cmake"; return 1; }
    cmake --build "$work/build" >>"$work/cmake" || { cat "$work/cmake"; return 1; }
    "$work/build/host" && "$work/build/host-static"
}
manual() {
    for page in man1/tern.1 man3/libtern.3; do
        [ -s "$work/root/usr/share/man/$page" ] || { echo "no $page"; return 1; }
        if command -v mandoc >/dev/null; then
            mandoc -T lint -W warning "$work/root/usr/share/man/$page" || return 1
        fi
    done
    for name in $(awk '!/^#/ && $3 != "removed" { print $1 }' abi/symbols.tsv); do
        grep -q "\b$name(" "$work/root/usr/share/man/man3/libtern.3" ||
            { echo "libtern(3) lacks $name"; return 1; }
    done
    "$work/root/usr/bin/tern" --help >"$work/help"
    for name in $(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p' "$work/help"); do
        [ "$name" = help ] || grep -q "^\.SS $(echo "$name" | sed 's/-/\\\\-/g')$" \
            "$work/root/usr/share/man/man1/tern.1" || { echo "tern(1) lacks $name"; return 1; }
    done
}
uninstalled() {
    make -s uninstall PREFIX=/usr DESTDIR="$work/root"
    left=$(find "$work/root" ! -type d)
    [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

check "the library has a SONAME" soname
check "the library stays loaded" nodelete
check "the library exports tern_* only" only_ours
check "every symbol has its version" versioned
check "a program links by pkg-config tern" shared tern
check "a program links by pkg-config libtern" shared libtern
check "it asks for the SONAME, not the file" needs_soname
check "it asks for the version of the symbols" asks_version
check "it runs, and header and library agree" env LD_LIBRARY_PATH="$lib" "$work/shared"
check "a program links with the archive" static
check "it runs without the shared library" "$work/static"
check "the installed command runs" "$work/root/usr/bin/tern" --version
if command -v "${CXX:-c++}" >/dev/null; then
    check "the C++ example links by pkg-config" cxx
else
    echo "skipped: there is no ${CXX:-c++}"
fi
if command -v cmake >/dev/null; then
    check "CMake finds it, shared and static, and no other version" with_cmake
else
    echo "skipped: there is no cmake"
fi
check "the manual has every function and command" manual
check "uninstall leaves nothing" uninstalled

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
