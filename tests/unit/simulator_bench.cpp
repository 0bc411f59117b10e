#include "tests/unit/simulator_bench.hpp"

#include <array>
#include <cmath>
#include <stdexcept>

#include "drivers/focas/simulator/protocol/program_guard.hpp"
#include "drivers/focas/wire/number.hpp"

namespace rise::test {

using namespace focas::wire;

namespace {

cncsim::ControlSpec bare_spec(const std::string& model, const std::vector<std::string>& axes) {
  cncsim::ControlSpec spec;
  spec.name = "bench";
  spec.model = model;
  spec.autostart = false;
  spec.loop = false;
  spec.cutting.noise_percent = 0;
  spec.clock_start_s = 1715000000;  // 2024-05-06 12:53:20
  cncsim::PathSpec path;
  for (const std::string& name : axes) {
    cncsim::AxisSpec axis;
    axis.name = name;
    axis.rotary = name == "A";
    path.axes.push_back(axis);
  }
  path.spindles.emplace_back();
  spec.paths.push_back(path);
  return spec;
}

}  // namespace

cncsim::ControlSpec mill_spec() { return bare_spec("31i", {"X", "Y", "Z", "A"}); }
cncsim::ControlSpec legacy_spec() { return bare_spec("16i", {"X", "Y", "Z"}); }

std::int32_t Answered::i32(std::size_t offset) const { return load_i32(data.data() + offset); }
std::int16_t Answered::i16(std::size_t offset) const { return load_i16(data.data() + offset); }
double Answered::number(std::size_t index) const {
  return value_of(load_number(data.data() + 8 * index)).value_or(std::nan(""));
}

std::vector<std::uint8_t> frame_of(FrameType type, const std::vector<std::uint8_t>& body) {
  std::array<std::uint8_t, 8192> memory{};
  FrameWriter writer(memory, kClientVersion, type);
  writer.add_bytes(body);
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

std::vector<std::uint8_t> request_of(const std::vector<Ask>& blocks) {
  std::array<std::uint8_t, 8192> memory{};
  FrameWriter writer(memory, kClientVersion, FrameType::DataRequest);
  for (const Ask& block : blocks) {
    RequestBlock out;
    out.device = block.device;
    out.path = block.path;
    out.command = block.command;
    for (std::size_t i = 0; i < block.arguments.size(); ++i) out.argument[i] = block.arguments[i];
    out.payload = block.payload;
    writer.add(out);
  }
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}

std::vector<std::uint8_t> open_request(int payload) {
  return frame_of(FrameType::OpenRequest, {0, static_cast<std::uint8_t>(payload)});
}

std::vector<std::vector<std::uint8_t>> take_frames(std::vector<std::uint8_t>* bytes) {
  std::vector<std::vector<std::uint8_t>> frames;
  while (bytes->size() >= kHeaderBytes) {
    const std::size_t size = kHeaderBytes + load_u16(bytes->data() + 8);
    if (bytes->size() < size) break;
    const auto end = bytes->begin() + static_cast<std::ptrdiff_t>(size);
    frames.emplace_back(bytes->begin(), end);
    bytes->erase(bytes->begin(), end);
  }
  return frames;
}

FrameType type_of(const std::vector<std::uint8_t>& frame) {
  return static_cast<FrameType>(load_u16(frame.data() + 6));
}

Bench::Bench(cncsim::ControlSpec spec, cncsim::SessionSpec session)
    : control(std::move(spec)), sessions(control, session) {
  sessions.advance(now_ns);
}

void Bench::run(double seconds) {
  now_ns += static_cast<std::int64_t>(std::llround(seconds * 1e9));
  sessions.advance(now_ns);
}

std::uint32_t Bench::connect(int payload) {
  const std::uint32_t connection = sessions.connect(now_ns);
  if (connection != 0 && payload != 0) (void)send(connection, open_request(payload));
  return connection;
}

std::vector<std::uint8_t> Bench::send(std::uint32_t connection,
                                      const std::vector<std::uint8_t>& bytes, bool* alive) {
  std::vector<std::uint8_t> reply;
  const bool lives = sessions.on_bytes(connection, bytes, now_ns, &reply);
  if (alive != nullptr) *alive = lives;
  return reply;
}

std::vector<Answered> Bench::ask(const std::vector<Ask>& blocks) {
  if (data_connection_ == 0) data_connection_ = connect(2);
  const std::vector<std::uint8_t> reply = send(data_connection_, request_of(blocks));
  if (reply.size() < kHeaderBytes || type_of(reply) != FrameType::DataReply) {
    throw std::runtime_error("no data reply");
  }
  std::vector<Answered> answers;
  ReplyReader reader(Bytes(reply).subspan(kHeaderBytes));
  ReplyBlock block;
  while (reader.next(&block)) {
    answers.push_back({block.status, block.detail[0], {block.data.begin(), block.data.end()}});
  }
  if (reader.fault() != Fault::None || answers.size() != blocks.size()) {
    throw std::runtime_error("reply does not fit the request");
  }
  return answers;
}

Answered Bench::ask(std::uint16_t command, std::vector<std::int32_t> arguments,
                    std::vector<std::uint8_t> payload) {
  Ask block(command, std::move(arguments));
  block.payload = std::move(payload);
  return ask({block}).front();
}

Answered Bench::ask_pmc(std::uint16_t command, std::vector<std::int32_t> arguments,
                        std::vector<std::uint8_t> payload) {
  return ask(command, std::move(arguments), std::move(payload));
}

void Bench::load(const std::string& text) {
  std::vector<cncsim::ProgramPtr> added;
  const auto result = control.load_program(cncsim::path_folder(0), text, &added);
  if (result != cncsim::ProgramStore::Result::Done) throw std::runtime_error("program refused");
  if (path().select(added.front()) != cncsim::Refusal::None) throw std::runtime_error("running");
}

void Bench::start(const std::string& text) {
  load(text);
  if (path().start() != cncsim::Refusal::None) throw std::runtime_error("start refused");
}

}  // namespace rise::test
