#include "rt_core/kit/peer.hpp"

#include "drivers/sdk/rise_driver.h"
#include "rt_core/kit/trial.hpp"
#include "rt_core/random.hpp"

namespace rise::kit {

const char* name_of(Manner manner) {
  constexpr const char* kNames[] = {"nobody listens",
                                    "connects time out",
                                    "a silent device",
                                    "a device",
                                    "a device that answers the wrong words",
                                    "a device that answers noise",
                                    "a device that floods"};
  return kNames[static_cast<std::size_t>(manner)];
}

std::uint64_t Peer::below(std::uint64_t n) { return next_random(&random_) % n; }

// What has a chance to get past a parser's first look: its own words, numbers of all sizes.
std::string Peer::line_of_words(const std::string& request) {
  std::string line;
  const std::uint64_t parts = 1 + below(4);
  for (std::uint64_t i = 0; i < parts; ++i) {
    switch (below(8)) {
      case 0: line += request; break;
      case 1: line += std::to_string(static_cast<std::int64_t>(next_random(&random_))); break;
      case 2: line += text("%.3f", static_cast<double>(below(2000)) - 1000); break;
      case 3: line += below(2) == 0 ? "nan" : "-1e999"; break;
      case 4: line += static_cast<char>(below(256)); break;
      default:
        if (!words_.empty()) line += words_[below(words_.size())];
    }
    if (below(3) != 0) line += ' ';
  }
  const std::uint64_t end = below(8);
  return line + (end == 0 ? "" : end == 1 ? "\r\n" : end == 2 ? "\n\n" : "\n");
}

std::string Peer::speak() {
  std::string out;
  switch (spec.manner) {
    case Manner::Noise:
      out.resize(1 + below(below(8) == 0 ? 4000 : 60));
      for (char& c : out) c = static_cast<char>(below(256));
      break;
    case Manner::Flood:
      out.assign(16384, below(3) == 0 ? '\0' : static_cast<char>('0' + below(10)));
      break;
    case Manner::Words: out = line_of_words("?"); break;
    default: break;
  }
  return out;
}

std::vector<std::uint8_t> Peer::datagram() {
  std::vector<std::uint8_t> bytes;
  if (spec.manner == Manner::Absent || spec.manner == Manner::Lost || spec.manner == Manner::Silent)
    return bytes;
  bytes.resize(below(4) == 0 ? below(RISE_DATAGRAM_MAX + 1) : below(128));
  const bool sparse = below(2) == 0;
  for (std::uint8_t& byte : bytes) {
    byte = sparse && below(4) != 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(below(256));
  }
  return bytes;
}

bool Peer::take(std::uint32_t number, const std::string& bytes, std::vector<std::uint8_t>* reply) {
  Connection& connection = connections_[number];
  received += bytes.size();
  std::string out;
  if (spec.manner == Manner::Device && !dialog_.empty()) {
    connection.pending += bytes;
    bool understood = true;
    while (const auto answer = dialog_.answer(&connection.pending, &random_, &understood)) {
      out += *answer;
    }
    if (!understood && unanswered.empty()) unanswered = connection.pending;
    if (!understood) connection.pending.clear();
  } else if (spec.manner == Manner::Device || spec.manner == Manner::Words) {
    out = line_of_words(bytes);
  } else if (spec.manner != Manner::Silent) {
    const std::uint64_t times = spec.manner == Manner::Flood ? 16 : 1;
    for (std::uint64_t i = 0; i < times; ++i) out += speak();
  }
  ++exchanges;
  const bool last = spec.close_after >= 0 && ++connection.exchanges >= spec.close_after;
  if (last && spec.half_reply) out.resize(out.size() / 2);
  reply->insert(reply->end(), out.begin(), out.end());
  return !last;
}

io::SimulatedPeer Peer::table() {
  io::SimulatedPeer peer;
  peer.self = this;
  peer.on_connect = [](void* self, std::uint32_t, std::int64_t) {
    ++static_cast<Peer*>(self)->connects;
    return true;
  };
  peer.on_bytes = [](void* self, std::uint32_t connection, const std::uint8_t* bytes,
                     std::uint32_t length, std::int64_t, std::vector<std::uint8_t>* reply) {
    return static_cast<Peer*>(self)->take(
        connection, std::string(reinterpret_cast<const char*>(bytes), length), reply);
  };
  peer.on_closed = [](void* self, std::uint32_t connection, std::int64_t) {
    static_cast<Peer*>(self)->connections_.erase(connection);
  };
  return peer;
}

}  // namespace rise::kit
