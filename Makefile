# SPDX-License-Identifier: MIT
# The two commands of a fresh machine, as root: `make demo` and `make check`. The rest is for working on aboard.

.PHONY: all demo check bench format clean install

all: build/build.ninja
	ninja -C build

build/build.ninja: | deps
	meson setup build --buildtype=release -Db_lto=true

.PHONY: deps
deps:
	scripts/deps

demo: all
	demo/run

check: deps
	scripts/check

bench: all
	bench/run
	bench/images build 256
	bench/boot-scripts
	bench/disks
	bench/stm32mp

install: all
	meson install -C build

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-check
