# Two commands for a newcomer on a fresh Debian machine with Rust and Node:
#   make demo   builds everything and runs the bank, watched, failing, healed and explained
#   make test   runs everything that is tested
SHELL := /bin/bash
.DEFAULT_GOAL := help

# In CI the checkout is new each time: what was compiled must outlive it.
ifdef CI
export CARGO_TARGET_DIR ?= $(HOME)/.cache/watchkeeper/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
export WATCHKEEPER_TARGET := $(TARGET)

.PHONY: help
help: ## show what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

.PHONY: demo
demo: build ## run the bank, watched, failing, healed and explained
	@scripts/demo.sh $(DEMO_ARGS)

.PHONY: test
test: ## run everything that is tested
	@scripts/test.sh

.PHONY: build
build: ## build the console and the two programs
	@scripts/build.sh

.PHONY: release
release: ## build the release binary and print its size
	@scripts/release.sh

.PHONY: bench
bench: ## measure beside Prometheus and Alertmanager (release build; takes a while)
	@bench/run.sh

.PHONY: lint
lint: ## format, clippy, tidy, the console's lint and types
	@scripts/lint.sh

.PHONY: deny
deny: ## check dependencies: bans, licences, sources (installs cargo-deny when it is missing)
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	@cargo deny --log-level error check bans licenses sources

.PHONY: bless
bless: ## renew committed outputs: openapi.json, config.schema.json, the console's client
	@scripts/bless.sh
