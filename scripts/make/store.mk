# plugins/store. Included before plugins.mk.
STORE_OBJ := $(call objects,$(wildcard plugins/store/*.cpp)) $(OUT)/obj/rt_core/record/crc32c.o
PLUGIN_PARTS_OBJ += $(STORE_OBJ)
