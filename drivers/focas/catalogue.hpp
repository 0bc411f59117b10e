// What can be read from a control, by name: "status", "position.absolute", "macro.500-510",
// "pmc.d100:word". An item is parsed once at configure, where it declares its signals; for each
// control that is met it is then turned into reads, because the command set and the sizes depend on
// the control. The names are listed in README.md.
#pragma once

#include <string>
#include <vector>

#include "drivers/focas/read.hpp"
#include "drivers/focas/settings.hpp"

namespace rise::focas {

// A read, complete but for what depends on the control.
struct Item {
  Read read;
  std::uint16_t legacy_command = 0;  // 0: the same on legacy controls
  bool offsets = false;              // of tools: mills and lathes have different ones
  bool positions = false;  // one block for all axes, or one for each: the planner's choice
};

class Catalogue {
 public:
  // Set-up. Parses the items of all groups and declares groups and signals; faults go to
  // config_error.
  bool configure(const rise_host& host, const Settings& settings);
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  // The most reads that any control can need.
  [[nodiscard]] std::size_t max_reads() const { return max_reads_; }

 private:
  // Where in the config an item stands, and what it belongs to.
  struct Place {
    std::string config_path;  // "group.0.items.3"
    std::uint32_t group = 0;
    std::uint16_t path = 1;
  };
  struct Signal {
    std::string name;  // without the path's prefix
    std::uint32_t type = RISE_SIGNAL_NUMBER;
    const char* unit = "";
    double min = -1e9;  // beyond is no position, load or count
    double max = 1e9;
    const char* choices = nullptr;
  };

  void add_item(Place place, const std::string& text);
  bool add_path_item(const Place& place, const std::string& name);
  bool add_numbered_item(const Place& place, const std::string& name);
  void add_axes(const Place& place, const std::string& suffix, const char* unit, const Item& item);
  void add_spindles(const Place& place, const std::string& suffix, const char* unit,
                    const Item& item);
  void add_macro(const Place& place, const std::string& range);
  void add_pmc(const Place& place, const std::string& text);
  void add_record(const Place& place, const std::string& family, const std::string& text);
  void add_offset(const Place& place, const std::string& number);
  bool add_modal(const Place& place, const std::string& what);
  // Declares the signals, which then are the item's.
  void add(const Place& place, const std::vector<Signal>& signals, Item item);
  void fault(const Place& place, const std::string& message);
  [[nodiscard]] const PathSettings& path_settings(const Place& place) const {
    return settings_->paths[place.path - 1u];
  }

  const rise_host* host_ = nullptr;
  const Settings* settings_ = nullptr;
  std::vector<Item> items_;
  std::size_t max_reads_ = 0;
  bool good_ = true;
};

// An item of one block of device CNC.
Item simple_item(wire::Command command, Decoding decoding, std::uint16_t reply_bytes,
                 std::int32_t argument1 = 0, std::int32_t argument2 = 0);

// "" for path 1, "path.2." for the second.
std::string path_prefix(std::uint16_t path);

}  // namespace rise::focas
