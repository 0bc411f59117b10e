# Recordings played back (drivers/replay). Included behind build.mk.
REPLAY_SRC := $(filter-out drivers/replay/main.cpp, $(wildcard drivers/replay/*.cpp))
REPLAY_OBJ := $(call objects,$(REPLAY_SRC))

programs: $(OUT)/bin/rise-replay

# -rdynamic: as in the core, for the names in stack traces.
$(OUT)/bin/rise-replay: $(OUT)/obj/drivers/replay/main.o $(REPLAY_OBJ) $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,-rdynamic $(CORE_LIBS))
