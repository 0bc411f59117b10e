# What work of the lane costs in instructions, by callgrind: tests/instructions. Included behind tests.mk.
INSTRUCTIONS := $(OUT)/tests/instructions
$(INSTRUCTIONS): $(call objects,$(addprefix tests/unit/,focas_fake_control.cpp focas_fake_host.cpp telemetry_fake_host.cpp)) \
    $(OUT)/obj/tests/instructions/instructions.o $(UNDER_TEST)
	$(call link,$(CORE_LIBS))

test-programs integration: $(INSTRUCTIONS)

.PHONY: instructions instructions-golden
instructions: ## what the lane's work costs in instructions, beside what was accepted
	@scripts/setup test
	@$(MAKE) --no-print-directory $(INSTRUCTIONS)
	@OUT=$(OUT) tests/instructions/count.py

instructions-golden: ## take those figures as they are now as those to hold
	@scripts/setup test
	@$(MAKE) --no-print-directory $(INSTRUCTIONS)
	@OUT=$(OUT) tests/instructions/count.py --accept
