# The sensor driver (drivers/telemetry) and its simulator. Included behind build.mk.
TELEMETRY_SRC := $(filter-out drivers/telemetry/entry.cpp, $(wildcard drivers/telemetry/*.cpp))
SENSORSIM_SRC := $(filter-out drivers/telemetry/simulator/main.cpp, \
                   $(wildcard drivers/telemetry/simulator/*.cpp))
# Without the entry point, which each driver has under the same name.
TELEMETRY_OBJ := $(call objects,$(TELEMETRY_SRC))
SENSORSIM_OBJ := $(call objects,$(SENSORSIM_SRC))

# ---- generated
TELEMETRY_GENERATED := $(GEN)/sensor_generated.h $(GEN)/default_sensors.hpp

$(GEN)/sensor_generated.h: drivers/telemetry/sensor.fbs
	@mkdir -p $(GEN)
	flatc --cpp --cpp-std c++17 --scoped-enums --gen-mutable -o $(GEN) $<

$(GEN)/default_sensors.hpp: config/sensors.toml
	@mkdir -p $(GEN)
	@{ printf '#pragma once\nnamespace rise {\ninline constexpr char kDefaultSensors[] = R"rise('; cat $<; printf ')rise";\n}\n'; } > $@

TELEMETRY_USERS := $(wildcard drivers/telemetry/*.cpp drivers/telemetry/simulator/*.cpp \
                     tests/unit/telemetry_*.cpp tests/unit/sensorsim_*.cpp \
                     tests/fuzz/fuzz_telemetry.cpp bench/telemetry.cpp)
$(call objects,$(TELEMETRY_USERS)): | $(TELEMETRY_GENERATED)

# clang-tidy reads what is generated, too.
lint: $(TELEMETRY_GENERATED)

# The simulator is an ordinary program: exceptions at start-up.
$(OUT)/obj/drivers/telemetry/simulator/%.o: MODE :=
$(OUT)/obj/drivers/telemetry/simulator/%.o: PRE := -include $(OUT)/pch/plain/std.hpp

# ---- linking
programs: $(OUT)/lib/rise/drivers/telemetry.so $(OUT)/bin/sensorsim

$(OUT)/lib/rise/drivers/telemetry.so: $(TELEMETRY_OBJ) $(OUT)/obj/drivers/telemetry/entry.o
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CXX) $(LDFLAGS) -shared -Wl,-z,now -Wl,--no-undefined -o $@ $^

$(OUT)/bin/sensorsim: $(OUT)/obj/drivers/telemetry/simulator/main.o $(SENSORSIM_OBJ) \
    $(OUT)/obj/drivers/telemetry/datagram.o $(CONFIG_OBJ)
	$(call link,)
