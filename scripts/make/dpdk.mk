# DPDK, where its development files are installed: lib/rise/io/dpdk.so, which the core loads only when a
# lane's config asks for it. DPDK=no leaves it out. Nothing else sees DPDK's flags or libraries.
#
# Linked statically and with few drivers: 37 MB with all of DPDK, and the libraries of DPDK need not be
# installed where it runs. DPDK_PMDS="..." chooses other drivers of /usr/lib/*/librte_net_*.a.
# TCP is lwIP's, where `scripts/setup dpdk-tcp` has fetched its sources.
DPDK ?= $(if $(shell pkg-config --exists libdpdk 2>/dev/null && echo yes),yes,no)

ifeq ($(DPDK),yes)
DPDK_LIBDIR := $(shell pkg-config --variable=libdir libdpdk)
# DPDK's headers are not for our warnings.
DPDK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk))
# af_packet, af_xdp: any interface of the kernel. e1000, igc, ixgbe, i40e: Intel cards. ring: tests.
DPDK_PMDS ?= ring af_packet virtio e1000 igc ixgbe i40e \
             $(if $(shell pkg-config --exists libxdp libbpf 2>/dev/null && echo yes),af_xdp)

# Only what this release has: 24.11 has divided some libraries of 22.11.
dpdk_have = $(foreach name,$(1),$(if $(wildcard $(DPDK_LIBDIR)/librte_$(name).a),-l:librte_$(name).a))
# Drivers register themselves when the program is loaded; nobody calls them by name.
DPDK_LIBS := -Wl,--whole-archive \
  $(call dpdk_have,bus_vdev bus_pci mempool_ring $(addprefix net_,$(DPDK_PMDS))) -Wl,--no-whole-archive \
  -Wl,--start-group $(call dpdk_have,ethdev net mbuf mempool meter ring rcu hash telemetry kvargs eal pci \
    timer security cryptodev argparse log common_iavf stack lpm) -Wl,--end-group \
  $(if $(filter af_xdp,$(DPDK_PMDS)),-lxdp -lbpf) \
  $(if $(shell pkg-config --exists libbsd 2>/dev/null && echo yes),-lbsd) -lnuma -ldl -lm

DPDK_SRC := $(wildcard rt_core/io/dpdk/*.cpp)
DPDK_SO := $(OUT)/lib/rise/io/dpdk.so

# lwIP with our options. Its sources are not ours: no warnings of them.
LWIP ?= build/third_party/lwip
LWIP_OPTIONS := $(wildcard rt_core/io/dpdk/tcp/options/*.h rt_core/io/dpdk/tcp/options/*/*.h)
LWIP_CFLAGS := -isystem $(LWIP)/src/include -isystem rt_core/io/dpdk/tcp/options
ifneq ($(wildcard $(LWIP)/src/core/tcp.c),)
LWIP_CORE := def inet_chksum init ip mem memp netif pbuf stats tcp tcp_in tcp_out timeouts ipv4/ip4 ipv4/ip4_addr
LWIP_OBJ := $(patsubst %,$(OUT)/obj/lwip/%.o,$(LWIP_CORE))
DPDK_TCP_SRC := rt_core/io/dpdk/tcp/tcp_streams.cpp
else
DPDK_TCP_SRC := rt_core/io/dpdk/tcp/without_lwip.cpp
endif
$(OUT)/obj/rt_core/io/dpdk/%.o: PRE :=
$(OUT)/obj/rt_core/io/dpdk/tcp/%.o: MODE := $(RT_FLAGS) $(LWIP_CFLAGS)
$(OUT)/obj/lwip/%.o: $(LWIP)/src/core/%.c $(LWIP_OPTIONS)
	@mkdir -p $(@D)
	$(say) "  compile $<"
	$(Q)$(CC) -std=c11 -w $(FLAGS.$(VARIANT)) $(ANYWHERE) -fPIC $(LWIP_CFLAGS) -c -o $@ $<
# The library is made anew when lwIP's sources have come or gone.
$(OUT)/obj/lwip/choice: FORCE
	@mkdir -p $(@D)
	@echo '$(DPDK_TCP_SRC)' | cmp -s - $@ || echo '$(DPDK_TCP_SRC)' >$@
.PHONY: FORCE
$(OUT)/obj/rt_core/io/dpdk/%.o: MODE := $(RT_FLAGS) $(DPDK_CFLAGS)
programs: $(DPDK_SO)

$(DPDK_SO): $(LWIP_OBJ) $(OUT)/obj/lwip/choice $(call objects,$(DPDK_SRC) $(DPDK_TCP_SRC) \
            $(addprefix rt_core/io/,address_text.cpp packet.cpp neighbours.cpp frame_endpoint.cpp)) rt_core/io/dpdk/exports.map
	@mkdir -p $(@D)
	$(say) "  link    $@"
	$(Q)$(CXX) $(LDFLAGS) -shared -Wl,-z,now -Wl,-z,nodelete -Wl,--no-undefined -Wl,--gc-sections \
	  -Wl,--as-needed -Wl,--version-script=rt_core/io/dpdk/exports.map -o $@ $(filter %.o,$^) $(DPDK_LIBS)

# What bench/datagrams.cpp is measured against.
$(OUT)/obj/bench/dpdk/%.o: MODE := $(DPDK_CFLAGS)
$(OUT)/bench/datagrams_bare: $(call objects,bench/dpdk/bare.cpp rt_core/io/packet.cpp)
	$(call link,$(DPDK_LIBS))
BENCH_DPDK := $(OUT)/bench/datagrams_bare
endif

# The peer program of tests/integration/test_dpdk.py; it needs no header of DPDK.
$(OUT)/tests/dpdk_echo: $(OUT)/obj/tests/io/dpdk_echo.o $(call objects,$(addprefix rt_core/io/,dpdk_port.cpp address_text.cpp))
	$(call link,-ldl)
# That of tests/integration/test_dpdk_tcp.py; also over the kernel's sockets, to compare.
$(OUT)/tests/dpdk_tcp: $(OUT)/obj/tests/io/dpdk_tcp.o $(call objects,$(addprefix rt_core/io/,dpdk_port.cpp \
    plain_port.cpp stream_table.cpp connector.cpp))
	$(call link,-ldl)
DPDK_TESTS := $(addprefix $(OUT)/tests/dpdk_,echo tcp)
