// The signals of one machine: what the driver declared, which page and slot of a telemetry frame
// each has, their values, and which pages have a new sample. Declaring is set-up; the rest belongs
// to the lane.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/shm/outlet.hpp"

namespace rise::driver {

inline constexpr std::size_t kMaxGroups = 8;
inline constexpr std::size_t kMaxSignals = 1024;
inline constexpr std::size_t kSignalsPerPage = 64;

class Signals {
 public:
  // Set-up, in the order of the driver's calls.
  std::int32_t declare_group(const rise_group_spec& spec);
  std::int32_t declare_signal(const rise_signal_spec& spec);
  // After configure: gives every signal its place. Group by group, in the order of declaration.
  void lay_out(std::uint16_t machine, std::uint16_t first_text);
  // For the region's directory.
  [[nodiscard]] std::vector<message::SignalEntry> entries() const;
  [[nodiscard]] std::size_t count() const { return signals_.size(); }
  [[nodiscard]] std::size_t text_count() const;
  [[nodiscard]] std::size_t page_count() const { return pages_.size(); }
  // Frames per second when all goes as planned.
  [[nodiscard]] double frames_per_second() const;
  [[nodiscard]] std::vector<std::string> names() const;
  // How what is declared here differs from the other; empty: not at all. Limits and choices count.
  [[nodiscard]] std::string difference(const Signals& other) const;
  // -1: no such signal.
  [[nodiscard]] std::int32_t find(const std::string& name) const;
  [[nodiscard]] std::uint32_t type(std::size_t signal) const { return signals_[signal].type; }

  // Lane. Results as in the driver ABI.
  std::int32_t write(std::int32_t signal, double value);
  std::int32_t invalidate(std::int32_t signal);
  std::int32_t write_text(std::int32_t signal, std::string_view text, shm::Outlet* outlet);
  std::int32_t sample(std::int32_t group, std::int64_t time_ns);
  // No signal has a value any more; pages that have ever been published are published once more, as
  // bad.
  void invalidate_all(shm::Outlet* outlet);
  // Calls back with each good value of the group, for the limits.
  template <class Function>
  void for_each_value(std::int32_t group, Function&& function) const {
    for (const std::uint16_t page : groups_[static_cast<std::size_t>(group)].pages) {
      const Page& p = pages_[page];
      for (std::size_t slot = 0; slot < p.signals.size(); ++slot) {
        if ((p.frame.valid() >> slot & 1) != 0)
          function(p.signals[slot],
                   p.frame.values()->Get(static_cast<flatbuffers::uoffset_t>(slot)));
      }
    }
  }
  // Publish phase: the pages with a new sample. -> frames written.
  std::uint32_t publish(shm::Outlet* outlet);

 private:
  struct Group {
    std::string name;
    std::int64_t period_ns = 0;
    std::int64_t last_sample_ns = 0;
    std::vector<std::uint16_t> pages;
  };
  struct Signal {
    std::string name;
    std::string unit;
    std::string choices;
    double min = 0;
    double max = 0;
    std::uint32_t type = 0;
    std::uint16_t group = 0;
    std::uint16_t page = 0;
    std::uint16_t slot = 0;  // texts: place in the region's text table
    std::uint16_t text = 0;  // texts: place in texts_
  };
  struct Page {
    message::TelemetryFrame frame;
    std::vector<std::uint16_t> signals;  // by slot
    bool fresh = false;
  };
  struct Text {
    char bytes[RISE_TEXT_MAX] = {};
    std::uint32_t length = 0;
    bool valid = false;
    bool untold = false;  // it has lost its value, and readers do not know yet
  };
  void tell_lost_texts(shm::Outlet* outlet);
  void tell_text(const Signal& signal, const Text& text, std::size_t number,
                 shm::Outlet* outlet) const;

  std::uint16_t machine_ = 0;
  std::vector<Group> groups_;
  std::vector<Signal> signals_;
  std::vector<Page> pages_;
  std::vector<Text> texts_;
  bool any_fresh_ = false;
  bool any_untold_ = false;
};

}  // namespace rise::driver
