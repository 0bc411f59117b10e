#include "drivers/focas/simulator/spec/spec.hpp"

#include <algorithm>
#include <stdexcept>

namespace rise::cncsim {

Personality personality_of(const ControlSpec& spec) {
  const Model* model = find_model(spec.model);
  if (model == nullptr) {
    throw std::invalid_argument("control " + spec.name + ": model \"" + spec.model +
                                "\" does not exist; one of " + kModelChoices);
  }
  Personality personality;
  personality.cnc_type = model->cnc_type;
  personality.machine = spec.machine;
  personality.series = spec.machine == MachineType::Mill ? model->series_mill : model->series_lathe;
  if (!spec.series.empty()) personality.series = spec.series;
  personality.software = spec.software.empty() ? model->software : spec.software;
  personality.series.resize(4, ' ');
  personality.software.resize(4, ' ');
  personality.version =
      spec.version != 0 ? static_cast<std::uint16_t>(spec.version) : model->version;
  personality.family = spec.family >= 0 ? static_cast<std::uint16_t>(spec.family) : model->family;
  personality.max_axes = model->max_axes;
  personality.max_paths = model->max_paths;
  personality.max_spindles = personality.is_new() ? 8 : 4;
  personality.add_info = personality.is_new() ? 0x0402 : 0x0002;
  return personality;
}

}  // namespace rise::cncsim
