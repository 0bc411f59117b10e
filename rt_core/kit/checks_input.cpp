#include <algorithm>

#include "rt_core/kit/checks.hpp"
#include "rt_core/kit/rig.hpp"
#include "rt_core/random.hpp"

namespace rise::kit {

namespace {

constexpr std::int64_t kRecover_ms = 120'000;

// A run in one manner; then the device is well again, and the driver has to find that out.
bool suffer(Trial& trial, Manner manner, std::uint64_t seed, std::int64_t ms, bool recover) {
  trial.doing(text("%s, round %d", name_of(manner), static_cast<int>(seed)));
  Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner, .seed = seed}});
  if (!rig.ok()) return false;
  rig.begin();
  for (std::int64_t t = 0; t < ms; t += 10) {
    if (!rig.run_ms(10)) return false;
    // Also to drivers that never ask: some devices speak by themselves.
    if (t % 50 == 0) rig.speak();
  }
  if (recover && rig.probe().opens != 0) {
    rig.set_manner(0, Manner::Device);
    if (!rig.reconnects(kRecover_ms)) {
      trial.find(
          text("after %s it neither sends nor connects any more, for 120 s", name_of(manner)));
      return false;
    }
  }
  rig.stop();
  return trial.clean();
}

// What a run of the well-behaved device looks like from the driver's side.
std::vector<std::string> story(Trial& trial, std::uint32_t piece, std::uint64_t seed) {
  probe_mode.piece = piece;
  probe_mode.piece_seed = seed;
  Rig rig(trial, RigMachine{});
  if (!rig.ok()) return {};
  rig.begin();
  rig.run_ms(3000);
  std::vector<std::string> log = rig.probe().log;
  rig.stop();
  return log;
}

}  // namespace

void check_host_calls(Trial& trial) {
  for (const Manner manner :
       {Manner::Device, Manner::Absent, Manner::Silent, Manner::Words, Manner::Noise}) {
    trial.doing(name_of(manner));
    Rig rig(trial, RigMachine{.name = "a", .peer = {.manner = manner}});
    if (!rig.ok()) return;
    rig.begin();
    rig.run_ms(1000);
    rig.speak();
    rig.run_ms(1000);
    if (!trial.clean()) return;
    rig.stop();
    for (const auto& [what, times] : rig.probe().misuse) {
      trial.find(text("%s, %d times, with %s", what.c_str(), times, name_of(manner)));
    }
    if (!trial.clean()) return;
  }
}

void check_garbage(Trial& trial) {
  if (!needs_streams(trial)) return;
  for (std::uint64_t round = 1; round <= 10; ++round) {
    if (!suffer(trial, Manner::Noise, round, 3000, round == 1)) return;
    if (!suffer(trial, Manner::Words, round, 3000, round == 1)) return;
  }
}

void check_torn(Trial& trial) {
  if (!needs_streams(trial)) return;
  trial.doing("as it comes");
  const std::vector<std::string> whole = story(trial, 0, 0);
  for (std::uint64_t round = 0; round < 6 && trial.clean(); ++round) {
    trial.doing(round == 0 ? "byte by byte" : text("in pieces, round %d", static_cast<int>(round)));
    const std::vector<std::string> torn = story(trial, round == 0 ? 1 : 8, round);
    // Only with a device that makes sense: how much of nonsense is looked at may depend on pieces.
    if (trial.subject.dialog.empty()) continue;
    const auto [a, b] = std::mismatch(whole.begin(), whole.end(), torn.begin(), torn.end());
    if (a == whole.end() && b == torn.end()) continue;
    trial.find(text("the same bytes in pieces have another effect: \"%s\" instead of \"%s\"",
                    b == torn.end() ? "(nothing)" : b->c_str(),
                    a == whole.end() ? "(nothing)" : a->c_str()));
  }
  if (trial.subject.dialog.empty())
    trial.skip("it survives; whether it understands the same is seen with --dialog only");
}

void check_oversized(Trial& trial) {
  if (!needs_streams(trial)) return;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    if (!suffer(trial, Manner::Flood, round, 2000, round == 1)) return;
  }
}

void check_datagrams(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return;
  if ((driver->capabilities & RISE_CAP_DATAGRAM) == 0) return trial.skip("it uses no datagrams");
  Rig rig(trial, RigMachine{});
  if (!rig.ok()) return;
  rig.begin();
  rig.run_ms(5);
  if (rig.probe().datagram_ports == 0) return trial.skip("as configured it declares no port");
  std::uint64_t random = trial.seed;
  for (int i = 0; i < 5000 && trial.clean(); ++i) {
    std::vector<std::uint8_t> bytes(i < 200 ? static_cast<std::size_t>(i)
                                            : next_random(&random) % (RISE_DATAGRAM_MAX + 1));
    const bool sparse = next_random(&random) % 2 == 0;
    for (std::uint8_t& byte : bytes) {
      byte = sparse && next_random(&random) % 4 != 0
                 ? 0
                 : static_cast<std::uint8_t>(next_random(&random));
    }
    const auto port = static_cast<std::int32_t>(
        next_random(&random) % static_cast<std::uint64_t>(rig.probe().datagram_ports));
    trial.doing(text("datagram %d, %zu bytes", i, bytes.size()));
    rig.probe().datagram(port, bytes, rig.now_ns());
    if (i % 10 == 0) rig.run_ms(1);
  }
  rig.stop();
}

}  // namespace rise::kit
