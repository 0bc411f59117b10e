#include "drivers/focas/axis_check.hpp"

#include <cstring>
#include <utility>

#include "drivers/focas/notices.hpp"
#include "drivers/focas/wire/bytes.hpp"

namespace rise::focas {

using wire::Bytes;

namespace {

constexpr std::size_t kRecord = 4;  // bytes per axis, in names and in units
constexpr std::size_t kMostAxes = 32;

// As the control numbers them.
constexpr const char* kUnits[] = {"mm", "in", "deg"};

}  // namespace

void AxisCheck::configure(const rise_host& host, const Settings& settings) {
  host_ = &host;
  settings_ = &settings;
}

void AxisCheck::begin() {
  for (Path& path : paths_) path = {};
}

// Four bytes per axis: name, suffix, and sometimes rubbish.
bool AxisCheck::take_names(std::uint16_t number, Bytes data, const ControlInfo& info) {
  Path& path = paths_[number - 1];
  const std::vector<std::string>& axes = settings_->paths[number - 1u].axes;
  const std::uint16_t real = info.axes[number - 1];
  if (real != axes.size() && !path.count_told) {
    path.count_told = true;
    tell(*host_, Notice::AxesDiffer,
         Text()
             .add("path ")
             .add(number)
             .add(" of the control has ")
             .add(real)
             .add(" axes, ")
             .add(static_cast<std::int64_t>(axes.size()))
             .add(" are configured"));
  }
  std::uint32_t wrong = 0;
  for (std::size_t i = 0; i < axes.size() && i < kMostAxes && i < real; ++i) {
    if ((i + 1) * kRecord > data.size()) break;
    const char name = static_cast<char>(data[i * kRecord] | 0x20);
    if (name == axes[i][0]) continue;
    wrong |= 1u << i;
    if (path.wrong_name != kAll && (path.wrong_name >> i & 1) != 0) continue;
    const char shown[2] = {static_cast<char>(data[i * kRecord]), '\0'};
    tell(*host_, Notice::AxesDiffer,
         Text()
             .add("axis ")
             .add(static_cast<std::int64_t>(i + 1))
             .add(" of path ")
             .add(number)
             .add(" is ")
             .add(shown)
             .add(", configured as ")
             .add(axes[i].c_str())
             .add(": no values"));
  }
  const bool changed = wrong != path.wrong_name;
  path.wrong_name = wrong;
  return changed;
}

// Two words per axis: the unit of what is displayed, and that of the machine position; which of
// them is filled depends on the table that was asked.
bool AxisCheck::take_units(std::uint16_t number, UnitTable table, Bytes data) {
  const PathSettings& settings = settings_->paths[number - 1u];
  std::uint32_t& known = paths_[number - 1].wrong_unit[static_cast<std::size_t>(table)];
  const std::size_t offset = table == UnitTable::Machine ? 2 : 0;
  std::uint32_t wrong = 0;
  for (std::size_t i = 0; i < settings.axes.size() && i < kMostAxes; ++i) {
    if ((i + 1) * kRecord > data.size()) break;
    const std::uint16_t unit = wire::load_u16(data.data() + i * kRecord + offset);
    const char* configured = axis_unit(settings, i);
    // A number that we do not know says nothing.
    if (unit >= std::size(kUnits) || std::strcmp(kUnits[unit], configured) == 0) continue;
    wrong |= 1u << i;
    if (known != kAll && (known >> i & 1) != 0) continue;
    tell(*host_, Notice::UnitsDiffer,
         Text()
             .add(table == UnitTable::Machine ? "machine position" : "position")
             .add(" of axis ")
             .add(settings.axes[i].c_str())
             .add(", path ")
             .add(number)
             .add(" is in ")
             .add(kUnits[unit])
             .add(", configured as ")
             .add(configured)
             .add(": no values"));
  }
  const bool changed = wrong != known;
  known = wrong;
  return changed;
}

bool AxisCheck::names_refused(std::uint16_t number) {
  return std::exchange(paths_[number - 1].wrong_name, 0) != 0;
}

bool AxisCheck::units_refused(std::uint16_t number, UnitTable table) {
  return std::exchange(paths_[number - 1].wrong_unit[static_cast<std::size_t>(table)], 0) != 0;
}

std::uint32_t AxisCheck::hidden(const Read& read) const {
  const std::uint16_t number = read.block.path;
  if (read.axis == 0 || number < 1 || number > kMaxPaths) return 0;
  const Path& path = paths_[number - 1];
  const std::uint32_t wrong =
      path.wrong_name | path.wrong_unit[static_cast<std::size_t>(read.unit)];
  return wrong >> (read.axis - 1);
}

}  // namespace rise::focas
