# Benches. `make bench` runs each for a short time, prints a table and writes build/bench/results.json;
# `make bench-full` takes longer for steadier figures. One bench: `make bench ONLY=ring`. `make bench-readme` takes as
# long, keeps the figures in bench/results.json and writes bench/README.md's table.
BENCH_PROGRAMS := $(addprefix $(OUT)/bench/,ring bookkeeping containment simulator recording sweep stop telemetry datagrams streams bus store redis recorder packing) $(BENCH_DPDK)

$(OUT)/bench/ring: $(OUT)/obj/bench/ring.o
	$(call link,)
$(OUT)/bench/bookkeeping: $(OUT)/obj/bench/bookkeeping.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,$(CORE_LIBS))
$(OUT)/bench/containment: $(OUT)/obj/bench/containment.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,$(CORE_LIBS))
$(OUT)/bench/recording: $(OUT)/obj/bench/recording.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,$(CORE_LIBS))
$(OUT)/bench/simulator: $(OUT)/obj/bench/simulator.o $(SIMULATOR_OBJ) $(CONFIG_OBJ)
	$(call link,)
$(OUT)/bench/sweep: $(OUT)/obj/bench/sweep.o $(call objects,$(FOCAS_WIRE_SRC))
	$(call link,)
$(OUT)/bench/stop: $(OUT)/obj/bench/stop.o $(CORE_SHARED_OBJ) $(CONFIG_OBJ)
	$(call link,)
$(OUT)/bench/telemetry: $(OUT)/obj/bench/telemetry.o $(TELEMETRY_OBJ) $(SENSORSIM_OBJ) $(CONFIG_OBJ) \
    $(OUT)/obj/tests/unit/telemetry_fake_host.o
	$(call link,)
$(OUT)/bench/datagrams: $(OUT)/obj/bench/datagrams.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,$(CORE_LIBS))
$(OUT)/bench/streams: $(OUT)/obj/bench/streams.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,$(CORE_LIBS))
$(OUT)/bench/bus: $(OUT)/obj/bench/bus.o $(BUS_OBJ)
	$(call link,-lboost_json)
$(OUT)/bench/store: $(OUT)/obj/bench/store.o $(STORE_OBJ)
	$(call link,)
$(OUT)/bench/redis: $(OUT)/obj/bench/redis.o $(NET_OBJ) $(REDIS_OBJ)
	$(call link,$(REDIS_LIBS))

$(OUT)/bench/recorder: $(OUT)/obj/bench/recorder.o $(RECORDER_OBJ) $(CORE_SHARED_OBJ) $(CONFIG_OBJ)
	$(call link,$(RECORDER_LIBS))

$(OUT)/bench/packing: $(OUT)/obj/bench/packing.o $(call objects,$(wildcard plugins/packing/*.cpp)) $(BUS_OBJ)
	$(call link,-lboost_json -lzstd)
# What the benches of the sidecar run on.
bench-programs: $(TEST_DRIVERS)

.PHONY: bench bench-full bench-readme bench-programs latency
bench-programs: $(BENCH_PROGRAMS)

bench: ## print every figure of the README, short runs; ONLY=name for one
	@scripts/setup bench
	@scripts/setup dpdk || echo "bench: goes on without DPDK"
	@scripts/setup dpdk-tcp || echo "bench: goes on without TCP over DPDK"
	@$(MAKE) --no-print-directory programs bench-programs
	@OUT=$(OUT) bench/run $(ONLY)

bench-full: ## the same with longer runs
	@scripts/setup bench
	@scripts/setup dpdk || echo "bench: goes on without DPDK"
	@scripts/setup dpdk-tcp || echo "bench: goes on without TCP over DPDK"
	@$(MAKE) --no-print-directory programs bench-programs
	@OUT=$(OUT) bench/run --full $(ONLY)

bench-readme: ## the same, and write the table of bench/README.md
	@scripts/setup bench
	@scripts/setup dpdk || echo "bench: goes on without DPDK"
	@scripts/setup dpdk-tcp || echo "bench: goes on without TCP over DPDK"
	@$(MAKE) --no-print-directory programs bench-programs
	@OUT=$(OUT) bench/run --full --readme $(ONLY)

# The lane beside cyclictest under each load, as plots and one page: build/latency/report.html.
LATENCY ?= --load all --rounds 5 --seconds 5
latency: ## wake-up latency beside cyclictest under each load, as a page; LATENCY="--load cpu --rounds 9"
	@scripts/setup latency
	@$(MAKE) --no-print-directory programs
	@mkdir -p $(BUILD)/latency
	@OUT=$(OUT) scripts/latency run $(LATENCY) --out $(BUILD)/latency/run.json --plots $(BUILD)/latency
	@OUT=$(OUT) scripts/latency report $(BUILD)/latency/run.json --out $(BUILD)/latency/report.html
