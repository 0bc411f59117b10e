# The bus and what plugins are made of. Included behind tests.mk and the parts (store, redis, recorder), which add
# to these:
#   PLUGIN_PARTS_OBJ   what tests/plugins tests
#   PLUGIN_PARTS_LIBS  what that needs
$(GEN)/envelope_generated.h: plugins/bus/envelope.fbs
	@mkdir -p $(GEN)
	flatc --cpp --cpp-std c++17 --scoped-enums -o $(GEN) $<

PLUGIN_PARTS_LIBS += -lboost_json
BUS_OBJ := $(call objects,$(wildcard plugins/bus/*.cpp plugins/text/*.cpp) plugins/host/thread_pool.cpp)
# Between the bus and an adapter: needs -lzstd.
OUTBOUND_SRC := $(wildcard plugins/outbound/*.cpp plugins/packing/*.cpp plugins/foreign/*.cpp)
HOST_PARTS_OBJ := $(call objects,$(OUTBOUND_SRC) $(filter-out %/main.cpp,$(HOST_SRC)) plugins/control/client.cpp)
PLUGIN_PARTS_OBJ += $(BUS_OBJ) $(HOST_PARTS_OBJ) $(CONFIG_OBJ) $(CORE_SHARED_OBJ)

# ---- plugins: one program, tests/plugins/<thing>_test.cpp beside one another. `make test` runs it under the
# sanitizers, and the integration tests the release build; `make plugins-program` makes this one for release, too.
PLUGIN_TESTS := $(wildcard tests/plugins/*.cpp)
# ThreadSanitizer has something to say where threads share something; what uses Asio takes long to build.
ifeq ($(VARIANT),tsan)
PLUGIN_TESTS := tests/plugins/main.cpp $(wildcard $(foreach part,bus host outbound store_threads,tests/plugins/$(part)_*.cpp))
PLUGIN_PARTS_OBJ := $(BUS_OBJ) $(HOST_PARTS_OBJ) $(STORE_OBJ) $(CONFIG_OBJ) $(CORE_SHARED_OBJ)
PLUGIN_PARTS_LIBS := -lboost_json -lzstd
endif
$(OUT)/tests/plugins: $(sort $(call objects,$(PLUGIN_TESTS)) $(PLUGIN_PARTS_OBJ))
	$(call link,$(PLUGIN_PARTS_LIBS) -ldl -lCppUTest)
.PHONY: plugins-program
plugins-program: $(OUT)/tests/plugins

# ---- plugins proper: shared objects that use what is in rise-sidecar (bus and host), and bring what is not.
PLUGINS := metrics redis recorder
PLUGIN_OBJ.metrics := $(call objects,$(wildcard plugins/metrics/*.cpp))
PLUGIN_OBJ.redis := $(call objects,plugins/redis/plugin.cpp plugins/redis/queue_bridge.cpp $(REDIS_SRC) $(OUTBOUND_SRC)) $(NET_OBJ) $(STORE_OBJ)
PLUGIN_LIBS.redis := $(REDIS_LIBS) -lzstd
# FlatBuffers' library comes in a form that no shared object can take: so the recorder is in the program.
PLUGIN_OBJ.recorder := $(OUT)/obj/plugins/recorder/plugin.o
$(OUT)/bin/rise-sidecar: $(RECORDER_OBJ)
define plugin
$(OUT)/lib/rise/plugins/$(1).so: $(PLUGIN_OBJ.$(1))
	$$(call link,-shared $(PLUGIN_LIBS.$(1)))
programs: $(OUT)/lib/rise/plugins/$(1).so
endef
$(foreach name,$(PLUGINS),$(eval $(call plugin,$(name))))
