# Tests. `make test` builds all suites and lets tests/run add them up; each suite is also a verb.

# ---- unit: one program, tests/unit/<thing>_test.cpp beside one another
UNIT_SRC := $(wildcard tests/unit/*.cpp)
UNIT_OBJ := $(call objects,$(UNIT_SRC))
# The leak detector's new/delete macros break standard headers; leaks are found without them, too.
$(OUT)/obj/tests/%.o: MODE := -DCPPUTEST_MEM_LEAK_DETECTION_DISABLED -Wno-old-style-cast
$(OUT)/tests/unit: $(UNIT_OBJ) $(sort $(CORE_OBJ) $(CONFIG_OBJ) $(FOCAS_OBJ) $(SIMULATOR_OBJ))
	$(call link,$(URING) -ldl -lCppUTest)

.PHONY: test unit test-programs

test: ## build and run every test
	@scripts/setup test
	@$(MAKE) --no-print-directory programs test-programs
	@OUT=$(OUT) tests/run

test-programs: $(OUT)/tests/unit $(OUT)/tests/model

unit: $(OUT)/tests/unit ## unit tests only
	$(OUT)/tests/unit
