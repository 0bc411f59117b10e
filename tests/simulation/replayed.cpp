// A recorded run, played back: every telemetry frame, event and command result is the same, byte by
// byte, whatever the weather was, and so is every byte that was sent. And what must not pass for
// the same: a byte changed in what arrived, or in what was sent.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "drivers/replay/replay.hpp"
#include "rt_core/random.hpp"
#include "rt_core/record/crc32c.hpp"
#include "tests/simulation/scenarios.hpp"

namespace rise::simulation {

using message::CommandKind;

namespace {

using File = std::vector<std::uint8_t>;
constexpr int kTries = 6;

// All that a region's lane has published, message by message.
struct Published {
  std::vector<message::TelemetryFrame> frames;
  std::vector<message::MachineEvent> events;
  std::vector<message::CommandResult> results;
  std::vector<shm::Word> snapshots;  // states, texts, and the latest frames of slow groups

  void take(shm::Reader* reader) {
    message::TelemetryFrame frame;
    while (reader->next(&frame)) frames.push_back(frame);
    message::MachineEvent event;
    while (reader->next(&event)) events.push_back(event);
    message::CommandResult result;
    while (reader->next(&result)) results.push_back(result);
  }
  void take(const shm::Region& region) {
    using shm::SectionKind;
    for (const SectionKind kind : {SectionKind::States, SectionKind::Texts, SectionKind::Frames}) {
      std::size_t words = 0;
      const shm::Word* cell = nullptr;
      for (std::size_t i = 0; (cell = region.cell(kind, i, &words)) != nullptr; ++i) {
        snapshots.insert(snapshots.end(), cell, cell + 1 + words);
      }
    }
  }
};

template <class Message>
bool same(const std::vector<Message>& a, const std::vector<Message>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Message)) == 0);
}

// Weather, commands, a lost sidecar, a stop word, reloads, overruns, benched drivers, the orderly
// end.
Published live(std::uint64_t seed, const std::string& folder, const std::string& file,
               Faults* faults) {
  std::uint64_t random = seed;
  Published published;
  Plant plant({seed, controls(static_cast<int>(uniform(&random) * 2000)),
               core_config("record = \"" + file + "\"\n" +
                           (uniform(&random) < 0.5 ? "exchange = \"first\"\n" : "") +
                           (uniform(&random) < 0.3 ? "bench_after = 3\n" : "") +
                           (uniform(&random) < 0.3 ? "overrun = \"catch_up\"\n" : "")),
               folder, true});
  bool stop_word = false;
  for (int i = 0; i < 600; ++i) {
    if (i % 50 == 0) plant.network().set_faults(bad_weather(&random, uniform(&random) < 0.3));
    if (i < 400 || i > 500) plant.beat();
    if (uniform(&random) < 0.01) plant.network().cut_all();
    if (uniform(&random) < 0.02) {
      stop_word = !stop_word;
      plant.set_stop_word(stop_word ? 1 : 0);
    }
    const double what = uniform(&random);
    if (what < 0.1) plant.send(CommandKind::Reset, shm::kWholeLane, 0, 0);
    if (what > 0.1 && what < 0.3) plant.send(CommandKind::Arm, shm::kWholeLane, 0, 0);
    if (what > 0.3 && what < 0.5) {
      plant.send(CommandKind::SetOutput, static_cast<std::uint16_t>(what * 1000) % 3, 0, 100 * what,
                 what < 0.4 ? message::Approval::Approved : message::Approval::Provisional);
    }
    if (what > 0.98) {
      driver::Instance& machine = plant.core().machine(1);
      machine.collect().reset();
      std::string why;
      auto seat = machine.prepare(machine.spec().driver, machine.spec().library, &why);
      if (seat != nullptr && !machine.offer(&seat)) machine.post_notice("no seat is free");
    }
    plant.run_cycles(5);
    published.take(&plant.reader());
  }
  plant.core().inputs().stop.store(true);
  bool ended = false;
  for (int i = 0; i < 2000 && !ended; ++i) ended = !plant.run_cycles(1);
  faults->check(ended, "the lane does not end");
  published.take(&plant.reader());
  published.take(plant.core().region());
  faults->check(plant.reader().lost() == 0, "the reader was lapped");
  return published;
}

struct Played {
  Published published;
  replay::Summary summary;
  replay::Divergences divergences;
  std::string failure;  // it could not be played at all
};

Played play(replay::Recording recording, const std::string& folder) {
  Played played;
  replay::ReplayOptions options;
  options.directory = folder;
  options.drivers = [](const std::string&) { return driver::Library::adopt(rise_driver_entry()); };
  auto made = replay::Replay::make(std::move(recording), options);
  if (!made) {
    played.failure = made.error();
    return played;
  }
  replay::Replay& replay = **made;
  auto reader = shm::Reader::open(replay.core().region(), "", shm::Start::Oldest);
  if (!reader) {
    played.failure = reader.error();
    return played;
  }
  while (replay.step()) played.published.take(&*reader);
  played.published.take(&*reader);
  played.published.take(replay.core().region());
  played.summary = replay.summary();
  played.divergences = replay.divergences();
  return played;
}

File read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Played play_bytes(const File& file, const std::string& folder) {
  auto recording = replay::Recording::parse(file);
  if (recording) return play(std::move(*recording), folder);
  Played failed;
  failed.failure = recording.error();
  return failed;
}

std::uint32_t get_u32(const File& file, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

// Makes the check sum of the block that holds byte `at` right again.
void repair(File* file, std::size_t at) {
  std::size_t block = record::kFilePrefixBytes + get_u32(*file, 12);
  while (block + record::kBlockPrefixBytes + get_u32(*file, block + 4) <= at) {
    block += record::kBlockPrefixBytes + get_u32(*file, block + 4);
  }
  const std::uint32_t crc =
      record::crc32c(file->data() + block + record::kBlockPrefixBytes, get_u32(*file, block + 4),
                     record::crc32c(file->data() + block + 4, 8));
  std::memcpy(file->data() + block + 12, &crc, sizeof crc);
}

// Where in the file a FOCAS frame lies that is the content of a record of this kind; in the second
// half, and not too long: a request or reply of the sweeps.
std::size_t find_payload(const File& file, record::Kind kind, std::size_t* length) {
  auto recording = replay::Recording::parse(file);
  if (!recording) return 0;
  std::size_t found = 0;
  *length = 4;
  replay::Cycle cycle;
  while (recording->next(&cycle) == replay::Recording::Next::Cycle) {
    const auto look = [&](replay::Bytes bytes) {
      const auto at = static_cast<std::size_t>(bytes.data() - file.data());
      if (bytes.size() <= *length || bytes.size() > 500 || at < file.size() / 2) return;
      if (std::any_of(bytes.begin(), bytes.begin() + 4, [](auto b) { return b != 0xa0; })) return;
      *length = bytes.size();
      found = at;
    };
    for (const replay::Inward& in : cycle.inward) {
      if (in.kind == kind) look(in.bytes);
    }
    for (const replay::Outward& out : cycle.outward) {
      if (out.kind == kind) look(out.bytes);
    }
  }
  return found;
}

void check_negatives(const File& good, const std::string& folder, Faults* faults) {
  for (const record::Kind kind : {record::Kind::Bytes, record::Kind::Send}) {
    const char* name = kind == record::Kind::Bytes ? "received" : "sent";
    std::size_t length = 0;
    const std::size_t at = find_payload(good, kind, &length);
    faults->check(length > 20, std::string("nothing to change was ") + name);
    if (length <= 20) return;
    // What was sent is compared byte by byte. Of what was received only some bytes have a meaning
    // for the driver; the first one, of the frame's magic number, has.
    for (int i = 0; i < kTries; ++i) {
      const std::size_t place = at + length * static_cast<std::size_t>(i) / kTries;
      File bad = good;
      bad[place] ^= 0x44;
      faults->check(play_bytes(bad, folder).failure.find("damaged") != std::string::npos,
                    std::string("a byte ") + name + " and changed is not found by the check sum");
      repair(&bad, place);
      const Played played = play_bytes(bad, folder);
      faults->check(played.failure.empty(), played.failure);
      const bool differs = played.divergences.count != 0;
      faults->check(differs || (kind == record::Kind::Bytes && i != 0),
                    "byte " + std::to_string(place - at) + " of " + std::to_string(length) + ", " +
                        name + " and changed, makes no difference");
    }
  }
  File cut = good;
  cut.resize(good.size() * 2 / 3);
  const Played played = play_bytes(cut, folder);
  faults->check(played.failure.empty() && played.divergences.count == 0 &&
                    played.summary.cycles > 100 && !played.summary.complete &&
                    played.summary.end.find("cut") != std::string::npos,
                "a cut file: " + played.failure + played.summary.end);
}

}  // namespace

void replayed(std::uint64_t seed, const std::string& folder, Faults* faults) {
  const std::string file = folder + "/lane.rec";
  const Published then = live(seed, folder, file, faults);
  const File bytes = read(file);
  for (int round = 0; round < 2; ++round) {
    const Played now = play_bytes(bytes, folder);
    faults->check(now.failure.empty(), now.failure);
    for (const std::string& text : now.divergences.texts) faults->check(false, text);
    faults->check(now.summary.complete, "it ends early: " + now.summary.end);
    faults->check(now.summary.compared > 100, "hardly any digest was compared");
    faults->check(then.frames.size() > 100 && same(then.frames, now.published.frames),
                  "the telemetry is another");
    faults->check(then.events.size() > 10 && same(then.events, now.published.events),
                  "the events are others");
    faults->check(then.results.size() > 10 && same(then.results, now.published.results),
                  "the command results are others");
    faults->check(then.snapshots.size() > 100 && then.snapshots == now.published.snapshots,
                  "the states, texts or slow frames are others");
  }
  check_negatives(bytes, folder, faults);
  ::unlink(file.c_str());
}

}  // namespace rise::simulation
