// A whole machine of the driver against a control that says anything, at any time, in any pieces.
//
// Input: one byte that selects a config, then operations until the end. Each is a byte, with what
// it needs behind it; stream numbers are taken modulo 4.
//     0  raw       stream, length (2 bytes), bytes: arrive from the control as they are
//     1  reply     stream: the control answers the request under way properly
//     2  patch     stream, place (2 bytes), value: the same with one byte changed
//     3  tear      stream, length: the same, but only so many bytes of it
//     4  time      milliseconds: so many cycles
//     5  open      stream: the connect came through
//     6  close     stream, reason: the peer ends it
//     7  command   output, value
//     8  safe
//     9  stop
//    10  state     feed, alarm, refusals of the control
//    11  time      256 times so many milliseconds, in one step
// Always true: no memory is taken inside a call of the driver; what it sends are whole, well-formed
// requests, one at a time per stream; what it publishes lies in the declared ranges, texts are
// plain; each command is answered once; and after stop() all streams end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drivers/focas/machine.hpp"
#include "drivers/focas/wire/bytes.hpp"
#include "tests/fuzz/guarded_host.hpp"
#include "tests/unit/focas_fake_control.hpp"
#include "tests/unit/focas_fake_host.hpp"

namespace {

using namespace rise::focas;
using rise::fuzz::InDriver;
using rise::fuzz::require;
using rise::test::DriverConfig;
using rise::test::FakeControl;
using rise::test::FakeHost;
using Frame = std::vector<std::uint8_t>;

constexpr std::int64_t kMs = 1'000'000;

// ---- the configs
const std::vector<std::pair<std::string, std::string>> kTargets = {
    {"byte", "pmc.R100"},        {"bit", "pmc.G8.5"},          {"macro", "macro.500"},
    {"whole", "parameter.6713"}, {"axis", "parameter.1320.y"}, {"long", "pmc.D20:long"}};

const char* const kConfigs[] = {
    "endpoint = 'cnc'\nbackup = 'spare'\nretry_count = 2\nbackoff_min_ms = 5\nfailback_s = 1\n"
    "reply_timeout_ms = 50\nsafe = ['pmc.R100=1', 'pmc.G8.4=0', 'pmc.G8.5=0']\n"
    "feed_hold = 'pmc.G8.5=0'\nheartbeat_s = 1\n"
    "[[path]]\naxes = ['X', 'Y', 'Z', 'A']\nspindles = 2\n[[path]]\naxes = ['X', 'Z']\n"
    "[[group]]\nname = 'fast'\nperiod_ms = 2\nitems = ['status', 'alarms', 'position.absolute', "
    "'feed', 'spindle.speed', 'spindle.load', 'servo.load']\n"
    "[[group]]\nname = 'slow'\nperiod_ms = 20\nitems = ['program.name', 'program.text', "
    "'program.path', 'program.number', 'servo.temperature', 'spindle.temperature', 'modal.g0', "
    "'modal.f', 'macro.500-510', 'parts.count', 'timer.cycle', 'offset.1', 'pmc.d100:word', "
    "'pmc.d200-215:double', 'pmc.g8.5', 'diagnosis.301.x', 'parameter.1320.*', 'override.feed', "
    "'override.rapid', 'position.machine']\n",
    "endpoint = 'cnc'\ncommand_session = false\nmax_blocks = 3\nmax_reply_bytes = 256\n"
    "reply_timeout_ms = 20\nbackoff_min_ms = 1\nsafe = ['parameter.6713=0', 'macro.500=0']\n"
    "[[group]]\nname = 'g'\nperiod_ms = 5\nitems = ['alarms', 'position.absolute', "
    "'macro.500-560', "
    "'feed', 'parameter.6711']\n",
    "endpoint = 'cnc'\nmax_blocks = 64\nmax_reply_bytes = 4960\nreply_timeout_ms = 100\n"
    "[[path]]\naxes = ['X', 'Y', 'Z']\n"
    "[[group]]\nname = 'g'\nperiod_ms = 1\nitems = ['alarms', 'status', 'position.absolute', "
    "'position.machine', 'position.relative', 'position.distance', 'macro.1-40', 'pmc.r0-63']\n",
};

// ---- the input
struct Input {
  const std::uint8_t* at;
  std::size_t left;
  std::uint8_t byte() {
    if (left == 0) return 0;
    --left;
    return *at++;
  }
  std::size_t word() {
    const std::size_t high = byte();
    return high << 8 | byte();
  }
};

bool plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

class Bench {
 public:
  explicit Bench(const DriverConfig& config) : abi_(rise::fuzz::guarded(&host_)) {
    control_.pmc[0][8] = 0xff;
    control_.parameters[6711] = {3, 0, {7}};
    control_.parameters[6713] = {3, 0, {7}};
    control_.parameters[1320] = {4, 3, {1, 2, 3, 4}};
    control_.macros[500] = {0, 0, 0x30, 0x39, 0, 10, 0, 3};
    require(config.problems.empty(), "the config");
    require(machine_.configure(&abi_, config.abi) == RISE_OK, "the config of the driver");
    host_.configuring = false;
    in([&] { machine_.start(now_ns_); });
  }

  void play(Input input) {
    for (int i = 0; input.left > 0 && i < 2000; ++i) operation(&input);
    end();
  }

 private:
  template <class Call>
  void in(Call call) {
    {
      const InDriver inside(true);
      call();
    }
    look();
  }

  void operation(Input* input) {
    switch (input->byte() % 12) {
      case 0: {
        const std::int32_t stream = input->byte() % 4;
        const std::size_t length = std::min(input->word(), input->left);
        const Frame bytes(input->at, input->at + length);
        input->at += length;
        input->left -= length;
        arrive(stream, bytes);
        return;
      }
      case 1: arrive(input->byte() % 4, {}, true); return;
      case 2: {
        const std::int32_t stream = input->byte() % 4;
        Frame reply = reply_of(stream);
        const std::size_t place = input->word();
        const std::uint8_t value = input->byte();
        if (!reply.empty()) reply[place % reply.size()] = value;
        arrive(stream, reply);
        return;
      }
      case 3: {
        const std::int32_t stream = input->byte() % 4;
        Frame reply = reply_of(stream);
        reply.resize(std::min<std::size_t>(reply.size(), input->byte()));
        arrive(stream, reply);
        return;
      }
      case 4:
        for (int ms = input->byte() % 64; ms >= 0; --ms) cycle(1);
        return;
      case 5: open(input->byte() % 4); return;
      case 6: {
        const std::int32_t stream = input->byte() % 4;
        close(stream, input->byte() % 6);
        return;
      }
      case 7: command(input->byte(), input->byte()); return;
      case 8:
        ++safe_asked_;
        in([&] { machine_.safe(now_ns_); });
        return;
      case 9: in([&] { machine_.stop(now_ns_); }); return;
      case 10: {
        control_.feed = static_cast<std::int32_t>(input->word());
        const std::uint8_t alarm = input->byte();
        control_.alarms[1].clear();
        if (alarm != 0) control_.alarms[1] = {{alarm, alarm % 32, alarm % 4, "TEXT"}};
        control_.refuse.clear();
        if (const std::uint8_t status = input->byte(); status != 0) {
          control_.refuse[input->byte()] =
              static_cast<wire::Status>(static_cast<std::int8_t>(status));
        }
        return;
      }
      default: cycle(256 * (1 + input->byte() % 64)); return;
    }
  }

  void cycle(std::int64_t ms) {
    now_ns_ += ms * kMs;
    rise_cycle cycle{};
    cycle.struct_size = sizeof cycle;
    cycle.number = ++number_;
    cycle.now_ns = now_ns_;
    cycle.period_ns = kMs;
    in([&] { machine_.cycle(cycle); });
  }

  void open(std::int32_t stream) {
    if (!used(stream) || host_.streams[at(stream)].open) return;
    host_.streams[at(stream)].open = true;
    in([&] { machine_.on_open(stream, now_ns_); });
  }

  void close(std::int32_t stream, std::int32_t reason) {
    if (!used(stream)) return;
    host_.streams[at(stream)].used = false;
    request_.erase(stream);
    in([&] { machine_.on_closed(stream, reason, now_ns_); });
  }

  void arrive(std::int32_t stream, Frame bytes, bool proper = false) {
    if (proper) bytes = reply_of(stream);
    if (bytes.empty() || !used(stream)) return;
    const rise::test::FakeStream& s = host_.streams[at(stream)];
    if (!s.open || s.closing) return;
    in([&] { machine_.on_bytes(stream, bytes, now_ns_); });
  }

  // What a proper control says to the request under way; nothing if there is none.
  Frame reply_of(std::int32_t stream) {
    const auto request = request_.find(stream);
    if (request == request_.end() || request->second.empty()) return {};
    const auto reply = control_.answer(request->second);
    request->second.clear();
    return reply.value_or(Frame());
  }

  void command(std::uint8_t output, std::uint8_t value) {
    rise_command command{};
    command.struct_size = sizeof command;
    command.kind = output % 8 == 7 ? RISE_COMMAND_FEED_HOLD : RISE_COMMAND_SET;
    command.output = output % 8;
    command.id = ++id_;
    command.value = value;
    std::int32_t rc = 0;
    in([&] { rc = machine_.command(command, now_ns_); });
    if (rc == RISE_OK) answers_[command.id] += 0;
  }

  // After every call.
  void look() {
    require(host_.misuse.empty(), host_.misuse.empty() ? "" : host_.misuse[0].c_str());
    require(host_.streams_used() <= 3, "more than three streams");
    for (std::size_t i = 0; i < host_.streams.size(); ++i) sent(static_cast<std::int32_t>(i));
    for (; seen_links_ < host_.links.size(); ++seen_links_) {
      require(plain(host_.links[seen_links_].reason), "link text");
    }
    for (; seen_notices_ < host_.notices.size(); ++seen_notices_) {
      require(plain(host_.notices[seen_notices_].text), "notice text");
    }
    for (; seen_alarms_ < host_.alarms.size(); ++seen_alarms_) {
      require(host_.alarms[seen_alarms_].size() <= 20, "too many alarms");
      for (const auto& alarm : host_.alarms[seen_alarms_]) {
        require(plain(alarm.text) && alarm.text.size() <= 64, "alarm text");
#ifdef RISE_FUZZ_PLANT
        // The planted fault: a type from the wire that is believed to be a length of the text.
        const Frame copy(alarm.text.begin(), alarm.text.end());
        if (!copy.empty()) {
          for (int i = 0; i <= (alarm.type & 0xffff); ++i) planted_sink_ = copy.data()[i];
        }
#endif
      }
    }
    if (!host_.samples.empty()) look_at_values();
    host_.samples.clear();
    host_.round_trips.clear();
    for (; seen_done_ < host_.done.size(); ++seen_done_) {
      const auto answer = answers_.find(host_.done[seen_done_].id);
      if (answer == answers_.end()) {
        answers_[host_.done[seen_done_].id] = 1;  // from inside command()
      } else {
        require(++answer->second == 1, "a command was answered twice");
      }
    }
  }

  void look_at_values() const {
    for (std::size_t i = 0; i < host_.values.size(); ++i) {
      const auto& declared = host_.signals[i];
      if (const auto& number = host_.values[i].number) {
        require(*number >= declared.min && *number <= declared.max, "value out of its range");
      }
      require(plain(host_.values[i].text), "text");
    }
  }

  // What went out: one whole request, and none while another is under way (but the good-bye, which
  // may follow an answer that was never looked at).
  void sent(std::int32_t stream) {
    const Frame bytes = host_.take(stream);
    if (bytes.empty()) return;
    require(bytes.size() >= wire::kHeaderBytes, "half a header");
    wire::Header header;
    require(wire::read_header(bytes, &header) == wire::Fault::None, "magic");
    require(bytes.size() == wire::kHeaderBytes + header.length, "not one whole frame");
    require(header.version == 1, "version");
    const wire::Bytes body = wire::Bytes(bytes).subspan(wire::kHeaderBytes);
    if (header.type == wire::FrameType::DataRequest) {
      wire::RequestReader reader(body);
      wire::RequestBlock block;
      require(reader.count() >= 1 && reader.count() <= 64, "blocks");
      while (reader.next(&block)) {
      }
      require(reader.fault() == wire::Fault::None, "request blocks");
    } else {
      require(header.type == wire::FrameType::OpenRequest ||
                  header.type == wire::FrameType::CloseRequest,
              "type of a request");
    }
    request_[stream] = bytes;
  }

  // A stop, a silent control, and a host that ends what is closed: nothing may be left.
  void end() {
    in([&] { machine_.stop(now_ns_); });
    for (int ms = 0; ms < 3000 && host_.streams_used() != 0; ++ms) {
      for (std::int32_t stream = 0; stream < 4; ++stream) {
        if (used(stream) && host_.streams[at(stream)].closing) close(stream, RISE_CLOSED_BY_US);
      }
      cycle(1);
    }
    look_at_values();
    require(host_.streams_used() == 0, "a stream that never ends");
    for (const auto& [id, answers] : answers_) require(answers == 1, "a command without answer");
    require(safe_asked_ == 0 || !host_.safe_done.empty(), "a safe state without answer");
  }

  [[nodiscard]] static std::size_t at(std::int32_t stream) {
    return static_cast<std::size_t>(stream);
  }
  [[nodiscard]] bool used(std::int32_t stream) const {
    return at(stream) < host_.streams.size() && host_.streams[at(stream)].used;
  }

  FakeHost host_;
  rise_host abi_;
  Machine machine_;
  FakeControl control_;
  std::map<std::int32_t, Frame> request_;  // under way, by stream
  std::map<std::uint64_t, int> answers_;
  std::uint64_t id_ = 0;
  std::uint64_t number_ = 0;
  std::int64_t now_ns_ = 1'000'000'000;
  int safe_asked_ = 0;
  std::size_t seen_links_ = 0;
  std::size_t seen_notices_ = 0;
  std::size_t seen_alarms_ = 0;
  std::size_t seen_done_ = 0;
#ifdef RISE_FUZZ_PLANT
  volatile int planted_sink_ = 0;
#endif
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  rise::fuzz::watch_memory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const std::unique_ptr<DriverConfig> configs[] = {
      std::make_unique<DriverConfig>(kConfigs[0], kTargets),
      std::make_unique<DriverConfig>(kConfigs[1], kTargets),
      std::make_unique<DriverConfig>(kConfigs[2], kTargets)};
  auto bench = std::make_unique<Bench>(*configs[data[0] % std::size(configs)]);
  bench->play({data + 1, size - 1});
  return 0;
}
