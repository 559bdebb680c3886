# libtern: build, install, test. Needs Rust, a C compiler, Perl and Python 3; nothing else.
#
#   make                        the tern command, libtern.so, libtern.a, tern.pc
#   make install PREFIX=/usr    with DESTDIR= for packagers
#   make test                   Rust, C, Perl and Python tests
#   make demo                   seed, kill -9, resume, compare [TORRENT=x.torrent DIR=y]
#   make wheel                  the Python wheel
#   make abi                    the C interface against that of the last release
#   make interop                against transmission, aria2 and libtorrent, by opentracker
#   make power                  kill -9, losses of power, full and failing disks (as root, FUSE)
#   make world                  real engines in network namespaces, found in one way only (root)
#   make bench                  MiB/s, CPU and memory beside libtorrent [QUICK=1] [ONLY=transfer]
#   make budget                 instructions of the hot functions, by callgrind
#   make lint                   formatting, clippy, rustdoc, tidy
#   make help                   this text

CARGO    ?= cargo
PERL     ?= perl
PYTHON   ?= python3
CC       ?= cc
INSTALL  ?= install
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
LIBDIR   ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PCDIR    ?= $(LIBDIR)/pkgconfig
CMAKEDIR ?= $(LIBDIR)/cmake/libtern
MANDIR   ?= $(PREFIX)/share/man

VERSION  := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Before 1.0 the SONAME carries the minor version (docs/adr/0008).
ABI      := $(basename $(VERSION))
SONAME   := libtern.so.$(ABI)
OUT      := target/release
VENV     := target/venv
# What a program that links libtern.a needs besides: cargo rustc ... --print native-static-libs
LIBS_PRIVATE := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc

.PHONY: all help command library examples install uninstall test test-rust test-c test-perl \
        perl-dist valgrind-perl test-python mypy perl python demo interop power power-compare \
        bench bench-host \
        bench-peers bench-transmission budget budget-update lint rustdoc header clean \
        man wheel abi abi-baseline hosts bench-hosts test-sanitize pyright

all: command library

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

command:
	$(CARGO) build --release --bin tern

library: $(OUT)/tern.pc
	$(CARGO) rustc --release --lib --no-default-features --features capi,tls,store \
		--crate-type staticlib
	CC='$(CC)' abi/link $(OUT)/libtern.a $(OUT)/libtern.so $(SONAME) -Wl,--strip-debug
	@ln -sf libtern.so $(OUT)/$(SONAME)

$(OUT)/tern.pc: tern.pc.in Makefile
	@mkdir -p $(OUT)
	sed -e 's|@PREFIX@|$(CURDIR)|' -e 's|@LIBDIR@|$(CURDIR)/$(OUT)|' \
		-e 's|@INCLUDEDIR@|$(CURDIR)/include|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBS_PRIVATE@|$(LIBS_PRIVATE)|' tern.pc.in > $@

# The C and C++ examples, linked with the shared library of this tree.
EXAMPLES := $(patsubst examples/c/%.c,$(OUT)/c/%,$(wildcard examples/c/*.c))

examples: library $(EXAMPLES)

$(OUT)/c/%: examples/c/%.c include/tern.h $(OUT)/libtern.so
	@mkdir -p $(OUT)/c
	$(CC) -std=c99 -Wall -Wextra -Werror -pedantic -O2 -g -Iinclude $< -o $@ \
		-L$(OUT) -ltern -Wl,-rpath,'$$ORIGIN/..'

$(OUT)/libtern.so: library

install: all man
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(PCDIR)
	$(INSTALL) -m 755 $(OUT)/tern $(DESTDIR)$(BINDIR)/tern
	$(INSTALL) -m 755 $(OUT)/libtern.so $(DESTDIR)$(LIBDIR)/libtern.so.$(VERSION)
	ln -sf libtern.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libtern.so
	$(INSTALL) -m 644 $(OUT)/libtern.a $(DESTDIR)$(LIBDIR)/libtern.a
	$(INSTALL) -m 644 include/tern.h $(DESTDIR)$(INCLUDEDIR)/tern.h
	$(INSTALL) -m 644 include/tern.hpp $(DESTDIR)$(INCLUDEDIR)/tern.hpp
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBS_PRIVATE@|$(LIBS_PRIVATE)|' tern.pc.in > $(DESTDIR)$(PCDIR)/tern.pc
	ln -sf tern.pc $(DESTDIR)$(PCDIR)/libtern.pc
	$(INSTALL) -d $(DESTDIR)$(CMAKEDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man3
	$(CMAKE_CONFIG) cmake/libternConfig.cmake.in > $(DESTDIR)$(CMAKEDIR)/libternConfig.cmake
	$(CMAKE_CONFIG) cmake/libternConfigVersion.cmake.in \
		> $(DESTDIR)$(CMAKEDIR)/libternConfigVersion.cmake
	$(INSTALL) -m 644 $(OUT)/man/tern.1 $(DESTDIR)$(MANDIR)/man1/tern.1
	$(INSTALL) -m 644 $(OUT)/man/libtern.3 $(DESTDIR)$(MANDIR)/man3/libtern.3

# Where the installed package is found again: its files say where they are themselves, so that the
# tree may be moved.
CMAKE_CONFIG = sed -e 's|@VERSION@|$(VERSION)|' -e 's|@SONAME@|$(SONAME)|' \
	-e 's|@LIBS_PRIVATE@|$(LIBS_PRIVATE)|' -e 's|@ABI@|$(ABI)|' \
	-e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@CMAKEDIR@|$(CMAKEDIR)|'

# The manual pages: what the header and the command say of themselves, with an introduction.
man: command
	@mkdir -p $(OUT)/man
	$(PYTHON) docs/man/make.py tern.1 $(OUT)/tern > $(OUT)/man/tern.1
	$(PYTHON) docs/man/make.py libtern.3 include/tern.h > $(OUT)/man/libtern.3

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/tern $(DESTDIR)$(LIBDIR)/libtern.so.$(VERSION) \
		$(DESTDIR)$(LIBDIR)/$(SONAME) $(DESTDIR)$(LIBDIR)/libtern.so \
		$(DESTDIR)$(LIBDIR)/libtern.a $(DESTDIR)$(INCLUDEDIR)/tern.h \
		$(DESTDIR)$(PCDIR)/tern.pc $(DESTDIR)$(PCDIR)/libtern.pc \
		$(DESTDIR)$(INCLUDEDIR)/tern.hpp $(DESTDIR)$(MANDIR)/man1/tern.1 \
		$(DESTDIR)$(MANDIR)/man3/libtern.3 $(DESTDIR)$(CMAKEDIR)/libternConfig.cmake \
		$(DESTDIR)$(CMAKEDIR)/libternConfigVersion.cmake

test: test-rust test-c test-perl test-python

test-rust:
	$(CARGO) test --workspace --features libtern/capi

test-c: library
	CC='$(CC)' tests/c/run

# The C hosts compiled with gcc's sanitizers; the library is as it is.
test-sanitize: library
	TERN_SANITIZE=address CC='$(CC)' tests/c/run
	TERN_SANITIZE=thread CC='$(CC)' tests/c/run

perl: library
	cd bindings/perl && TERN_LIBDIR='$(CURDIR)/$(OUT)' TERN_INCDIR='$(CURDIR)/include' \
		$(PERL) Makefile.PL && $(MAKE)

test-perl: perl
	cd bindings/perl && $(MAKE) test

# Some of them under valgrind; takes minutes.
valgrind-perl: perl
	cd bindings/perl && TERN_VALGRIND=1 $(MAKE) test TEST_FILES=t/65-valgrind.t

# The distribution as CPAN would have it, unpacked elsewhere, built and tested there.
perl-dist: perl
	rm -rf $(OUT)/perl-dist && mkdir -p $(OUT)/perl-dist
	cd bindings/perl && rm -f Net-BitTorrent-*.tar.gz && $(MAKE) dist >/dev/null && \
		tar -xzf Net-BitTorrent-*.tar.gz -C '$(CURDIR)/$(OUT)/perl-dist' --strip-components=1 && \
		mv Net-BitTorrent-*.tar.gz '$(CURDIR)/$(OUT)/'
	cd $(OUT)/perl-dist && TERN_LIBDIR='$(CURDIR)/$(OUT)' TERN_INCDIR='$(CURDIR)/include' \
		$(PERL) Makefile.PL && $(MAKE) && $(MAKE) test

# A Python environment of our own: nothing is installed into the system's.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: this Python cannot make virtual environments."; \
		echo "make: on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(VENV)/bin/pip bindings/python/pyproject.toml
	$(VENV)/bin/pip install --quiet --disable-pip-version-check cffi pytest 'setuptools>=70.1' wheel
	@touch $@

python: library $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation \
		--force-reinstall --no-deps ./bindings/python

test-python: python
	$(VENV)/bin/python -m pytest -q bindings/python/tests

# One wheel for every Python, for the oldest C library that the library runs on.
wheel: library $(VENV)/.ready
	@rm -rf target/wheel
	$(VENV)/bin/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		-w target/wheel ./bindings/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check twine
	$(VENV)/bin/twine check --strict target/wheel/*.whl

demo: all examples perl python
	$(PYTHON) examples/demo/demo.py $(if $(TORRENT),--torrent '$(TORRENT)') $(if $(DIR),--dir '$(DIR)')

mypy: python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check mypy types-cffi
	cd bindings/python && ../../$(VENV)/bin/python -m mypy

# The other type checker; brings its own Node.
pyright: python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check basedpyright
	cd bindings/python && ../../$(VENV)/bin/basedpyright --warnings

interop: all examples $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check libtorrent
	$(VENV)/bin/python tests/interop/run.py

# The other engines: libtorrent in a Python environment of its own, rqbit below target/bench/cargo
# (a long build, once; NICE= builds it at full speed), transmission from the system's packages.
BENCH      := target/bench
LIBTORRENT := 2.1.1
RQBIT      := 9.1.0
NICE       ?= nice -n 19

# Needs root and /dev/fuse for the file system that loses what was not synced; kills need neither.
power: all examples perl python power-ready
	$(VENV)/bin/python tests/power/run.py

# What libtorrent and rqbit lose in the same way: a table.
power-compare: python power-ready $(BENCH)/rqbit.done
	$(VENV)/bin/python tests/power/compare.py

.PHONY: power-ready
power-ready: $(VENV)/.ready
	$(CARGO) build -q --manifest-path tests/cutfs/Cargo.toml --target-dir target/cutfs
	$(VENV)/bin/pip install --quiet --disable-pip-version-check libtorrent

world: command $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check libtorrent
	$(VENV)/bin/python tests/world/run.py $(ONLY)

bench: bench-host library $(BENCH)/venv/.ready bench-transmission \
       $(if $(QUICK),,$(BENCH)/rqbit.done)
	QUICK='$(QUICK)' ONLY='$(ONLY)' $(PYTHON) tests/bench/run.py

# What hooks, events and handles cost C and Python, and whether adding and removing leaks.
bench-hosts: python
	$(PYTHON) tests/bench/hosts/run.py

bench-host:
	$(CARGO) build --release --examples

# Instructions of the hot functions against tests/bench/budgets.tsv; needs valgrind.
budget:
	$(CARGO) build --release --example bench-hot
	$(PYTHON) tests/bench/budget.py

budget-update:
	$(CARGO) build --release --example bench-hot
	$(PYTHON) tests/bench/budget.py --update

bench-peers: $(BENCH)/venv/.ready bench-transmission $(BENCH)/rqbit.done

$(BENCH)/venv/.ready: Makefile
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: this Python cannot make virtual environments."; \
		echo "make: on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(BENCH)/venv
	$(BENCH)/venv/bin/pip install --quiet --disable-pip-version-check 'libtorrent==$(LIBTORRENT).*'
	@touch $@

# A build that fails leaves its reason in rqbit.log and a dash in the table, and is not repeated.
$(BENCH)/rqbit.done:
	@mkdir -p $(BENCH)
	@echo "building rqbit $(RQBIT), the log is in $(BENCH)/rqbit.log"
	@$(NICE) $(CARGO) install rqbit --version $(RQBIT) --locked --no-default-features \
		--features rust-tls --root $(BENCH)/cargo --target-dir $(BENCH)/rqbit-build \
		>$(BENCH)/rqbit.log 2>&1 || echo "make: rqbit could not be built; see $(BENCH)/rqbit.log"
	@rm -rf $(BENCH)/rqbit-build
	@touch $@

# Installed when that is allowed, suggested when not; without it there are dashes.
bench-transmission:
	@command -v transmission-daemon >/dev/null && command -v transmission-create >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			tests/bench/install-transmission; \
		else \
			echo "make: for its column: apt install transmission-daemon transmission-cli"; \
		fi; }

lint:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path tests/cutfs/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets --features libtern/capi -- -D warnings
	$(MAKE) rustdoc
	$(CARGO) test --test tidy

# The inside is documented too, so links to private items are fine.
rustdoc:
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' \
		$(CARGO) doc --no-deps --document-private-items --features capi

header:
	$(CARGO) run -p xtask -- header
	$(PYTHON) bindings/python/tools/generate.py

# The C interface of this tree against that of the last release (abi/baseline), and whether the
# gate would notice a break.
abi:
	$(PYTHON) abi/check.py
	$(PYTHON) abi/check.py --self-test

# The programs on the pages of docs/hosts.
hosts: library perl python
	$(PYTHON) tests/hosts.py

# To be run for a release, when its header is final.
abi-baseline:
	$(PYTHON) abi/check.py --record

clean:
	$(CARGO) clean
	-cd bindings/perl && [ ! -f Makefile ] || $(MAKE) distclean
