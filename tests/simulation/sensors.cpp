// Sensors in bad weather: every datagram ends up in exactly one account, values stay sane, a flood
// costs nobody else anything, and the same seed gives the same run.
#include <cmath>
#include <map>

#include "rt_core/random.hpp"
#include "tests/simulation/scenarios.hpp"

namespace rise::simulation {

namespace {

constexpr int kSensors = 3;
constexpr std::size_t kCell = 3;  // machine: behind the three controls

std::string sensor_config() {
  return "[target]\nport = 5005\n"
         "[[sensor]]\nname = \"s\"\nid = 1\ncount = " +
         std::to_string(kSensors) +
         "\nrate_hz = 5000.0\nsamples = 50\nsine = [{ hz = 100.0, amplitude = 2.0 }]\n"
         "[[sensor.fault]]\nkind = \"flood\"\nafter_s = 3.0\nfor_s = 0.5\namount = 600.0\n"
         "probability = 0.2\n"
         "[[sensor.fault]]\nkind = \"restart\"\nafter_s = 5.0\n";
}

std::string cell_config() {
  std::string text =
      "[[machine]]\nname = \"cell\"\ndriver = \"telemetry\"\n[machine.telemetry]\nport = 5005\n"
      "statistics_ms = 100\nmax_age_ms = 60000\n";
  for (int i = 1; i <= kSensors; ++i) {
    text += "[[machine.telemetry.sensor]]\nid = " + std::to_string(i) + "\nname = \"s" +
            std::to_string(i) +
            "\"\nkind = \"vibration\"\nunit = \"m/s2\"\nrate_hz = 5000.0\nwindow = 256\n";
  }
  return text;
}

// The newest values of all signals of the cell, and what may never be seen in a frame.
class Cell {
 public:
  explicit Cell(Plant* plant) : plant_(plant) {}

  void look(Faults* faults) {
    message::TelemetryFrame frame;
    while (plant_->reader().next(&frame)) {
      if (frame.machine() != kCell) {
        others_ += frame.valid() != 0 ? 1 : 0;
        continue;
      }
      for (std::uint16_t slot = 0; slot < 64; ++slot) {
        if ((frame.valid() >> slot & 1) == 0) continue;
        const double value = frame.values()->Get(slot);
        faults->check(std::isfinite(value), "a value that is no number");
        values_[{frame.page(), slot}] = value;
      }
    }
  }
  double value(const std::string& signal) {
    const Plant::Place place = plant_->find(kCell, signal);
    const auto found = values_.find({place.page, place.slot});
    return found == values_.end() ? NAN : found->second;
  }
  [[nodiscard]] std::uint64_t good_frames_of_controls() const { return others_; }

 private:
  Plant* plant_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, double> values_;
  std::uint64_t others_ = 0;
};

void judge(Plant* plant, Cell* cell, std::uint64_t made, Faults* faults) {
  const io::DatagramCounters& wire = plant->datagrams()->counters();
  const double received = cell->value("telemetry.received");
  faults->check(received == static_cast<double>(wire.received), "datagrams that nobody counted");
  faults->check(wire.dropped > 0, "the flood was none: nothing was dropped");
  double accounted = cell->value("telemetry.bad") + cell->value("telemetry.unknown") +
                     cell->value("telemetry.refused");
  double used = 0;
  for (int i = 1; i <= kSensors; ++i) {
    const std::string stat = "s" + std::to_string(i) + ".stat.";
    used += cell->value(stat + "received");
    accounted += cell->value(stat + "duplicate") + cell->value(stat + "late");
    faults->check(cell->value(stat + "lost") > 0, "the weather was not bad");
    const double rms = cell->value("s" + std::to_string(i) + ".x.rms");
    faults->check(rms > 0, "no window was published");
  }
  faults->check(received == accounted + used, "received " + std::to_string(received) +
                                                  ", accounted for " +
                                                  std::to_string(accounted + used));
  faults->check(used > 0.5 * static_cast<double>(made), "more than half was not used");
}

}  // namespace

void sensors(std::uint64_t seed, const std::string& folder, Faults* faults) {
  std::uint64_t random = seed;
  PlantSpec spec;
  spec.seed = seed;
  spec.controls = controls(0);
  spec.core = core_config() + cell_config();
  spec.folder = folder;
  spec.sensors = sensor_config();
  Plant plant(spec);
  io::DatagramFaults weather;
  weather.latency_max_ns = static_cast<std::int64_t>(60e6 * uniform(&random));
  weather.loss = 0.01 + 0.1 * uniform(&random);
  weather.duplicate = 0.1 * uniform(&random);
  weather.damage = 0.1 * uniform(&random);
  plant.datagrams()->set_faults(weather);

  Cell cell(&plant);
  for (int i = 0; i < 80; ++i) {
    plant.beat();
    if (!plant.run_seconds(0.1)) return faults->check(false, "the lane has ended");
    cell.look(faults);
  }
  std::uint64_t made = 0;
  for (const auto& device : plant.sensors().devices()) made += device->counters().made;
  plant.hush_sensors();
  for (int i = 0; i < 5; ++i) {
    plant.run_seconds(0.1);
    cell.look(faults);
  }
  judge(&plant, &cell, made, faults);
  // 100 sweeps a second of three controls, each a frame at least; the flood is not theirs.
  faults->check(cell.good_frames_of_controls() > 3 * 8 * 90, "the controls have suffered");
}

}  // namespace rise::simulation
