# SPDX-License-Identifier: MIT
# The two commands, `make run` and `make test`, and their few siblings. Each calls meson or tools/.

PREFIX = /usr/local
DESTDIR =

help:     ## shows this
	@sed -n 's/^\([a-z]*\): *## /  make \1\t/p' Makefile | expand -t 17

run:      ## builds, and fetches a hundred slow pages at once
	@tools/setup build && tools/build build && tools/run build

test:     ## builds with gcc, clang, sanitizers, for AArch64, and tests it all; T=name: some tests
	@tools/setup test && tools/test $(T)

sweep:    ## lets every call of the kernel and every allocation fail once; some minutes
	@tools/setup test && tools/sweep

fuzz:     ## runs random programs on eddy and on a model of it; N=programs
	@tools/setup test && tools/fuzz $(N)

soak:     ## a thousand connections come and go for a minute, and nothing may be left; S=seconds
	@tools/setup test && tools/soak $(S)

build:    ## builds the libraries, the command and the examples, into build/
	@tools/setup build && tools/build build

bench:    ## measures, beside the limits and the peers; some twenty minutes
	@tools/setup bench && tools/build build/release -Dbuildtype=release -Dbench=true && bench/peers/build && bench/run --build build/release --plots

install:  ## installs under PREFIX, /usr/local unless told; DESTDIR stages
	@tools/setup build && tools/build build -Dprefix=$(PREFIX) && meson install -C build --no-rebuild --quiet --destdir "$(DESTDIR)" && echo "installed under $(DESTDIR)$(PREFIX)"

docs:     ## makes the site, build/docs/html/index.html, and the manual pages, which install installs
	@tools/setup docs && tools/docs build/docs && echo build/docs/html/index.html && echo "man -l build/docs/man/man7/eddy.7"

clean:    ## removes build/
	rm -rf build

.PHONY: help run test sweep fuzz soak build bench install docs clean
