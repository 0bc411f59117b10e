// What packing is worth (plugins/packing): telemetry frames as JSON, packed in batches of several
// sizes, without and with a dictionary trained from others of their kind.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/result.hpp"
#include "plugins/bus/wire.hpp"
#include "plugins/packing/packed.hpp"

namespace {

using namespace rise;
using bench::now_ns;

constexpr int kSignals = 20;
constexpr int kMessages = 25'600;

// As plugins/host/frame_json writes them: values that move as measured ones do.
bus::MessagePtr frame(int number) {
  auto out = std::make_shared<bus::Message>();
  out->id = bus::Uuid::make();
  out->time_ns = 1'700'000'000'000'000'000 + std::int64_t{number} * 10'000'000;
  out->type = static_cast<std::uint16_t>(bus::MessageType::Telemetry);
  out->guarantee = bus::Guarantee::AtLeastOnce;
  out->topic = "telemetry/mill-1";
  out->source = "core";
  out->encoding = bus::Encoding::Json;
  std::string& text = out->payload;
  text = R"({"machine":"mill-1","sequence":)" + std::to_string(number) + R"(,"signals":{)";
  for (int i = 0; i < kSignals; ++i) {
    char value[64];
    const double at = 100.0 * i + 10.0 * std::sin(0.01 * number + i) + 0.001 * (number * 7 % 13);
    std::snprintf(value, sizeof value, "%s\"axis.%d.position\":%.6f", i == 0 ? "" : ",", i, at);
    text += value;
  }
  text += "}}";
  return out;
}

}  // namespace

int main() {
  packing::Trainer trainer;
  for (int i = 0; !trainer.ready(); ++i) trainer.add(bus::encode(*frame(100'000 + i)));
  const auto dictionary = trainer.train();
  if (dictionary == nullptr) return 1;
  std::vector<bus::MessagePtr> messages;
  for (int i = 0; i < kMessages; ++i) messages.push_back(frame(i));
  for (const std::size_t batch : {1u, 16u, 256u}) {
    for (const bool with : {false, true}) {
      packing::Packer packer;
      std::size_t plain = 0;
      std::size_t packed = 0;
      const std::int64_t start = now_ns();
      for (std::size_t at = 0; at < messages.size(); at += batch) {
        const std::span<const bus::MessagePtr> part(messages.data() + at, batch);
        const bus::MessagePtr out = packer.pack(part, with ? dictionary.get() : nullptr, 3);
        for (const bus::MessagePtr& message : part) plain += message->payload.size();
        if (out != nullptr) packed += out->payload.size();
        if (out == nullptr) packed += part[0]->payload.size();
      }
      const double ns = static_cast<double>(now_ns() - start) / kMessages;
      const std::string name =
          "packing.batch_" + std::to_string(batch) + (with ? ".dictionary." : ".plain.");
      bench::result((name + "ratio").c_str(),
                    static_cast<double>(plain) / static_cast<double>(packed), "x");
      bench::result((name + "ns_per_message").c_str(), ns, "ns");
    }
  }
  return 0;
}
