# The few commands a user or a contributor types. The logic is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help setup build up test check test-sdks verify-classes fuzz clean
JOBS ?= $(shell nproc)

help:  ## this list
	@echo "Ronda. On Debian 12: 'make up' shows it at work, 'make test' proves it."
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup:  ## install the Debian packages of packages.txt that are missing
	@scripts/setup

build: setup  ## the release build: build/release/bin/ronda
	@scripts/build release

up: build  ## start the sample shop and walk it until Ctrl-C (CHECK=1: stop after the first green pass)
	@scripts/up

test: setup  ## every test: release, ASan+UBSan, TSan; ends with 'N passed, N failed'
	@scripts/test

check: setup  ## layering, format, clang-tidy, banned calls, docs, ratchets
	@scripts/check

test-sdks: build  ## OpenTelemetry's own SDKs (Python, Node, Java) against ronda traces; needs their registries
	@tests/sdks/run

verify-classes: build  ## every class of the JDKs and of 653 jars rewritten, and verified by the JVMs; needs Maven Central
	@tests/jvm/verify_classes

fuzz: setup  ## all fuzz targets, TIME seconds each (default 60); NAME=x for one
	@scripts/fuzz --time $(or $(TIME),60) $(NAME)

bench-%: build  ## measure a room's bars against its peers: bench-engine
	@bench/run_$*

soak-%: build  ## a room's long measurement: soak-engine
	@bench/soak_$*

clean:  ## remove build/
	rm -rf build
