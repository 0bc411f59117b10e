// Stands between the core and a driver, and sees every call in both directions: a driver's table
// whose functions call the driver under test, and a host's table whose functions call the core.
// It notes where the driver is (scene.hpp), what it does (the log), what it does wrong, what it
// costs, and can make its life harder: queues that are full, bytes one by one, memory that ends
// where the ABI says it ends.
//
// One thread. It allocates, outside of what is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/guard/driver_call.hpp"
#include "rt_core/kit/fence.hpp"
#include "rt_core/kit/scene.hpp"

namespace rise::kit {

// As which host the core presents itself: how long its structs are.
enum class HostAge { Same, Older, Newer };

// What holds for all probes of this process. Set by the check before it makes a rig.
struct ProbeMode {
  Scene* scene = nullptr;
  HostAge age = HostAge::Same;
  bool log = true;
  bool measure = false;
  bool guard = false;           // count forbidden calls by the preloaded guard library
  bool guard_aborts = false;    // the first one ends the process, with its name
  bool weigh = false;           // what drivers take from the heap and do not give back
  std::int64_t heap_bytes = 0;  // the sum of it
  bool seal = false;            // the thread is sealed: catch what the seal finds
  bool queue_full = false;      // sends are refused
  std::uint32_t piece = 0;      // on_bytes in pieces of up to so many bytes; 0: as they come
  std::uint64_t piece_seed = 1;
  std::uint64_t seed = 1;  // of what drivers get as random
  // An attempt to connect, by machine name. The network has to listen there, or not.
  std::function<void(const std::string& machine, const std::string& host, std::uint16_t port)>
      connecting;
};
extern ProbeMode probe_mode;

struct StepCost {
  std::int64_t wall_ns = 0;
  std::int64_t cpu_ns = 0;
  std::int64_t instructions = -1;  // -1: not to be had
  long waits = 0;                  // voluntary context switches
};

class Probe {
 public:
  static constexpr std::size_t kSlots = 3;
  // The table that stands for `inner`. A slot for each copy of a driver that is loaded at a time.
  static const rise_driver* wrap(std::size_t slot, const rise_driver* inner);
  // Of the living instances, the last one configured for that machine. Null: none.
  static Probe* find(const std::string& machine);

  // What it has done, call by call, with the time since start: "0.003 s send 1 \"READ\\n\"".
  std::vector<std::string> log;
  std::uint64_t log_hash = 0xcbf29ce484222325;  // also over what the log is too short for
  std::map<std::string, int> misuse;            // of the host's functions
  std::vector<StepCost> steps;                  // all calls of a cycle together
  unsigned long forbidden = 0;                  // calls the guard library has counted
  Call forbidden_in = Call::None;
  std::string fault;  // the call that was broken off, and why; the driver is not called after it
  std::uint64_t opens = 0;
  std::uint64_t opens_after_stop = 0;
  std::vector<std::int64_t> open_times_ns;
  std::uint64_t sends = 0;
  std::uint64_t sends_in_call = 0;
  std::uint64_t sends_in_call_max = 0;
  std::uint64_t writes = 0;  // signals, texts
  std::string write_log;
  std::uint64_t closes = 0;
  std::uint64_t counters[RISE_COUNT_LIMIT] = {};
  std::uint32_t link = RISE_LINK_DOWN;
  std::int64_t down_since_ns = 0;
  std::map<std::uint64_t, std::uint32_t> commands;  // id -> outcome, 0: not yet
  std::uint64_t safe_done = 0;
  std::vector<std::string> signals;
  std::set<std::int32_t> open_streams;       // asked for, not closed by the driver
  std::set<std::int32_t> connected_streams;  // on_open was called
  std::int32_t datagram_ports = 0;

  // Commands from the check instead of from the safety supervisor. -> the driver's answer.
  std::int32_t command(std::uint32_t output, double value, std::int64_t expires_ns,
                       std::int64_t now_ns);
  void cancel(std::int64_t now_ns);  // all of them
  void safe(std::int64_t now_ns);
  void datagram(std::int32_t port, const std::vector<std::uint8_t>& bytes, std::int64_t now_ns);

  // From here on calls and memory are the driver's, or (false) ours. -> whose they were before.
  static bool watch(bool on);

  explicit Probe(std::size_t slot, const rise_host& host, const rise_config& config);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  template <std::size_t Slot>
  friend struct DriverSide;
  friend struct HostSide;

  template <class Function>
  void call(Call which, Function function);
  void begin(Call which);
  void end(Call which);
  void say(const char* format, ...) __attribute__((format(printf, 2, 3)));
  void wrong(const std::string& what);
  void make_host();
  const rise_config* make_config(const rise_config& config);

  std::size_t slot_;
  rise_host real_;
  std::string machine_;
  void* instance_ = nullptr;
  std::vector<std::string> owned_;  // strings that the config points to
  Fence host_fence_{4096};
  Fence door_fence_{4096};
  Fence config_fence_{4096};
  Fence settings_fence_{262144};
  Fence outputs_fence_{16384};
  Fence bytes_fence_{131072};
  const rise_host* host_ = nullptr;
  std::int64_t start_ns_ = 0;
  std::int64_t now_ns_ = 0;
  std::uint64_t random_ = 1;
  std::uint64_t piece_random_ = 1;
  std::uint64_t next_command_ = 1'000'000;
  std::uint32_t output_count_ = 0;
  int groups_ = 0;
  // The network's numbers depend on what other machines do; ours do not.
  [[nodiscard]] std::int32_t local(std::int32_t stream);
  std::set<std::int32_t> known_streams_;
  std::map<std::int32_t, std::int32_t> local_streams_;
  bool stopped_ = false;
  int depth_ = 0;  // of calls: a host function may call back
  unsigned long guard_before_ = 0;
  StepCost mark_;
};

// The host's functions that look at what the driver asks for, and then ask `real`.
rise_host host_table(const rise_host& real);

}  // namespace rise::kit
