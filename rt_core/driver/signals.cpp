#include "rt_core/driver/signals.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "rt_core/message/text.hpp"

namespace rise::driver {

namespace {

bool valid_name(const char* name) {
  if (name == nullptr) return false;
  const std::size_t length = std::strlen(name);
  if (length == 0 || length > 63) return false;
  return std::all_of(name, name + length, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool fits(const char* text, std::size_t max) { return text == nullptr || std::strlen(text) <= max; }

}  // namespace

std::int32_t Signals::declare_group(const rise_group_spec& spec) {
  if (spec.struct_size < sizeof spec || spec.name == nullptr || spec.period_ns <= 0)
    return RISE_E_ARGUMENT;
  if (groups_.size() == kMaxGroups) return RISE_E_LIMIT;
  groups_.push_back({spec.name, spec.period_ns, 0, {}});
  return static_cast<std::int32_t>(groups_.size() - 1);
}

std::int32_t Signals::declare_signal(const rise_signal_spec& spec) {
  if (spec.struct_size < sizeof spec || !valid_name(spec.name) || spec.group >= groups_.size() ||
      spec.type < RISE_SIGNAL_NUMBER || spec.type > RISE_SIGNAL_TEXT || !fits(spec.unit, 15) ||
      !fits(spec.choices, 191) || find(spec.name) >= 0) {
    return RISE_E_ARGUMENT;
  }
  if (signals_.size() == kMaxSignals) return RISE_E_LIMIT;
  Signal signal;
  signal.name = spec.name;
  signal.unit = spec.unit == nullptr ? "" : spec.unit;
  signal.choices = spec.choices == nullptr ? "" : spec.choices;
  signal.min = spec.min;
  signal.max = spec.max;
  signal.type = spec.type;
  signal.group = static_cast<std::uint16_t>(spec.group);
  signals_.push_back(signal);
  return static_cast<std::int32_t>(signals_.size() - 1);
}

std::string Signals::difference(const Signals& other) const {
  if (groups_.size() != other.groups_.size()) return "it has another number of groups";
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].name != other.groups_[i].name ||
        groups_[i].period_ns != other.groups_[i].period_ns) {
      return "its group " + groups_[i].name + " is another";
    }
  }
  if (signals_.size() != other.signals_.size()) return "it has another number of signals";
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    const Signal& a = signals_[i];
    const Signal& b = other.signals_[i];
    if (a.name != b.name || a.unit != b.unit || a.choices != b.choices || a.type != b.type ||
        a.group != b.group || a.min != b.min || a.max != b.max) {
      return "its signal " + a.name + " is another";
    }
  }
  return {};
}

void Signals::lay_out(std::uint16_t machine, std::uint16_t first_text) {
  machine_ = machine;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t i = 0; i < signals_.size(); ++i) {
      Signal& signal = signals_[i];
      if (signal.group != g) continue;
      if (signal.type == RISE_SIGNAL_TEXT) {
        signal.text = static_cast<std::uint16_t>(texts_.size());
        signal.slot = static_cast<std::uint16_t>(first_text + signal.text);
        texts_.emplace_back();
        continue;
      }
      auto& pages = groups_[g].pages;
      if (pages.empty() || pages_[pages.back()].signals.size() == kSignalsPerPage) {
        pages.push_back(static_cast<std::uint16_t>(pages_.size()));
        Page page;
        page.frame.mutate_machine(machine);
        page.frame.mutate_page(pages.back());
        page.frame.mutate_group(static_cast<std::uint8_t>(g));
        page.frame.mutate_quality(message::Quality::Bad);
        pages_.push_back(page);
      }
      Page& page = pages_[pages.back()];
      signal.page = pages.back();
      signal.slot = static_cast<std::uint16_t>(page.signals.size());
      page.signals.push_back(static_cast<std::uint16_t>(i));
      page.frame.mutate_count(static_cast<std::uint16_t>(page.signals.size()));
    }
  }
}

std::vector<message::SignalEntry> Signals::entries() const {
  std::vector<message::SignalEntry> entries;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    const Signal& signal = signals_[i];
    message::SignalEntry entry;
    message::set_text(entry.mutable_name(), signal.name);
    message::set_text(entry.mutable_unit(), signal.unit);
    message::set_text(entry.mutable_choices(), signal.choices);
    entry.mutate_min(signal.min);
    entry.mutate_max(signal.max);
    entry.mutate_period_ns(groups_[signal.group].period_ns);
    entry.mutate_machine(machine_);
    entry.mutate_number(static_cast<std::uint16_t>(i));
    entry.mutate_page(signal.page);
    entry.mutate_slot(signal.slot);
    entry.mutate_type(static_cast<message::SignalType>(signal.type));
    entry.mutate_group(static_cast<std::uint8_t>(signal.group));
    entries.push_back(entry);
  }
  return entries;
}

std::size_t Signals::text_count() const {
  return static_cast<std::size_t>(
      std::count_if(signals_.begin(), signals_.end(),
                    [](const Signal& s) { return s.type == RISE_SIGNAL_TEXT; }));
}

double Signals::frames_per_second() const {
  double rate = 0;
  for (const Group& group : groups_) {
    rate += static_cast<double>(group.pages.size()) * 1e9 / static_cast<double>(group.period_ns);
  }
  return rate;
}

std::vector<std::string> Signals::names() const {
  std::vector<std::string> names;
  for (const Signal& signal : signals_) names.push_back(signal.name);
  return names;
}

std::int32_t Signals::find(const std::string& name) const {
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (signals_[i].name == name) return static_cast<std::int32_t>(i);
  }
  return -1;
}

std::int32_t Signals::write(std::int32_t number, double value) {
  if (number < 0 || static_cast<std::size_t>(number) >= signals_.size()) return RISE_E_ARGUMENT;
  const Signal& signal = signals_[static_cast<std::size_t>(number)];
  if (signal.type == RISE_SIGNAL_TEXT) return RISE_E_ARGUMENT;
  message::TelemetryFrame& frame = pages_[signal.page].frame;
  const std::uint64_t bit = std::uint64_t{1} << signal.slot;
  if (!std::isfinite(value) || value < signal.min || value > signal.max) {
    frame.mutate_valid(frame.valid() & ~bit);
    return RISE_E_ARGUMENT;
  }
  frame.mutable_values()->Mutate(signal.slot, value);
  frame.mutate_valid(frame.valid() | bit);
  return RISE_OK;
}

std::int32_t Signals::invalidate(std::int32_t number) {
  if (number < 0 || static_cast<std::size_t>(number) >= signals_.size()) return RISE_E_ARGUMENT;
  const Signal& signal = signals_[static_cast<std::size_t>(number)];
  if (signal.type == RISE_SIGNAL_TEXT) {
    // Told with the cycle's publication, as invalidate_all tells it; only once.
    Text& text = texts_[signal.text];
    text.untold = text.untold || text.valid;
    any_untold_ = any_untold_ || text.untold;
    text.valid = false;
    return RISE_OK;
  }
  message::TelemetryFrame& frame = pages_[signal.page].frame;
  frame.mutate_valid(frame.valid() & ~(std::uint64_t{1} << signal.slot));
  return RISE_OK;
}

std::int32_t Signals::write_text(std::int32_t number, std::string_view text, shm::Outlet* outlet) {
  if (number < 0 || static_cast<std::size_t>(number) >= signals_.size()) return RISE_E_ARGUMENT;
  const Signal& signal = signals_[static_cast<std::size_t>(number)];
  if (signal.type != RISE_SIGNAL_TEXT) return RISE_E_ARGUMENT;
  Text& stored = texts_[signal.text];
  if (text.size() > RISE_TEXT_MAX) text.remove_suffix(text.size() - RISE_TEXT_MAX);
  if (stored.valid && text == std::string_view(stored.bytes, stored.length)) {
    // Nothing to tell, but readers see by its time that it holds still.
    outlet->text(signal.slot, text, true);
    return RISE_OK;
  }
  if (!text.empty()) std::memcpy(stored.bytes, text.data(), text.size());
  stored.length = static_cast<std::uint32_t>(text.size());
  stored.valid = true;
  stored.untold = false;
  tell_text(signal, stored, static_cast<std::size_t>(number), outlet);
  return RISE_OK;
}

void Signals::tell_text(const Signal& signal, const Text& text, std::size_t number,
                        shm::Outlet* outlet) const {
  const std::string_view view(text.bytes, text.valid ? text.length : 0);
  outlet->text(signal.slot, view, text.valid);
  if (!text.valid) return;
  shm::Event event;
  event.kind = message::EventKind::Text;
  event.machine = machine_;
  event.code = static_cast<std::int32_t>(number);
  event.text = view;
  outlet->event(event);
}

std::int32_t Signals::sample(std::int32_t number, std::int64_t time_ns) {
  if (number < 0 || static_cast<std::size_t>(number) >= groups_.size()) return RISE_E_ARGUMENT;
  Group& group = groups_[static_cast<std::size_t>(number)];
  const bool late = group.last_sample_ns != 0 &&
                    time_ns - group.last_sample_ns > group.period_ns + group.period_ns / 2;
  group.last_sample_ns = time_ns;
  for (const std::uint16_t index : group.pages) {
    Page& page = pages_[index];
    page.frame.mutate_sample_mono_ns(time_ns);
    page.frame.mutate_quality(late ? message::Quality::Late : message::Quality::Good);
    page.fresh = true;
  }
  any_fresh_ = true;
  return RISE_OK;
}

void Signals::invalidate_all(shm::Outlet* outlet) {
  for (Page& page : pages_) {
    page.frame.mutate_valid(0);
    page.frame.mutate_quality(message::Quality::Bad);
    page.fresh = page.frame.sequence() != 0;
    any_fresh_ = any_fresh_ || page.fresh;
  }
  for (Group& group : groups_) group.last_sample_ns = 0;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (signals_[i].type != RISE_SIGNAL_TEXT || !texts_[signals_[i].text].valid) continue;
    texts_[signals_[i].text].valid = false;
    texts_[signals_[i].text].untold = false;
    tell_text(signals_[i], texts_[signals_[i].text], i, outlet);
  }
}

// Texts that have lost their value since the last publication.
void Signals::tell_lost_texts(shm::Outlet* outlet) {
  any_untold_ = false;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (signals_[i].type != RISE_SIGNAL_TEXT || !texts_[signals_[i].text].untold) continue;
    texts_[signals_[i].text].untold = false;
    tell_text(signals_[i], texts_[signals_[i].text], i, outlet);
  }
}

std::uint32_t Signals::publish(shm::Outlet* outlet) {
  if (any_untold_) tell_lost_texts(outlet);
  if (!any_fresh_) return 0;
  any_fresh_ = false;
  std::uint32_t count = 0;
  for (Page& page : pages_) {
    if (!page.fresh) continue;
    page.fresh = false;
    page.frame.mutate_sequence(page.frame.sequence() + 1);
    outlet->frame(&page.frame);
    ++count;
  }
  return count;
}

}  // namespace rise::driver
