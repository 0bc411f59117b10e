// How soon a simulated control answers, in memory: what it adds to every round trip that is
// measured against it. Time goes on by a millisecond per request, and a part program runs.
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/focas_items.hpp"
#include "bench/result.hpp"
#include "config/schema/document.hpp"
#include "drivers/focas/simulator/process/fleet.hpp"
#include "drivers/focas/simulator/process/settings.hpp"

namespace {

using namespace rise;
using namespace rise::focas::wire;
using bench::now_ns;

constexpr int kRounds = 20'000;

const char* const kControl =
    "[[control]]\nname = \"a\"\nmodel = \"31i\"\nport = 8193\n"
    "[[control.path]]\naxes = [{ name = \"X\" }, { name = \"Y\" }, { name = \"Z\" }, { name = "
    "\"A\" }]\n"
    "spindles = [{ name = \"S1\" }]\n"
    "program = \"O1\\nG90 G21\\nS1500 M3\\nG1 X80. F3000\\nX0.\\nM30\"\n";

class Control {
 public:
  Control() {
    std::vector<config::Problem> problems;
    const cncsim::Config config =
        cncsim::read_config(config::parse(kControl, &problems), 1'700'000'000, &problems);
    if (!problems.empty()) {
      std::fprintf(stderr, "%s\n", config::to_string(problems[0], "bench").c_str());
      std::exit(1);
    }
    fleet_ = cncsim::make_fleet(config.machines);
    connection_ = fleet_[0]->sessions.connect(now_ns_);
    FrameWriter writer(out_, kClientVersion, FrameType::OpenRequest);
    writer.add_u16(2);
    ask(writer.finish());
  }
  // -> what it took.
  std::int64_t ask(Bytes request) {
    now_ns_ += 1'000'000;
    reply_.clear();
    const std::int64_t start = now_ns();
    const bool alive = fleet_[0]->sessions.on_bytes(connection_, {request.data(), request.size()},
                                                    now_ns_, &reply_);
    const std::int64_t took = now_ns() - start;
    if (!alive || reply_.empty()) {
      std::fprintf(stderr, "the control does not answer\n");
      std::exit(1);
    }
    return took;
  }
  void measure(const std::string& name, std::size_t blocks) {
    const std::vector<bench::Item> items = bench::items();
    FrameWriter writer(out_, kClientVersion, FrameType::DataRequest);
    for (std::size_t i = 0; i < blocks; ++i) writer.add(items[i].block);
    const Bytes request = writer.finish();
    std::vector<std::int64_t> samples;
    for (int i = 0; i < kRounds; ++i) samples.push_back(ask(request));
    bench::result(("simulator." + name + ".p50_us").c_str(),
                  bench::percentile(&samples, 0.5) / 1000, "us");
    bench::result(("simulator." + name + ".p99_us").c_str(),
                  bench::percentile(&samples, 0.99) / 1000, "us");
  }

 private:
  cncsim::Fleet fleet_;
  std::uint32_t connection_ = 0;
  std::int64_t now_ns_ = 1'000'000'000;
  std::uint8_t out_[4096];
  std::vector<std::uint8_t> reply_;
};

}  // namespace

int main() {
  Control control;
  control.measure("status", 1);
  control.measure("ten_blocks", 10);
  control.measure("sweep_of_22", 22);
}
