# A PREEMPT_RT kernel in an emulated machine: scripts/rtvm, tests/rtvm. Included behind tests.mk.
RTVM_GUEST := $(OUT)/tests/rtvm_guest

$(RTVM_GUEST): $(OUT)/obj/tests/rtvm/guest.o $(OUT)/obj/rt_core/cycle/flight.o $(CORE_SHARED_OBJ)
	$(call link,)

test-programs integration: $(RTVM_GUEST)

.PHONY: rtvm rtvm-golden
rtvm: ## the core on a PREEMPT_RT kernel in an emulated machine: what works, and what a cycle costs
	@scripts/setup rtvm
	@$(MAKE) --no-print-directory programs $(OUT)/tests/unit-rt $(RTVM_GUEST) $(TEST_DRIVERS)
	@OUT=$(OUT) BUILD=$(BUILD) tests/run rtvm

rtvm-golden: ## take the costs of a cycle as they are now as those to hold
	@scripts/setup rtvm
	@$(MAKE) --no-print-directory programs $(RTVM_GUEST) $(TEST_DRIVERS)
	@OUT=$(OUT) BUILD=$(BUILD) /usr/bin/python3 tests/rtvm/costs.py --accept
