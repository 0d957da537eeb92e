# Hobnob's commands. `make run` shows it, `make test` proves it; both first install what the machine lacks.
# CARGO_TARGET_DIR is honoured; CI=true keeps everything from asking questions.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(HOME)/.cargo/bin:$(PATH)

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
DIST := $(TARGET)/dist
PROGRAMS := hobnob hobnob-cli hobnob-server
# One profile for run and test, so that the second of them compiles only what the first did not.
CARGO := cargo --locked

.PHONY: help run test simulate bench pictures setup dist fmt lint build clean-demo

help:
	@echo "make run    server and two windows (Alice and Bob, friends), or the same on a virtual display"
	@echo "make test   format, lints, every test"
	@echo "make simulate SEEDS=100000   whole devices on a bad network, many more runs than a test takes; SEED=n traces one"
	@echo "make bench  the benchmarks, as ratios to references measured in the same run"
	@echo "make pictures  every page of the window, light, dark, narrow, empty and overfull, as pictures in $(TARGET)/pictures"
	@echo "make setup  the packages that building and testing need"
	@echo "make dist   release builds of the three programs under $(DIST)"
	@echo "make fmt, make lint"

setup:
	@resources/setup/packages.sh

build: setup
	@[ -x $(TARGET)/debug/hobnob ] || echo "The first build compiles some 300 libraries: about 5 minutes on two cores."
	@$(CARGO) build --workspace --bins

run: build
	@HOBNOB_BIN_DIR=$(TARGET)/debug $(TARGET)/debug/demo

test: setup
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) build --workspace --bins
	HOBNOB_BIN_DIR=$(TARGET)/debug $(CARGO) test --workspace

# The same simulation that `make test` runs, optimised, for as many seeds as wished.
SEEDS ?= 100000
simulate: setup
	$(if $(SEED),HOBNOB_SEED=$(SEED) )HOBNOB_SEEDS=$(SEEDS) $(CARGO) test --profile simulation -p hobnob-client --no-default-features --lib simulation -- --nocapture

bench: setup
	$(CARGO) build --release --workspace --bins
	$(CARGO) build --release -p hobnob-client --example gallery
	HOBNOB_BIN_DIR=$(TARGET)/release $(CARGO) bench -p hobnob-tests --bench bench

# Made-up content on a virtual display; nothing is stored and nobody is connected.
pictures: setup
	$(CARGO) build -p hobnob-client --example gallery
	GSK_RENDERER=cairo GDK_BACKEND=x11 GSETTINGS_BACKEND=memory GTK_USE_PORTAL=0 LANG=C.UTF-8 \
	  dbus-run-session -- xvfb-run -a -s "-screen 0 1400x1400x24" $(TARGET)/debug/examples/gallery $(TARGET)/pictures

dist: setup
	$(CARGO) build --release $(addprefix --bin ,$(PROGRAMS))
	rm -rf $(DIST)
	install -d $(DIST)/share/applications $(DIST)/share/metainfo $(DIST)/share/icons $(DIST)/share/glib-2.0/schemas $(DIST)/lib/systemd/system
	for program in $(PROGRAMS); do install -s -m 755 $(TARGET)/release/$$program $(DIST)/ || exit 1; done
	cp resources/systemd/hobnob-server.service $(DIST)/lib/systemd/system/
	find resources -maxdepth 1 -name '*.desktop' -exec cp {} $(DIST)/share/applications/ \;
	find resources -maxdepth 1 -name '*.metainfo.xml' -exec cp {} $(DIST)/share/metainfo/ \;
	cp resources/*.gschema.xml $(DIST)/share/glib-2.0/schemas/
	if [ -d resources/icons ]; then cp -r resources/icons/. $(DIST)/share/icons/; fi
	cp LICENSE $(DIST)/
	if [ -f README.md ]; then cp README.md $(DIST)/; fi
	@echo "$(DIST)"

fmt:
	cargo fmt --all

# cargo-deny needs no network for these three checks; the advisories check does and is left to the person.
lint: setup
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; fi

clean-demo:
	rm -rf $(TARGET)/demo
