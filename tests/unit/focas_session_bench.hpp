// One session on a fake host: the test plays the control and the clock.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "drivers/focas/session.hpp"
#include "tests/unit/focas_fake_host.hpp"
#include "tests/unit/focas_vectors.hpp"

namespace rise::test {

using RawFrame = std::vector<std::uint8_t>;

inline RawFrame make_frame(focas::wire::FrameType type, const RawFrame& body,
                           std::uint16_t version = 4) {
  std::vector<std::uint8_t> memory(focas::wire::kHeaderBytes + body.size());
  focas::wire::FrameWriter writer(memory, version, type);
  writer.add_bytes(body);
  writer.finish();
  return memory;
}

inline RawFrame reply_frame(const std::vector<focas::wire::ReplyBlock>& blocks,
                            std::uint16_t version = 4) {
  std::vector<std::uint8_t> memory(65536);
  focas::wire::FrameWriter writer(memory, version, focas::wire::FrameType::DataReply);
  for (const auto& block : blocks) writer.add(block);
  const auto frame = writer.finish();
  return {frame.begin(), frame.end()};
}

// The frames of a vector on its data connection, those of the client or those of the server.
inline std::vector<RawFrame> frames_of(const std::string& file, bool from_client) {
  const char* folder = std::getenv("RISE_VECTORS");
  std::ifstream text(std::string(folder != nullptr ? folder : "tests/vectors") + "/" + file +
                     ".hex");
  const FocasVector vector = parse_focas_vector(
      file, {std::istreambuf_iterator<char>(text), std::istreambuf_iterator<char>()});
  std::vector<RawFrame> frames;
  for (const VectorFrame& frame : vector.frames) {
    if (frame.connection == 2 && frame.from_client == from_client) frames.push_back(frame.bytes);
  }
  return frames;
}

class SessionBench {
 public:
  static constexpr std::int64_t kMs = 1'000'000;

  SessionBench() {
    host.configuring = false;
    settings.connect_timeout_ms = 1000;
    settings.reply_timeout_ns = 500 * kMs;
    focas::SessionEvents events;
    events.self = this;
    events.on_ready = [](void* self, focas::Session*, std::int64_t) { ++of(self).ready; };
    events.on_reply = [](void* self, focas::Session*, focas::wire::Bytes body, std::int64_t) {
      of(self).replies.emplace_back(body.begin(), body.end());
      return of(self).accept;
    };
    events.on_refused = [](void* self, focas::Session*, const focas::wire::Negative& why,
                           std::int64_t) { of(self).refused.push_back(why.status); };
    events.on_down = [](void* self, focas::Session*, const char* reason, std::int64_t) {
      of(self).downs.emplace_back(reason);
    };
    session.configure(&host.abi, &settings, events);
  }

  // Connecting; -> the stream.
  void connect() {
    session.connect({"cnc", 8193}, now_ns);
    stream = &host.streams.at(0);
  }
  // Opening: what the session sent.
  RawFrame open() {
    connect();
    stream->open = true;
    session.on_open(now_ns);
    return host.take(0);
  }
  // Informing.
  RawFrame inform(const std::string& vector = "v4_cnc_allclibhndl3") {
    open();
    feed(frames_of(vector, false).at(0));
    return host.take(0);
  }
  void make_ready(const std::string& vector = "v4_cnc_allclibhndl3") {
    inform(vector);
    feed(frames_of(vector, false).at(1));
  }
  // Waiting, for the reply to one block.
  RawFrame ask(std::uint16_t command = 0x24) {
    focas::wire::FrameWriter writer = session.begin_request();
    focas::wire::RequestBlock block;
    block.command = command;
    writer.add(block);
    sent = session.send_request(&writer, now_ns);
    return host.take(0);
  }
  void feed(const RawFrame& bytes) { session.on_bytes(bytes, now_ns); }
  void pass(std::int64_t ms) {
    now_ns += ms * kMs;
    session.tick(now_ns);
  }
  // The host reports the end of the stream.
  void end(std::int32_t reason = RISE_CLOSED_BY_US) {
    stream->used = false;
    session.on_closed(reason, now_ns);
  }
  [[nodiscard]] std::uint64_t count(std::uint32_t counter) const { return host.counts[counter]; }
  [[nodiscard]] bool closing() const { return stream->closing; }

  FakeHost host;
  focas::Settings settings;
  focas::Session session;
  FakeStream* stream = nullptr;
  std::int64_t now_ns = 1'000'000'000;
  bool accept = true;
  bool sent = false;
  int ready = 0;
  std::vector<RawFrame> replies;
  std::vector<focas::wire::Status> refused;
  std::vector<std::string> downs;

 private:
  static SessionBench& of(void* self) { return *static_cast<SessionBench*>(self); }
};

}  // namespace rise::test
