# plugins/recorder: recordings in MCAP files. Included before plugins.mk.
RECORDER_SRC := $(filter-out %/plugin.cpp,$(wildcard plugins/recorder/*.cpp)) plugins/text/utc.cpp
# For raw_import: what reads recordings of lanes.
RECORDER_SRC += drivers/replay/recording.cpp rt_core/record/format.cpp rt_core/record/crc32c.cpp
RECORDER_OBJ := $(call objects,$(RECORDER_SRC))
# zstd compresses; FlatBuffers' library compiles the schema of each set of signals.
RECORDER_LIBS := -lzstd $(if $(wildcard /usr/lib/*/libflatbuffers.a),-l:libflatbuffers.a,-lflatbuffers) -lboost_json

PLUGIN_PARTS_OBJ += $(RECORDER_OBJ) $(CORE_SHARED_OBJ)
PLUGIN_PARTS_LIBS += $(RECORDER_LIBS)

$(OUT)/bin/rise: $(RECORDER_OBJ)

$(GEN)/frame_generated.h: plugins/recorder/frame.fbs
	@mkdir -p $(GEN)
	flatc --cpp --cpp-std c++17 --scoped-enums -o $(GEN) $<
$(GEN)/record_generated.h: plugins/recorder/record.fbs
	@mkdir -p $(GEN)
	flatc --cpp --cpp-std c++17 --scoped-enums -o $(GEN) $<

# What is embedded in each recording: record.fbs as a binary schema, and the text that those of frames are made of.
$(GEN)/record_schema.hpp: plugins/recorder/record.fbs plugins/recorder/frame.fbs
	@mkdir -p $(GEN)
	flatc -b --schema --bfbs-comments --bfbs-builtins -o $(GEN) $<
	@{ printf '#pragma once\nnamespace rise::recorder {\ninline constexpr unsigned char kRecordSchema[] = {'; \
	od -An -v -tu1 $(GEN)/record.bfbs | sed -E 's/ +([0-9]+)/\1,/g'; printf '};\n'; \
	printf 'inline constexpr char kFrameSchemaText[] = R"rise('; cat plugins/recorder/frame.fbs; printf ')rise";\n}\n'; } > $@
