# Fuzzers: tests/fuzz/fuzz_<thing>.cpp, built by clang with libFuzzer, AddressSanitizer and UBSan.
#   make fuzz [FUZZ_SECONDS=10] [ONLY=fuzz_config]   each from seeds made of tests/vectors and config/
#   make fuzz-control                                each with a planted fault, which it must find
FUZZ_SECONDS ?= 10
FUZZ := $(BUILD)/fuzz
FUZZ_CXX := clang++
FUZZ_FLAGS := -std=c++20 $(WARN) -O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=address,undefined \
              -fno-sanitize-recover=all -pthread -I. -isystem $(GEN)
FUZZERS := fuzz_focas_frame fuzz_focas_session fuzz_config fuzz_packet fuzz_telemetry fuzz_recording fuzz_store fuzz_redis fuzz_mcap $(if $(LWIP_CORE),fuzz_tcp)

fuzz_objects = $(patsubst %.cpp,$(FUZZ)/obj/%.o,$(1))
FUZZ_FOCAS := $(call fuzz_objects,$(FOCAS_WIRE_SRC) $(filter-out drivers/focas/driver.cpp,$(FOCAS_SRC)))
FUZZ_HOST := $(call fuzz_objects,$(CONFIG_SRC) tests/unit/focas_fake_host.cpp)
FUZZ_LIB.fuzz_focas_frame := $(call fuzz_objects,$(FOCAS_WIRE_SRC) drivers/focas/control_info.cpp)
FUZZ_LIB.fuzz_focas_session := $(FUZZ_FOCAS) $(FUZZ_HOST) $(FUZZ)/obj/tests/unit/focas_fake_control.o
FUZZ_LIB.fuzz_packet := $(call fuzz_objects,$(addprefix rt_core/io/,packet.cpp neighbours.cpp frame_endpoint.cpp))
# lwIP is in it: what it does with hostile segments is what matters.
FUZZ_LIB.fuzz_tcp := $(call fuzz_objects,rt_core/io/dpdk/tcp/tcp_streams.cpp) $(patsubst %,$(FUZZ)/obj/lwip/%.o,$(LWIP_CORE))
$(FUZZ_LIB.fuzz_tcp) $(FUZZ)/obj/tests/fuzz/fuzz_tcp.o $(FUZZ)/planted/fuzz_tcp.o: FUZZ_FLAGS += $(LWIP_CFLAGS)
$(FUZZ)/obj/lwip/%.o: $(LWIP)/src/core/%.c $(LWIP_OPTIONS)
	@mkdir -p $(@D)
	$(say) "  compile $< (fuzz)"
	$(Q)clang -std=c11 -w -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fsanitize=fuzzer-no-link $(LWIP_CFLAGS) -c -o $@ $<
FUZZ_LIB.fuzz_config := $(FUZZ_FOCAS) $(FUZZ_HOST)
FUZZ_LIB.fuzz_telemetry := $(call fuzz_objects,$(TELEMETRY_SRC) $(CONFIG_SRC) tests/unit/telemetry_fake_host.cpp)
$(FUZZ_LIB.fuzz_telemetry) $(FUZZ)/obj/tests/fuzz/fuzz_telemetry.o $(FUZZ)/planted/fuzz_telemetry.o: | $(TELEMETRY_GENERATED)

FUZZ_LIB.fuzz_recording := $(call fuzz_objects,drivers/replay/recording.cpp drivers/replay/stage.cpp \
                             rt_core/record/format.cpp rt_core/record/crc32c.cpp)

FUZZ_LIB.fuzz_store := $(call fuzz_objects,$(wildcard plugins/store/*.cpp) rt_core/record/crc32c.cpp)
FUZZ_LIB.fuzz_redis := $(call fuzz_objects,$(addprefix plugins/redis/,reply.cpp fields.cpp work_item.cpp trouble.cpp slots.cpp) \
                         $(addprefix plugins/bus/,message.cpp topic.cpp uuid.cpp names.cpp json_form.cpp) $(wildcard plugins/text/*.cpp))
FUZZ_LIBS.fuzz_redis := -lhiredis -lboost_json

FUZZ_LIB.fuzz_mcap := $(call fuzz_objects,$(RECORDER_SRC) rt_core/message/event_text.cpp $(wildcard rt_core/shm/*.cpp))
FUZZ_LIBS.fuzz_mcap := $(RECORDER_LIBS)

FUZZ_PCH := $(FUZZ)/pch/std.hpp.pch
$(FUZZ_PCH): scripts/make/std.hpp
	@mkdir -p $(@D) && cp $< $(@D)
	$(say) "  compile $< (fuzz)"
	$(Q)$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(PCH_FLAGS.$(FUZZ_CXX)) -x c++-header -o $@ $<
$(FUZZ)/obj/%.o: %.cpp $(FUZZ_PCH) | $(GENERATED)
	@mkdir -p $(@D)
	$(say) "  compile $< (fuzz)"
	$(Q)$(FUZZ_CXX) -include-pch $(FUZZ_PCH) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MD -MP -c -o $@ $<
$(FUZZ)/planted/%.o: tests/fuzz/%.cpp $(FUZZ_PCH) | $(GENERATED)
	@mkdir -p $(@D)
	$(say) "  compile $< (fuzz, planted)"
	$(Q)$(FUZZ_CXX) -include-pch $(FUZZ_PCH) $(FUZZ_FLAGS) -DRISE_FUZZ_PLANT -fsanitize=fuzzer-no-link -MD -MP -c -o $@ $<

# toml++ 3.3 says "unreachable" of characters just below U+FEFF that are no blanks; what compilers make of
# it is the right answer, and no file of ours can change the library.
$(FUZZ)/obj/config/schema/document.o: FUZZ_FLAGS += -fno-sanitize=unreachable

define fuzzer
$(FUZZ)/$(1): $(FUZZ)/obj/tests/fuzz/$(1).o $(FUZZ_LIB.$(1))
$(FUZZ)/planted/$(1): $(FUZZ)/planted/$(1).o $(FUZZ_LIB.$(1))
endef
$(foreach name,$(FUZZERS),$(eval $(call fuzzer,$(name))))

FUZZ_PROGRAMS := $(addprefix $(FUZZ)/,$(FUZZERS))
FUZZ_PLANTED := $(addprefix $(FUZZ)/planted/,$(FUZZERS))
$(FUZZ_PROGRAMS) $(FUZZ_PLANTED):
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(FUZZ_LIBS.$(@F))

$(FUZZ)/make_corpus: $(call fuzz_objects,tests/fuzz/make_corpus.cpp tests/unit/focas_vectors.cpp)
	$(say) "  link    $@"
	$(Q)$(FUZZ_CXX) $(FUZZ_FLAGS) -o $@ $(filter %.o,$^)
$(FUZZ)/make_packets: $(call fuzz_objects,tests/fuzz/make_packets.cpp rt_core/io/packet.cpp)
	$(say) "  link    $@"
	$(Q)$(FUZZ_CXX) $(FUZZ_FLAGS) -o $@ $(filter %.o,$^)
$(FUZZ)/make_recordings: $(call fuzz_objects,tests/fuzz/make_recordings.cpp) $(FUZZ_LIB.fuzz_mcap)
	$(say) "  link    $@"
	$(Q)$(FUZZ_CXX) $(FUZZ_FLAGS) -o $@ $(filter %.o,$^) $(RECORDER_LIBS)
$(FUZZ)/corpus: $(FUZZ)/make_corpus $(FUZZ)/make_packets $(FUZZ)/make_recordings $(wildcard tests/vectors/*.hex) config/rise.toml scripts/make/fuzz.mk
	@rm -rf $@ && mkdir -p $@
	@$(FUZZ)/make_corpus $@
	@$(FUZZ)/make_packets $@
	@$(FUZZ)/make_recordings $@
	@mkdir -p $@/fuzz_telemetry
	@printf '\0\10\0\77\10\2\77\4\77\1\1\0\4\77' >$@/fuzz_telemetry/streams
	@printf '\1\10\0\77\1\0\2\1\0\376\6\0\10\0\77\5\20\4\77' >$@/fuzz_telemetry/faults
	@printf '\0\2\0\0\5\377\7\0\1\0\10\0\20\13' >$@/fuzz_telemetry/patches
	@mkdir -p $@/fuzz_recording
	@printf '\000\013\001\002\004\002\040\000\120\012\000\001\150\076\002\002\200\005\005\001\002\003\020\000\022\000\000\000\023\000\000\000\002\141\142\041\000\000\001\141\042\000\000\024\000\000\000\000\021\000\025\000\000\000\001\002\001\141\043\000\001\002\000\001\141\060\001\001\000\000\000\000\000\000\000\000\012\002\002\010\000\001\141\011\000\007\061\003\062\000\003' >$@/fuzz_recording/records
	@printf '\000\002\001\002\013\002\200\200\200\001\200\005\200\020\003\002\013\002\200\200\200\001\200\005\200\020\003\002\013\002\200\200\200\001\200\005\200\020\003\002\013\002\200\200\200\001\200\005\200\020\003\002' >$@/fuzz_recording/times
	@mkdir -p $@/fuzz_store
	@printf '\002\000\011\000\001\005\020\001\000\030\001\101\000\004\020\020\000\000\000\000\000\000\000\000\001\000\000\000\000\000\000\000\001' >$@/fuzz_store/two_files
	@printf '\002\000\014\000\001\005\020\001\006\021\001\003\043\340\002\104\007\004\006\000\001\010\020\001\001\040' >$@/fuzz_store/damaged
	@printf '\000\000\020\000RISESTOR\001\000\000\000\007\000\000\000\001\001\010\000\007\000\000\000\020\000\000\000' >$@/fuzz_store/as_it_is
	@mkdir -p $@/fuzz_redis
	@printf '\3*14\r\n$$2\r\nid\r\n$$36\r\n018f3c2a-7b1e-7abc-8def-0123456789ab\r\n$$5\r\ntopic\r\n$$3\r\na/b\r\n$$4\r\ntype\r\n$$5\r\nevent\r\n$$6\r\nsource\r\n$$1\r\ns\r\n$$4\r\ntime\r\n$$20\r\n2026-01-31T12:00:00Z\r\n$$8\r\nencoding\r\n$$4\r\njson\r\n$$7\r\npayload\r\n$$2\r\n{}\r\n' >$@/fuzz_redis/entry
	@printf '\7+OK\r\n-MOVED 3999 127.0.0.1:6381\r\n:-1\r\n$$-1\r\n*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$$1\r\nh\r\n:1\r\n' >$@/fuzz_redis/kinds
	@printf '\1{"id":"018f3c2a-7b1e-7abc-8def-0123456789ab","topic":"a","headers":[["k","v"]],"form":"base64","payload":"Zm8="}' >$@/fuzz_redis/json
	@printf '\1{"id":1,"timestamp":1.5,"queue":"queue:alerts","payload":{"level":3}}' >$@/fuzz_redis/work
	@# The last two are what it once found.
	@mkdir -p $@/fuzz_tcp
	@printf '\0\144\3\1\5\3\1\1\3\3\1\175\3\1\2\3\1\5\3\7' >$@/fuzz_tcp/life
	@printf '\0\144\3\1\5\6\5\175\3\1\1\377\3\10\3\10\4\21\0\0\0\0\1\0\4\1\1\1\1\2hi\2\3\1' >$@/fuzz_tcp/ends
	@printf '\0\144\20\144\3\1\5\4\20\1\0\0\0\20\0\0\4text\3\4\20\0\0\0\0\0\0\0\1x\0\3\1' >$@/fuzz_tcp/early
	@echo AGQDAQUGBX0DAQH8//3z9wQRAAAAAAEABAH/9gECaAAAAAAAAABaZWVlZT5lZWVlZWVlZWVlAgP98/cAAw8GBX0DAQH//ff88wQRAAAAAAEABJOTk5OTk5OTk5OTk5OTk5OTBBEAAAAAAZOTk5OTk5OTk5OTk5NkAAQB//YBAgMPBgV9AwEB//33/PMEEQAAAAABAASTk5OTk5OTk5OTk5OTk5OTk5OTk2hpZWWTk5OTk5OTk5OTZWVlZWVlZWVlPmVlk5OTAykB | base64 -d >$@/fuzz_tcp/segment_size
	@echo AGQLBQYFfQMBASgDCAMIBBEAAwAAAAEABAEBAQECBQYFeiEB+/toaQIDDgE= | base64 -d >$@/fuzz_tcp/window

.PHONY: fuzz fuzz-control fuzz-programs fuzz-planted
fuzz-programs: $(FUZZ_PROGRAMS) $(FUZZ)/corpus
fuzz-planted: $(FUZZ_PLANTED) $(FUZZ)/corpus

fuzz: ## fuzz whatever parses hostile bytes; FUZZ_SECONDS=10 for each, ONLY=name for one
	@MAKE="$(MAKE) --no-print-directory" FUZZ=$(FUZZ) FUZZ_CXX=$(FUZZ_CXX) tests/fuzz/run \
	  $(FUZZ_SECONDS) $(or $(ONLY),$(FUZZERS))

fuzz-control: ## prove that each fuzzer finds a planted fault
	@MAKE="$(MAKE) --no-print-directory" FUZZ=$(FUZZ) FUZZ_CXX=$(FUZZ_CXX) tests/fuzz/run --planted \
	  $(or $(ONLY),$(FUZZERS))

-include $(shell find $(FUZZ) -name '*.d' 2>/dev/null)
