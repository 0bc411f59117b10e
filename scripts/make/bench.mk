# Benches. `make bench` runs each for a short time, prints a table and writes build/bench/results.json;
# `make bench-full` takes longer for steadier figures. One bench: `make bench ONLY=ring`.
BENCH_PROGRAMS := $(addprefix $(OUT)/bench/,ring bookkeeping sweep)

$(OUT)/bench/ring: $(OUT)/obj/bench/ring.o
	$(call link,)
$(OUT)/bench/bookkeeping: $(OUT)/obj/bench/bookkeeping.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,$(URING) -ldl)
$(OUT)/bench/sweep: $(OUT)/obj/bench/sweep.o $(call objects,$(FOCAS_WIRE_SRC))
	$(call link,)

.PHONY: bench bench-full bench-programs
bench-programs: $(BENCH_PROGRAMS)

bench: ## print every figure of the README, short runs; ONLY=name for one
	@scripts/setup bench
	@$(MAKE) --no-print-directory programs bench-programs
	@OUT=$(OUT) bench/run $(ONLY)

bench-full: ## the same with longer runs
	@scripts/setup bench
	@$(MAKE) --no-print-directory programs bench-programs
	@OUT=$(OUT) bench/run --full $(ONLY)
