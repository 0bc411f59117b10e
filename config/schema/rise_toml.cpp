#include "config/schema/rise_toml.hpp"

#include <algorithm>

#include "drivers/sdk/rise_settings.hpp"

namespace rise::config {

namespace {

using sdk::choice;
using sdk::flag;
using sdk::integer;
using sdk::kInfinity;
using sdk::number;
using sdk::required;
using sdk::string;

constexpr rise_setting_spec kSettings[] = {
    string("core.name", 1, 32, "\"rise\"",
           "name of this core; readers find its shared region by it (a-z, 0-9, -)"),
    integer("core.history_s", 1, 3600, "10", "s",
            "telemetry kept in shared memory at the full configured rate"),
    flag("core.lock_memory", "true", "keep all memory of the core in RAM"),
    flag("core.hold_dma_latency", "true", "keep the cores out of deep idle states"),
    flag("core.hugepages", "true",
         "use huge pages for the region where a hugetlbfs mount has room"),
    string("core.driver_path", 0, 255, "\"\"",
           "folder of the drivers' .so files; empty: beside the program, ../lib/rise/drivers"),
    string("drivers.trusted_keys.*", 1, 255, nullptr,
           "files with public keys (ECDSA, RSA); none: drivers need no signature"),
    integer("core.dpdk_memory_mib", 0, 65536, "0", "MiB",
            "memory for all DPDK devices together; 0: 24 for each"),
    choice("core.dpdk_hugepages", "auto|never|required", "\"auto\"",
           "DPDK's memory; auto: huge pages where enough are free"),
    integer("core.seed", 0, 9.2e18, "0", nullptr, "seed of all jitter; 0: a new one at each start"),
    integer("core.flight_cycles", 16, 1000000, "1024", "cycles",
            "length of the flight recorder, per lane"),
    integer("core.stop_grace_ms", 0, 10000, "1000", "ms",
            "time for an orderly end of all sessions when the core stops; at least the longest "
            "reply_timeout_ms + 200"),
    string(
        "core.crash_folder", 0, 255, "\"\"",
        "where the next start keeps the region of a core that died, with its flight recorder, for "
        "`rise trace --crash`; the newest five; empty: nowhere"),
    string("core.watchdog", 0, 255, "\"\"",
           "the machine's watchdog, /dev/watchdog: resets it when a lane misses its deadlines for "
           "watchdog_s; empty: none"),
    integer("core.watchdog_s", 2, 3600, "10", "s", "the time that it is set to"),
    integer("core.watchdog_late_cycles", 0, 1000000, "0", "cycles",
            "late cycles of a lane that do not count, from one look to the next: a quarter of that "
            "time, at most a second; also for the service manager's watchdog"),

    integer("safety.sidecar_timeout_ms", 10, 60000, "1000", "ms",
            "the sidecar counts as lost after this time without a heartbeat"),
    integer("safety.max_command_ttl_ms", 1, 600000, "10000", "ms",
            "commands that claim a longer time-to-live are refused"),

    required(string("lane.*.name", 1, 31, nullptr, "name of the lane")),
    integer("lane.*.period_us", 125, 100000, "1000", "us", "cycle period"),
    integer("lane.*.cpu", -2, 1023, "-1", nullptr,
            "core to pin the lane to; -1: the last one allowed (if there are several), -2: none"),
    integer("lane.*.priority", 0, 98, "80", nullptr, "SCHED_FIFO priority; 0: ordinary scheduling"),
    choice("lane.*.overrun", "skip|catch_up|re_phase", "\"skip\"",
           "what happens to the releases that a late cycle has missed"),
    choice("lane.*.exchange", "after_judge|first", "\"after_judge\"",
           "place of the exchange with the network in the cycle"),
    choice("lane.*.io", "auto|io_uring|nonblocking", "\"auto\"",
           "how the kernel is spoken to; auto: io_uring where it can (6.1+)"),
    choice("lane.*.streams", "kernel|dpdk", "\"kernel\"",
           "what carries the lane's TCP; dpdk: the device of lane.dpdk, for one lane only"),
    choice("lane.*.datagrams", "kernel|dpdk", "\"kernel\"",
           "what carries the lane's UDP; dpdk: the device of lane.dpdk"),
    string("lane.*.dpdk.device", 0, 255, "\"\"",
           "\"0000:03:00.0\" (PCI), \"net_af_xdp0,iface=eth1\", \"net_af_packet0,iface=eth1\""),
    string("lane.*.dpdk.address", 0, 18, "\"\"",
           "our address there and the bits of its network: \"192.168.1.10/24\""),
    string("lane.*.dpdk.gateway", 0, 15, "\"\"", "empty: only that network is reached"),
    integer("lane.*.dpdk.vlan", 0, 4094, "0", nullptr,
            "VLAN of all frames; 0: untagged, and tags that come are skipped"),
    integer("lane.*.dpdk.buffers", 256, 65535, "4095", nullptr, "of 2 KiB each"),
    integer("lane.*.dpdk.receive_ring", 32, 32768, "1024", nullptr, "descriptors"),
    integer("lane.*.dpdk.transmit_ring", 32, 32768, "512", nullptr, "descriptors"),
    required(string("lane.*.dpdk.neighbour.*.address", 7, 15, nullptr,
                    "of a station that is not asked for by ARP")),
    required(string("lane.*.dpdk.neighbour.*.mac", 17, 17, nullptr, "its Ethernet address")),
    integer("lane.*.driver_budget_us", 1, 100000, "200", "us",
            "time that one machine's driver may use per cycle"),
    integer("lane.*.bench_after", 0, 1000, "50", "cycles",
            "a driver over budget in so many of 1000 cycles is benched; 0: never"),
    integer("lane.*.stuck_after", 0, 1000, "10", "cycles",
            "a driver call that takes so many cycle periods is broken off, and the driver benched; "
            "0: never"),
    integer("lane.*.stuck_after_stop", 0, 1000, "2", "cycles",
            "the same while a stop waits to be obeyed; 0: as stuck_after"),
    choice("lane.*.seal", "trap|log|off", "\"trap\"",
           "system calls that a lane does not need: trap benches the driver that makes one"),
    integer("lane.*.retry_s", 0, 3600, "10", "s",
            "wait until a benched driver is started anew; doubles each time; 0: never"),
    integer("lane.*.retry_max_s", 1, 86400, "600", "s",
            "longest such wait; after running as long it begins at retry_s again"),
    integer("lane.*.degrade_after", 0, 100000, "10", "cycles",
            "so many late cycles in a row, and optional work is left out; 0: never"),
    integer("lane.*.trip_after", 0, 1000000, "100", "cycles",
            "so many late cycles in a row, and the lane's armed machines trip; 0: never"),
    string("lane.*.record", 0, 255, "\"\"",
           "file to record all that enters the lane in, for rise replay; empty: none"),
    integer("lane.*.record_max_mib", 1, 1048576, "1024", "MiB",
            "the recording ends at this size; the lane goes on"),

    required(string("machine.*.name", 1, 31, nullptr, "name of the machine")),
    string("machine.*.lane", 0, 31, "\"\"", "lane that serves it; empty: the first"),
    required(string("machine.*.driver", 1, 31, nullptr,
                    "driver; its settings are in the table of the same name")),
    integer("machine.*.max_sample_age_ms", 1, 600000, "1000", "ms",
            "without a sample for so long an armed machine trips"),
    choice("machine.*.on_sidecar_loss", "rollback|trip|ignore", "\"rollback\"",
           "what happens to provisional changes when the sidecar is lost"),
    required(string("machine.*.limit.*.signal", 1, 63, nullptr, "signal that is watched")),
    number("machine.*.limit.*.min", -kInfinity, kInfinity, "-inf", nullptr, "least allowed value"),
    number("machine.*.limit.*.max", -kInfinity, kInfinity, "inf", nullptr,
           "greatest allowed value"),
    integer("machine.*.limit.*.for_ms", 0, 600000, "0", "ms", "how long it may be beyond"),
    choice("machine.*.limit.*.action", "trip|report", "\"trip\"", "what a violation does"),
    required(string("machine.*.output.*.name", 1, 63, nullptr, "name of the output")),
    required(string("machine.*.output.*.target", 1, 63, nullptr,
                    "what it writes, in the driver's notation")),
    required(number("machine.*.output.*.min", -1e15, 1e15, nullptr, nullptr,
                    "least value that may be set")),
    required(number("machine.*.output.*.max", -1e15, 1e15, nullptr, nullptr,
                    "greatest value that may be set")),
    number("machine.*.output.*.max_step", 0, 1e15, "0.0", nullptr,
           "largest change against the present value; 0: any"),

    flag("simulator.enabled", "false", "start simulated controls together with the core"),
    string("simulator.config", 0, 255, "\"\"",
           "file that describes them, relative to this one; empty: the built-in three"),
    flag("sidecar.enabled", "true", "start the sidecar together with the core"),
    integer("sidecar.heartbeat_ms", 10, 10000, "100", "ms",
            "how often the sidecar shows that it lives"),
    integer("sidecar.threads", 1, 64, "2", nullptr, "threads that its plugins share"),
    string("sidecar.plugin_path", 0, 255, "\"\"",
           "folder of the plugins' .so files; empty: beside the program, ../lib/rise/plugins"),
    integer("sidecar.stall_s", 1, 3600, "10", "s",
            "a plugin that does not return from a call for so long is given up and made anew"),
    integer("sidecar.restart_s", 1, 3600, "1", "s",
            "wait until a plugin that failed is made anew; doubles each time"),
    integer("sidecar.restart_max_s", 1, 86400, "60", "s",
            "longest such wait; after running as long it begins at restart_s again"),
    required(string("plugin.*.name", 1, 31, nullptr, "name of this instance of a plugin")),
    string("plugin.*.plugin", 0, 31, "\"\"",
           "which; its settings are in the table of that name; empty: as its name"),
    flag("plugin.*.enabled", "true", "false: as if it were not here"),
    required(string("route.*.topic", 1, 255, nullptr, "topics of the bus, as a pattern")),
    string("route.*.filter", 0, 1023, "\"\"", "condition on the content (plugins/bus/filter.hpp)"),
    choice("route.*.strategy", "automatic|protocol|round_robin|failover|broadcast", "\"automatic\"",
           "who gets a message; see plugins/routing"),
    string("route.*.via.*", 1, 31, nullptr,
           "names of the [[plugin]]s that carry it, in order; none: all that can"),
    string("route.*.protocol", 0, 31, "\"\"", "of strategy protocol, for messages that name none"),
    integer("route.*.failback_s", 0, 86400, "5", "s",
            "failover goes back to one further in front when it has been well for so long"),
    flag("route.*.enabled", "true", "false: as if it were not here"),
};

}  // namespace

std::span<const rise_setting_spec> rise_toml() { return kSettings; }

std::vector<std::string> foreign_tables(const Document& document) {
  std::vector<std::string> tables;
  const auto add = [&](const std::string& element, const std::string& table) {
    if (!table.empty()) tables.push_back(element + table);
  };
  for (const Value& value : document.values) {
    if (value.type != Type::String) continue;
    const std::string element = value.path.substr(0, value.path.rfind('.') + 1);
    if (std::count(element.begin(), element.end(), '.') != 2) continue;  // "machine.0."
    if (value.path.starts_with("machine.") && value.path == element + "driver") {
      add(element, value.string);
    }
    if (!value.path.starts_with("plugin.")) continue;
    const Value* which = document.find(element + "plugin");
    const bool named = which != nullptr && which->type == Type::String && !which->string.empty();
    if (value.path == element + (named ? "plugin" : "name")) add(element, value.string);
  }
  return tables;
}

}  // namespace rise::config
