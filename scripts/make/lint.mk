# `make lint`: formatting of all sources, clang-tidy on what differs from BASE (default: the last commit and
# the work tree; BASE=all for everything).
BASE ?= HEAD~1
SOURCES := $(shell git ls-files -co --exclude-standard '*.cpp' '*.hpp' '*.h' '*.c' 2>/dev/null)

.PHONY: lint format
lint: $(GENERATED) ## formatting, and clang-tidy on what has changed
	@scripts/setup lint
	@scripts/setup dpdk-tcp || true
	@scripts/lint $(BASE)

format: ## clang-format on all sources
	@clang-format -i $(SOURCES)
