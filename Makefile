# The commands of this project; each is a script or a cargo command. Arguments: make run ARGS="--port 9000"
.POSIX:
.DEFAULT_GOAL := help
.PHONY: help run test bench fmt lint setup
ARGS =

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

# exec, so that no shell stands between the terminal's Ctrl-C and the program
run: ## install what is missing, build, and run everything on this machine
	@exec scripts/run $(ARGS)

test: ## install what tests need, and run all tests
	@exec scripts/test $(ARGS)

bench: ## build optimised, and measure
	@scripts/setup --for test
	@cargo build --release --workspace --bins
	@exec "$$(scripts/target-dir)/release/bench" $(ARGS)

fmt: ## format all code
	@exec cargo fmt --all

lint: ## formatting, clippy and the fences
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@scripts/fences

setup: ## only install what is missing
	@exec scripts/setup --for test
