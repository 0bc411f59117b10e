# What must not block, as two tools of clang see it: tests/rtsan while it runs, tests/effects at compile time. Included
# behind tests.mk.
#
# The core with RealtimeSanitizer's runtime.
RTSAN_LIB ?= $(firstword $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.rtsan-$(shell uname -m).a))
RTSAN = -Wl,--whole-archive $(RTSAN_LIB) -Wl,--no-whole-archive -lpthread -lrt -lm -ldl -lresolv

# The whole archive: its malloc, open, ... take the place of the C library's, for the drivers as well (-rdynamic).
$(OUT)/rtsan/rise-core: $(OUT)/obj/rt_core/core/main.o $(OUT)/obj/tests/rtsan/guard.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,-rdynamic $(CORE_LIBS) $(RTSAN))

.PHONY: rtsan rtsan-program
rtsan-program: programs $(TEST_DRIVERS) $(OUT)/rtsan/rise-core

rtsan: ## a lane's life under RealtimeSanitizer (clang 19's runtime)
	@scripts/setup rtsan
	@$(MAKE) --no-print-directory rtsan-program
	@OUT=$(OUT) /usr/bin/python3 -m unittest discover -s tests/rtsan -v

.PHONY: effects
effects: ## what a cycle consists of, under clang's -Wfunction-effects
	@scripts/setup effects
	@$(MAKE) --no-print-directory $(GENERATED)
	@GEN=$(GEN) tests/effects/run
