# What leaves this tree: packages, the tarball, the bill of materials; and the tests of them. The programs are those of
# `make build`, as all tests have them. Included behind tests.mk.
DIST ?= trixie

.PHONY: deb deb-test deb-reproduce dist sbom chroot-test

deb: ## Debian packages into build/deb
	@scripts/setup deb
	@scripts/setup dpdk || echo "deb: goes on without rise-dpdk"
	@scripts/setup dpdk-tcp || echo "deb: goes on without TCP over DPDK"
	@$(MAKE) --no-print-directory programs
	@OUT=$(OUT) BUILD=$(BUILD) scripts/deb/build

deb-test: deb ## install, run, upgrade under a running core, remove, purge, in a chroot; needs root
	@scripts/setup chroot
	@OUT=$(OUT) BUILD=$(BUILD) tests/deb/run

deb-reproduce: deb ## build the last commit anew in another folder: are the packages the same bytes?
	@OUT=$(OUT) BUILD=$(BUILD) tests/deb/reproduce

dist: ## the last commit as a tarball, into build/dist
	@BUILD=$(BUILD) scripts/dist

sbom: ## bill of materials of what is built (CycloneDX), to stdout
	@SOURCE_DATE_EPOCH=$$(scripts/version --epoch) scripts/sbom $(OUT)

chroot-test: ## build, unit tests and packages on another Debian; DIST=trixie; needs root
	@scripts/setup chroot
	@BUILD=$(BUILD) scripts/chroot-test $(DIST) $(JOBS)
