# Tests. `make test` builds all suites and lets tests/run add them up; most suites are also a verb.

# The leak detector's new/delete macros break standard headers; leaks are found without them, too.
$(OUT)/obj/tests/%.o: MODE := -DCPPUTEST_MEM_LEAK_DETECTION_DISABLED -Wno-old-style-cast
UNDER_TEST := $(sort $(CORE_OBJ) $(CONFIG_OBJ) $(FOCAS_OBJ) $(SIMULATOR_OBJ))

# ---- unit: one program, tests/unit/<thing>_test.cpp beside one another
$(OUT)/tests/unit: $(call objects,$(wildcard tests/unit/*.cpp tests/unit/*/*.cpp)) $(UNDER_TEST)
	$(call link,$(URING) -ldl -lCppUTest)

# ---- simulation: the whole core on simulated time and network, many seeds
$(OUT)/tests/simulation: $(call objects,$(wildcard tests/simulation/*.cpp)) $(UNDER_TEST)
	$(call link,$(URING) -ldl)

# ---- drivers for tests, in C, as an outsider would build them
TEST_DRIVERS := $(patsubst tests/drivers/%.c,$(OUT)/tests/drivers/%.so,$(wildcard tests/drivers/*.c))
$(OUT)/tests/drivers/%.so: tests/drivers/%.c drivers/sdk/rise_driver.h
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Werror -fPIC -shared -I. -o $@ $<

.PHONY: test test-programs unit simulation integration

test: ## build and run every test
	@scripts/setup test
	@$(MAKE) --no-print-directory programs test-programs
	@$(MAKE) --no-print-directory VARIANT=asan unit-program simulation-program
	@$(MAKE) --no-print-directory VARIANT=tsan unit-program
	@OUT=$(OUT) BUILD=$(BUILD) tests/run

.PHONY: unit-program simulation-program
unit-program: $(OUT)/tests/unit
simulation-program: $(OUT)/tests/simulation
test-programs: unit-program simulation-program $(OUT)/tests/model $(TEST_DRIVERS)

unit: unit-program ## unit tests only; VARIANT=asan or tsan for the sanitizers
	$(OUT)/tests/unit

simulation: simulation-program ## the whole core on simulated time and network, many seeds
	$(OUT)/tests/simulation

integration: programs $(TEST_DRIVERS) ## the real programs on loopback
	OUT=$(OUT) /usr/bin/python3 -m unittest discover -s tests/integration -v
