# Tests. `make test` builds all suites and lets tests/run add them up; most suites are also a verb.

# The leak detector's new/delete macros break standard headers; leaks are found without them, too.
# Under the sanitizers most of the time goes into optimising the tests themselves: half of it without.
$(OUT)/obj/tests/%.o: PRE := -include $(OUT)/pch/tests/std.hpp
$(OUT)/obj/tests/%.o $(OUT)/pch/tests/%: MODE := -DCPPUTEST_MEM_LEAK_DETECTION_DISABLED -Wno-old-style-cast \
                              $(if $(filter-out release,$(VARIANT)),-O0,-O1)
UNDER_TEST := $(sort $(CORE_OBJ) $(CONFIG_OBJ) $(FOCAS_OBJ) $(SIMULATOR_OBJ) $(TELEMETRY_OBJ) $(SENSORSIM_OBJ) $(REPLAY_OBJ))
# Of the command line what looks at files only; the rest is tested as a program.
CLI_UNDER_TEST := $(call objects,$(filter-out %/doctor.cpp %/mend.cpp,$(wildcard plugins/cli/doctor/*.cpp)) \
                         plugins/cli/trace/kernel_events.cpp plugins/cli/trace/trace_file.cpp)

# ---- unit: one program, tests/unit/<thing>_test.cpp beside one another
UNIT_SRC := $(wildcard tests/unit/*.cpp tests/unit/*/*.cpp)
# Its threads take memory and give it back, which CppUTest's leak detector cannot follow; the sanitizers can.
ifeq ($(VARIANT),release)
UNIT_SRC := $(filter-out tests/unit/core_caretaker_test.cpp,$(UNIT_SRC))
endif
# Those with threads, clocks and signals: ThreadSanitizer has something to say of them alone, and to them it matters
# what the optimiser makes of the code. `make test` runs these for release, and all under AddressSanitizer; `make unit`
# runs all for release.
UNIT_RT_SRC := tests/unit/main.cpp $(wildcard $(foreach folder,shm io guard cycle record core,tests/unit/$(folder)_*.cpp))
ifeq ($(VARIANT),release)
UNIT_RT_SRC := $(filter-out tests/unit/core_caretaker_test.cpp,$(UNIT_RT_SRC))
endif
$(OUT)/tests/unit-rt: $(call objects,$(UNIT_RT_SRC)) $(sort $(CORE_OBJ) $(CONFIG_OBJ))
	$(call link,-lboost_json $(CORE_LIBS) -lCppUTest)
ifeq ($(VARIANT),tsan)
UNIT_SRC := $(UNIT_RT_SRC)
UNDER_TEST := $(sort $(CORE_OBJ) $(CONFIG_OBJ))
CLI_UNDER_TEST :=
endif
$(OUT)/tests/unit: $(call objects,$(UNIT_SRC)) $(UNDER_TEST) $(CLI_UNDER_TEST)
	$(call link,-lboost_json $(CORE_LIBS) -lCppUTest)

# ---- simulation: the whole core on simulated time and network, many seeds
$(OUT)/tests/simulation: $(call objects,$(wildcard tests/simulation/*.cpp)) $(UNDER_TEST)
	$(call link,$(CORE_LIBS))

# ---- drivers for tests, in C, as an outsider would build them
TEST_DRIVERS := $(patsubst tests/drivers/%.c,$(OUT)/tests/drivers/%.so,$(wildcard tests/drivers/*.c))
$(OUT)/tests/drivers/%.so: tests/drivers/%.c tests/drivers/device.h drivers/sdk/rise_driver.h
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Werror -fPIC -shared -I. -o $@ $<

# ---- a driver built with the header of the first ABI, which is kept for that
TEST_DRIVERS += $(OUT)/tests/drivers/old_driver.so
$(OUT)/tests/drivers/old_driver.so: tests/abi/old_driver.c tests/abi/1.0/rise_driver.h
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Werror -fPIC -shared -Itests/abi/1.0 -o $@ $<

# ---- a program on a kernel that lacks something
$(OUT)/tests/without: $(OUT)/obj/tests/io/without.o
	$(call link,)

.PHONY: test test-programs unit simulation integration

test: ## build and run every test
	@scripts/setup test
	@scripts/setup dpdk || echo "test: goes on without DPDK; its tests are skipped"
	@scripts/setup dpdk-tcp || echo "test: goes on without TCP over DPDK; its tests are skipped"
	@scripts/setup rtvm || echo "test: goes on without an RT kernel; its tests are skipped"
	@scripts/setup mcap || echo "test: goes on without the public MCAP reader; its tests are skipped"
	@$(MAKE) --no-print-directory programs test-programs
	@$(MAKE) --no-print-directory VARIANT=asan unit-program simulation-program plugins-program
	@$(MAKE) --no-print-directory VARIANT=tsan unit-program plugins-program
	@OUT=$(OUT) BUILD=$(BUILD) tests/run

.PHONY: unit-program simulation-program
unit-program: $(OUT)/tests/unit
simulation-program: $(OUT)/tests/simulation
test-programs: $(OUT)/tests/unit-rt simulation-program $(OUT)/tests/model $(OUT)/tests/without $(TEST_DRIVERS) $(DPDK_TESTS)

unit: unit-program ## unit tests only; VARIANT=asan or tsan for the sanitizers
	$(OUT)/tests/unit

simulation: simulation-program ## the whole core on simulated time and network, many seeds
	$(OUT)/tests/simulation

integration: programs $(OUT)/tests/without $(TEST_DRIVERS) $(DPDK_TESTS) ## the real programs on loopback
	OUT=$(OUT) /usr/bin/python3 -m unittest discover -s tests/integration -v
