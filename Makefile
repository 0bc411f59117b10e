# RISE-RT. Every verb is one word; `make help` lists them. What a verb needs, it installs first.
#   make run  [DURATION=10] [CONFIG=file]    the main job, on simulated controls by default
#   make test                                everything that CI checks
MAKEFLAGS += --no-builtin-rules
# As many jobs as there are cores, unless somebody says -j or wants several things, one after the other.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS))$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
SHELL := /bin/bash
.DEFAULT_GOAL := help

include scripts/make/build.mk
include scripts/make/dpdk.mk
include scripts/make/telemetry.mk
include scripts/make/replay.mk
include scripts/make/tests.mk
include scripts/make/store.mk
include scripts/make/redis.mk
include scripts/make/recorder.mk
include scripts/make/plugins.mk
include scripts/make/rtvm.mk
include scripts/make/instructions.mk
include scripts/make/model.mk
include scripts/make/fuzz.mk
include scripts/make/bench.mk
include scripts/make/lint.mk
include scripts/make/deb.mk
include scripts/make/rtsan.mk

.PHONY: help setup build run clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(filter-out %.d,$(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## install the Debian packages that building needs
	@scripts/setup build

build: ## build everything into build/release
	@scripts/setup build
	@$(MAKE) --no-print-directory programs

run: build ## run core, sidecar and simulated controls; DURATION=seconds, CONFIG=file
	@exec $(OUT)/bin/rise run $(if $(CONFIG),--config $(CONFIG)) $(if $(DURATION),--duration $(DURATION))

clean: ## remove build/
	rm -rf $(BUILD)
