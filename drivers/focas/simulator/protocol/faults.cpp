#include "drivers/focas/simulator/protocol/faults.hpp"

#include <algorithm>
#include <cmath>

namespace rise::cncsim {

namespace {

constexpr double kSecond_ns = 1e9;

bool acts_on_machine(FaultKind kind) {
  return kind == FaultKind::Alarm || kind == FaultKind::Emergency;
}

bool is_active(const Faults::Entry& entry, std::int64_t now_ns) {
  const FaultSpec& spec = entry.spec;
  if (spec.count > 0 && entry.hits >= spec.count) return false;
  double t = static_cast<double>(now_ns - entry.start_ns) / kSecond_ns - spec.after_s;
  if (t < 0) return false;
  if (spec.every_s > 0) t = std::fmod(t, spec.every_s);
  return spec.for_s <= 0 || t < spec.for_s;
}

bool in_scope(const FaultSpec& spec, FaultScope scope) {
  if (spec.kind == FaultKind::RefuseOpen || spec.kind == FaultKind::HalfOpen) {
    return scope == FaultScope::Open;
  }
  if (spec.kind == FaultKind::ErrorBlock) return scope == FaultScope::Data;
  return spec.scope == FaultScope::All || spec.scope == scope;
}

bool has_command(focas::wire::Bytes body, int command) {
  if (command < 0) return true;
  focas::wire::RequestReader reader(body);
  focas::wire::RequestBlock block;
  while (reader.next(&block)) {
    if (block.command == command) return true;
  }
  return false;
}

}  // namespace

void Faults::add(const FaultSpec& spec) { entries_.push_back({spec, -1, 0, false}); }

void Faults::act(const Entry& entry, bool on, Control* control) {
  const FaultSpec& spec = entry.spec;
  if (spec.kind == FaultKind::Emergency) {
    control->press_emergency(on);
  } else if (on) {
    const int type = alarm_type(control->personality().is_new(), spec.alarm_type);
    control->path(0).alarms().raise(
        {spec.alarm_number, std::max(0, type), spec.alarm_axis, spec.alarm_text});
  } else {
    control->path(0).alarms().clear(spec.alarm_number);
  }
}

std::size_t Faults::clear(std::optional<FaultKind> kind, Control* control) {
  const auto goes = [&](const Entry& entry) { return !kind || entry.spec.kind == *kind; };
  for (const Entry& entry : entries_) {
    if (goes(entry) && entry.active && acts_on_machine(entry.spec.kind)) act(entry, false, control);
  }
  const std::size_t count = std::erase_if(entries_, goes);
  listening_ = std::none_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.active && entry.spec.kind == FaultKind::RefuseListen;
  });
  return count;
}

void Faults::advance(std::int64_t now_ns, Control* control) {
  if (entries_.empty()) return;
  listening_ = true;
  for (Entry& entry : entries_) {
    if (entry.start_ns < 0) entry.start_ns = now_ns;
    const bool active = is_active(entry, now_ns);
    if (active != entry.active && acts_on_machine(entry.spec.kind)) {
      act(entry, active, control);
      if (active) ++entry.hits;
    }
    entry.active = active;
    if (active && entry.spec.kind == FaultKind::RefuseListen) listening_ = false;
  }
}

bool Faults::strikes(Entry* entry, FaultScope scope, focas::wire::Bytes body) {
  const FaultSpec& spec = entry->spec;
  if (!entry->active || acts_on_machine(spec.kind) || spec.kind == FaultKind::RefuseListen) {
    return false;
  }
  if (!in_scope(spec, scope) || (spec.count > 0 && entry->hits >= spec.count)) return false;
  if (spec.kind == FaultKind::ErrorBlock && !has_command(body, spec.command)) return false;
  if (spec.probability < 1 && random_.unit() >= spec.probability) return false;
  ++entry->hits;
  return true;
}

FaultPlan Faults::decide(FaultScope scope, focas::wire::Bytes body) {
  FaultPlan plan;
  for (Entry& entry : entries_) {
    if (!strikes(&entry, scope, body)) continue;
    const FaultSpec& spec = entry.spec;
    switch (spec.kind) {
      case FaultKind::Delay: {
        const auto jitter = random_.below(static_cast<std::uint64_t>(spec.jitter_us) + 1);
        plan.delay_ns += (spec.delay_us + static_cast<std::int64_t>(jitter)) * 1000;
        break;
      }
      case FaultKind::Stall:
      case FaultKind::HalfOpen: plan.stall = true; break;
      case FaultKind::Reset: plan.reset = true; break;
      case FaultKind::RefuseOpen: plan.refuse = true; break;
      case FaultKind::Torn:
        plan.piece_bytes = static_cast<std::size_t>(std::max<std::int64_t>(1, spec.amount));
        plan.gap_ns = spec.gap_us * 1000;
        break;
      case FaultKind::Garbage: plan.garbage = true; break;
      case FaultKind::HeaderLength: plan.header_delta = static_cast<int>(spec.amount); break;
      case FaultKind::BlockLength: plan.block_delta = static_cast<int>(spec.amount); break;
      case FaultKind::ErrorBlock:
        plan.error = {true, spec.command, static_cast<focas::wire::Status>(spec.status)};
        break;
      case FaultKind::Truncate: plan.truncate = true; break;
      case FaultKind::Repeat: plan.repeat = true; break;
      case FaultKind::RefuseListen:
      case FaultKind::Alarm:
      case FaultKind::Emergency: break;
    }
  }
  return plan;
}

}  // namespace rise::cncsim
