# How things are built. VARIANT selects the compiler's mode; each has its own folder under build/.
#   release (default) | asan (AddressSanitizer + UBSan) | tsan (ThreadSanitizer)
#   V=1 prints the commands.
VARIANT ?= release
Q := $(if $(V),,@)
say := $(if $(V),@:,@echo)
BUILD ?= build
OUT := $(BUILD)/$(VARIANT)
GEN := $(BUILD)/gen

# The sanitizers' variants by clang: it builds them in less than half the time, and is a second opinion on the code.
CXX.release := g++
CXX.asan := clang++
CXX.tsan := clang++
CXX := $(CXX.$(VARIANT))
CC := gcc
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror
FLAGS.release := -O2 -g1
# vptr: rt_core has no type information to check.
FLAGS.asan := -DRISE_ASAN -O0 -g1 -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS.tsan := -DRISE_TSAN -O0 -g1 -fsanitize=thread
# The folder in which it is built leaves no trace in what is built: the same sources give the same bytes anywhere.
ANYWHERE := -ffile-prefix-map=$(CURDIR)=.
# g++ 12 sees faults in std::string itself.
BLIND.g++ := -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds
# What the headers that are compiled already make of templates is kept with them.
PCH_FLAGS.clang++ := -fpch-instantiate-templates
CXXFLAGS := -std=c++20 $(WARN) $(FLAGS.$(VARIANT)) $(ANYWHERE) $(BLIND.$(CXX)) -fPIC -pthread -I. -isystem $(GEN) $(EXTRA_CXXFLAGS)
# CppUTest brings operators new beside those of the runtime, which come first.
LDFLAGS.tsan := -Wl,-z,muldefs
# -z now: all functions are bound when a program starts. Else the first call of each, within a cycle perhaps, is the
# dynamic linker's work.
LDFLAGS := $(FLAGS.$(VARIANT)) -pthread -Wl,-z,now $(LDFLAGS.$(VARIANT))
# The real-time side: no exceptions, no run-time type information. (What the standard library throws at
# set-up then ends the program, which is what a set-up fault should do.)
RT_FLAGS := -fno-exceptions -fno-rtti

URING := -l:liburing.a   # the shared one of Debian 12 lacks the ring restrictions
CORE_LIBS := $(URING) -ldl -lmbedcrypto   # what all of rt_core needs

# ---- sources, by folder
CONFIG_SRC := $(wildcard config/schema/*.cpp)
CORE_SRC := $(filter-out rt_core/core/main.cpp rt_core/guard/preload.cpp rt_core/kit/%, $(wildcard rt_core/*/*.cpp))
FOCAS_WIRE_SRC := $(wildcard drivers/focas/wire/*.cpp)
FOCAS_SRC := $(wildcard drivers/focas/*.cpp)
SIMULATOR_SRC := $(filter-out drivers/focas/simulator/process/main.cpp, $(wildcard drivers/focas/simulator/*/*.cpp))
KIT_SRC := $(wildcard rt_core/kit/*.cpp)
HOST_SRC := $(wildcard plugins/host/*.cpp plugins/routing/*.cpp) $(addprefix plugins/control/,server.cpp desk.cpp)
CLI_SRC := $(wildcard plugins/cli/*.cpp plugins/cli/*/*.cpp) plugins/control/client.cpp \
           $(addprefix plugins/bus/,message.cpp topic.cpp uuid.cpp names.cpp json_form.cpp) plugins/text/base64.cpp

objects = $(patsubst %.cpp,$(OUT)/obj/%.o,$(1))

CONFIG_OBJ := $(call objects,$(CONFIG_SRC))
CORE_OBJ := $(call objects,$(CORE_SRC))
# What readers of the region share with the core, and nothing else of it.
CORE_SHARED_OBJ := $(call objects,$(wildcard rt_core/shm/*.cpp rt_core/message/*.cpp))
FOCAS_OBJ := $(call objects,$(FOCAS_WIRE_SRC) $(FOCAS_SRC))
SIMULATOR_OBJ := $(call objects,$(FOCAS_WIRE_SRC) $(SIMULATOR_SRC))

# ---- generated
GENERATED := $(GEN)/rise_generated.h $(GEN)/schema_hash.hpp $(GEN)/default_config.hpp \
             $(GEN)/default_controls.hpp $(GEN)/system_calls.inc $(GEN)/driver_template.hpp \
             $(GEN)/envelope_generated.h $(GEN)/frame_generated.h $(GEN)/record_generated.h \
             $(GEN)/record_schema.hpp

$(GEN)/rise_generated.h: rt_core/message/rise.fbs
	@mkdir -p $(GEN)
	flatc --cpp --cpp-std c++17 --scoped-enums --gen-mutable -o $(GEN) $<

# The hash is over the schema without comments and blanks: it changes when the bytes may, not with a word.
$(GEN)/schema_hash.hpp: rt_core/message/rise.fbs
	@mkdir -p $(GEN)
	@hash=$$(sed -e 's://.*$$::' $< | tr -d ' \t\n' | sha256sum | cut -c1-16); \
	printf '#pragma once\n#include <cstdint>\nnamespace rise::message {\ninline constexpr std::uint64_t kSchemaHash = 0x%s;\n}\n' $$hash > $@

$(GEN)/default_config.hpp: config/rise.toml
	@mkdir -p $(GEN)
	@{ printf '#pragma once\nnamespace rise {\ninline constexpr char kDefaultConfig[] = R"rise('; cat $<; printf ')rise";\n}\n'; } > $@

$(GEN)/default_controls.hpp: config/controls.toml
	@mkdir -p $(GEN)
	@{ printf '#pragma once\nnamespace rise {\ninline constexpr char kDefaultControls[] = R"rise('; cat $<; printf ')rise";\n}\n'; } > $@

# What `rise driver new` writes: the files of the template, and the headers that it builds with. The copies of
# the headers lie side by side, whatever the tree looks like.
TEMPLATE_FILES := $(wildcard drivers/sdk/template/*.* drivers/sdk/template/*/*) $(addprefix drivers/sdk/template/,Makefile gitignore)
SDK_FILES := $(wildcard drivers/sdk/*.h drivers/sdk/*.hpp) drivers/sdk/LICENSE
$(GEN)/driver_template.hpp: $(TEMPLATE_FILES) $(SDK_FILES)
	@mkdir -p $(GEN)
	@{ printf '#pragma once\nnamespace rise {\nstruct TemplateFile {\n  const char* path;\n  const char* text;\n};\n'; \
	printf 'inline constexpr TemplateFile kDriverTemplate[] = {\n'; \
	for f in $(TEMPLATE_FILES); do printf '{"%s", R"rise(' "$${f#drivers/sdk/template/}"; \
	  sed 's:#include "\.\./\.\./:#include ":' $$f; printf ')rise"},\n'; done; \
	for f in $(SDK_FILES); do printf '{"sdk/%s", R"rise(' "$${f##*/}"; \
	  sed 's:#include "drivers/sdk/:#include ":' $$f; printf ')rise"},\n'; done; \
	printf '};\n}\n'; } > $@

# Number and name of each system call, from the kernel's header.
$(GEN)/system_calls.inc:
	@mkdir -p $(GEN)
	@echo '#include <asm/unistd.h>' | $(CC) -E -dM - | \
	  sed -nE 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$$/{\2, "\1"},/p' | sort -t'{' -k2 -n > $@

# ---- compiling
# -MD, not -MMD: what is generated is included as a system header, and its changes count, too.
# PRE: headers that are compiled already, in the same MODE.
$(OUT)/obj/rt_core/%.o $(OUT)/obj/drivers/%.o $(OUT)/pch/rt/%: MODE := $(RT_FLAGS)
$(OUT)/obj/rt_core/%.o $(OUT)/obj/drivers/%.o: PRE := -include $(OUT)/pch/rt/std.hpp
$(OUT)/obj/drivers/focas/simulator/%.o: MODE :=
$(OUT)/obj/drivers/focas/simulator/%.o $(OUT)/obj/plugins/%.o $(OUT)/obj/config/%.o: PRE := -include $(OUT)/pch/plain/std.hpp
PCH_NAME := std.hpp.$(if $(filter g++,$(CXX)),gch,pch)
PCH := $(foreach kind,rt plain tests,$(OUT)/pch/$(kind)/$(PCH_NAME))
# Kept: make would take them for intermediate files, remove them and build them anew each time.
.SECONDARY: $(PCH)
$(OUT)/obj/%.o: %.cpp $(PCH) | $(GENERATED)
	@mkdir -p $(@D)
	$(say) "  compile $<"
	$(Q)$(CXX) $(PRE) $(CXXFLAGS) $(MODE) -MD -MP -c -o $@ $<
$(OUT)/pch/%/$(PCH_NAME): scripts/make/std.hpp
	@mkdir -p $(@D) && cp $< $(@D)
	$(say) "  compile $< ($*)"
	$(Q)$(CXX) $(CXXFLAGS) $(MODE) $(PCH_FLAGS.$(CXX)) -x c++-header -o $@ $<

# ---- linking
.PHONY: programs
programs: $(OUT)/bin/rise-core $(OUT)/bin/rise-sidecar $(OUT)/bin/rise $(OUT)/bin/rise-driver-check \
          $(OUT)/bin/cncsim $(OUT)/lib/rise/drivers/focas.so $(OUT)/lib/rise/librise_guard.so

define link
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CXX) $(LDFLAGS) -o $@ $(filter %.o,$^) $(1)
endef

# -rdynamic: so that the guard's stack traces have names.
$(OUT)/bin/rise-core: $(OUT)/obj/rt_core/core/main.o $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,-rdynamic $(CORE_LIBS))
# -rdynamic: as in the core, for the names in stack traces.
$(OUT)/bin/rise-driver-check: $(call objects,$(KIT_SRC)) $(CORE_OBJ) $(CONFIG_OBJ)
	$(call link,-rdynamic $(CORE_LIBS))
# -rdynamic: its plugins use what is in it.
$(OUT)/bin/rise-sidecar: $(call objects,$(HOST_SRC) $(wildcard plugins/bus/*.cpp plugins/text/*.cpp)) $(CORE_SHARED_OBJ) $(CONFIG_OBJ)
	$(call link,-rdynamic $(RECORDER_LIBS) -lboost_json -ldl)
$(OUT)/bin/rise: $(call objects,$(CLI_SRC)) $(OUT)/obj/rt_core/cycle/flight.o $(CORE_SHARED_OBJ) $(CONFIG_OBJ)
	$(call link,$(RECORDER_LIBS) $(URING))
$(OUT)/bin/cncsim: $(OUT)/obj/drivers/focas/simulator/process/main.o $(SIMULATOR_OBJ) $(CONFIG_OBJ)
	$(call link,)

$(OUT)/lib/rise/drivers/focas.so: $(FOCAS_OBJ)
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CXX) $(LDFLAGS) -shared -Wl,-z,now -Wl,--no-undefined -o $@ $^

$(OUT)/lib/rise/librise_guard.so: $(OUT)/obj/rt_core/guard/preload.o
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CXX) $(LDFLAGS) -shared -o $@ $^ -ldl

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
