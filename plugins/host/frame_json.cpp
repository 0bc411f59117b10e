#include "plugins/host/frame_json.hpp"

#include <boost/json.hpp>
#include <cstring>

#include "plugins/text/utc.hpp"
#include "rt_core/message/text.hpp"
#include "rt_core/shm/region_attach.hpp"

namespace rise::host {

bool FrameJson::read_names() {
  if (region_ && region_->core_alive()) return true;
  region_.reset();
  auto region = shm::attach_running(region_name_, shm::Access::ReadOnly);
  if (!region) return false;
  machines_.clear();
  const auto signals = region->table<message::SignalEntry>(shm::SectionKind::Signals);
  for (const message::MachineEntry& entry :
       region->table<message::MachineEntry>(shm::SectionKind::Machines)) {
    Machine machine;
    machine.name = message::get_text(entry.name());
    machine.pages.resize(entry.page_count());
    for (std::size_t s = 0; s < entry.signal_count(); ++s) {
      const message::SignalEntry& signal = signals[entry.first_signal() + s];
      if (signal.type() == message::SignalType::Text || signal.page() >= machine.pages.size()) {
        continue;
      }
      std::vector<std::string>& page = machine.pages[signal.page()];
      if (page.size() <= signal.slot()) page.resize(signal.slot() + 1u);
      page[signal.slot()] = message::get_text(signal.name());
    }
    machines_.push_back(std::move(machine));
  }
  region_.emplace(std::move(*region));
  return true;
}

std::optional<std::string> FrameJson::text(std::string_view payload) {
  message::TelemetryFrame frame;
  if (payload.size() != sizeof frame) return std::nullopt;
  std::memcpy(static_cast<void*>(&frame), payload.data(), sizeof frame);
  const std::lock_guard lock(mutex_);
  if (!read_names() || frame.machine() >= machines_.size()) return std::nullopt;
  const Machine& machine = machines_[frame.machine()];
  if (frame.page() >= machine.pages.size()) return std::nullopt;
  const std::vector<std::string>& names = machine.pages[frame.page()];
  boost::json::object signals;
  for (std::size_t slot = 0; slot < names.size() && slot < 64; ++slot) {
    if (names[slot].empty()) continue;
    const bool valid = (frame.valid() >> slot & 1) != 0;
    boost::json::value& value = signals[names[slot]];
    if (valid) value = frame.values()->Get(static_cast<flatbuffers::uoffset_t>(slot));
  }
  boost::json::object out;
  out["machine"] = machine.name;
  out["sequence"] = frame.sequence();
  out["time"] = text::utc_text(frame.sample_utc_ns());
  out["signals"] = std::move(signals);
  return boost::json::serialize(out);
}

}  // namespace rise::host
