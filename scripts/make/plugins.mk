# The bus and what plugins are made of. Included behind tests.mk and the parts (store, redis, recorder), which add
# to these:
#   PLUGIN_PARTS_OBJ   what tests/plugins tests
#   PLUGIN_PARTS_LIBS  what that needs
$(GEN)/envelope_generated.h: plugins/bus/envelope.fbs
	@mkdir -p $(GEN)
	flatc --cpp --cpp-std c++17 --scoped-enums -o $(GEN) $<

PLUGIN_PARTS_LIBS += -lboost_json
BUS_OBJ := $(call objects,$(wildcard plugins/bus/*.cpp) plugins/host/thread_pool.cpp)
PLUGIN_PARTS_OBJ += $(BUS_OBJ)

# ---- plugins: one program, tests/plugins/<thing>_test.cpp beside one another
$(OUT)/tests/plugins: $(call objects,$(wildcard tests/plugins/*.cpp)) $(PLUGIN_PARTS_OBJ)
	$(call link,$(PLUGIN_PARTS_LIBS) -lCppUTest)
test-programs: $(OUT)/tests/plugins
