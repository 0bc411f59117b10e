// Are the axes of the control those of the config? Values of axes are told apart by their place
// alone, so a config with other axes, or other units, than the control's would give good values
// wrong names and wrong units. What contradicts is hidden, and people are told. Lane thread, but
// configure.
#pragma once

#include "drivers/focas/control_info.hpp"
#include "drivers/focas/read.hpp"
#include "drivers/focas/settings.hpp"

namespace rise::focas {

class AxisCheck {
 public:
  // `settings` stays where it is.
  void configure(const rise_host& host, const Settings& settings);
  // A new connection: nothing is known, so everything that belongs to an axis is hidden.
  void begin();
  // Answers to the service reads. -> true: what is hidden has changed.
  bool take_names(std::uint16_t path, wire::Bytes data, const ControlInfo& info);
  bool take_units(std::uint16_t path, UnitTable table, wire::Bytes data);
  // The control does not tell: what it cannot contradict is believed.
  bool names_refused(std::uint16_t path);
  bool units_refused(std::uint16_t path, UnitTable table);
  // Bit i: the i-th signal of the read must have no value.
  [[nodiscard]] std::uint32_t hidden(const Read& read) const;

 private:
  static constexpr std::uint32_t kAll = 0xffffffff;
  struct Path {
    std::uint32_t wrong_name = kAll;                // bit by axis
    std::uint32_t wrong_unit[3] = {0, kAll, kAll};  // by UnitTable
    bool count_told = false;
  };
  const rise_host* host_ = nullptr;
  const Settings* settings_ = nullptr;
  Path paths_[kMaxPaths];
};

}  // namespace rise::focas
