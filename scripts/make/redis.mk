# plugins/redis, and plugins/net that it stands on. Included before plugins.mk.
NET_SRC := $(wildcard plugins/net/*.cpp)
REDIS_SRC := $(filter-out %/plugin.cpp %/queue_bridge.cpp,$(wildcard plugins/redis/*.cpp))
NET_OBJ := $(call objects,$(NET_SRC))
REDIS_OBJ := $(call objects,$(REDIS_SRC))
# What it needs of the bus.
REDIS_OBJ += $(call objects,$(addprefix plugins/bus/,message.cpp topic.cpp uuid.cpp names.cpp json_form.cpp) $(wildcard plugins/text/*.cpp))
REDIS_LIBS := -lhiredis -lboost_json -lmbedtls -lmbedx509 -lmbedcrypto

PLUGIN_PARTS_OBJ += $(NET_OBJ) $(REDIS_OBJ)
PLUGIN_PARTS_LIBS += $(REDIS_LIBS)

# ---- a program that does with an adapter what it is told (tests/integration/redis_rig.py)
$(OUT)/tests/redis: $(call objects,$(wildcard tests/redis/*.cpp)) $(NET_OBJ) $(REDIS_OBJ)
	$(call link,$(REDIS_LIBS))
test-programs integration: $(OUT)/tests/redis

# ---- what every adapter has to do (tests/bus_adapter)
$(OUT)/tests/bus_adapter: $(call objects,$(wildcard tests/bus_adapter/*.cpp plugins/outbound/*.cpp plugins/packing/*.cpp plugins/foreign/*.cpp plugins/bus/*.cpp) \
                            $(wildcard plugins/store/*.cpp) rt_core/record/crc32c.cpp) $(NET_OBJ) $(REDIS_OBJ)
	$(call link,$(REDIS_LIBS) -lzstd)
test-programs integration: $(OUT)/tests/bus_adapter
