#include "plugins/cli/trace/kernel_events.hpp"

#include <map>

namespace rise::cli {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool number_of(std::string_view text, std::int64_t* value) {
  if (text.empty() || text.size() > 18) return false;
  *value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  return true;
}

}  // namespace

bool parse_kernel_event(std::string_view line, KernelEvent* event) {
  // The task's name may hold anything: the first " [number] " counts that a time follows.
  for (std::size_t open = line.find(" ["); open != std::string_view::npos;
       open = line.find(" [", open + 1)) {
    const std::size_t close = line.find("] ", open);
    std::int64_t cpu = 0;
    if (close == std::string_view::npos ||
        !number_of(line.substr(open + 2, close - open - 2), &cpu)) {
      continue;
    }
    const std::size_t colon = line.find(": ", close);
    if (colon == std::string_view::npos) continue;
    // "d.h1.  123.456789"
    const std::string_view stamp =
        line.substr(line.rfind(' ', colon) + 1, colon - line.rfind(' ', colon) - 1);
    const std::size_t point = stamp.find('.');
    std::int64_t seconds = 0;
    std::int64_t micros = 0;
    if (point == std::string_view::npos || stamp.size() - point != 7 ||
        !number_of(stamp.substr(0, point), &seconds) || seconds > 1'000'000'000 ||
        !number_of(stamp.substr(point + 1), &micros)) {
      continue;
    }
    const std::size_t end = line.find(": ", colon + 2);
    event->cpu = static_cast<int>(cpu);
    event->at_ns = (seconds * 1'000'000 + micros) * 1000;
    event->task = trimmed(line.substr(0, open));
    event->name = trimmed(line.substr(
        colon + 2, end == std::string_view::npos ? std::string_view::npos : end - colon - 2));
    if (event->name.ends_with(':')) event->name.pop_back();
    event->details = end == std::string_view::npos ? "" : trimmed(line.substr(end + 2));
    return true;
  }
  return false;
}

std::string detail_of(const KernelEvent& event, std::string_view key) {
  const std::string& text = event.details;
  const std::string wanted = std::string(key) + "=";
  std::size_t at = text.find(wanted);
  while (at != std::string::npos && at != 0 && text[at - 1] != ' ') at = text.find(wanted, at + 1);
  if (at == std::string::npos) return "";
  at += wanted.size();
  // To the blank before the next "word=", or before "==>" or "[".
  const std::size_t next = text.find('=', at);
  std::size_t end = text.size();
  if (next != std::string::npos) end = text.rfind(' ', next);
  if (end == std::string::npos || end < at) end = text.size();
  for (const char* stop : {" ==>", " ["}) {
    const std::size_t found = text.find(stop, at);
    if (found != std::string::npos && found < end) end = found;
  }
  return text.substr(at, end - at);
}

namespace {

// Turns pairs of events into spans.
class Painter {
 public:
  Painter(std::uint32_t process, TraceFile* file) : process_(process), file_(file) {}

  void draw(const KernelEvent& event) {
    last_ns_ = event.at_ns;
    Core& core = core_of(event.cpu);
    if (event.name == "sched_switch") {
      switch_tasks(event, &core);
    } else if (event.name == "irq_handler_entry") {
      core.interrupt.begin(event.at_ns,
                           "irq " + detail_of(event, "irq") + " " + detail_of(event, "name"), {});
    } else if (event.name == "softirq_entry") {
      const std::size_t at = event.details.find("action=");
      std::string name = at != std::string::npos ? event.details.substr(at + 7) : event.details;
      if (!name.empty() && name.back() == ']') name.pop_back();
      core.soft.begin(event.at_ns, name, {});
    } else if (event.name == "softirq_exit") {
      core.soft.end(event.at_ns, *this, track(event.cpu, kSoft));
    } else if (event.name.ends_with("_entry")) {
      core.interrupt.begin(event.at_ns, event.name.substr(0, event.name.size() - 6), {});
    } else if (event.name.ends_with("_exit")) {
      core.interrupt.end(event.at_ns, *this, track(event.cpu, kInterrupt));
    } else if (event.name.starts_with('#')) {  // "#12 context    irq timer_latency     932 ns"
      file_->moment(process_, track(event.cpu, kInterrupt), "timerlat " + event.name, event.at_ns);
    } else {
      if (event.name == "sched_wakeup") woken_ns_[detail_of(event, "pid")] = event.at_ns;
      file_->moment(process_, track(event.cpu, kTask), event.name + " " + detail_of(event, "comm"),
                    event.at_ns, {{"details", event.details}, {"by", event.task}});
    }
  }

  // What has not ended when the watching did.
  void finish() {
    for (auto& [cpu, core] : cores_) {
      core.task.end(last_ns_, *this, track(cpu, kTask));
      core.interrupt.end(last_ns_, *this, track(cpu, kInterrupt));
      core.soft.end(last_ns_, *this, track(cpu, kSoft));
    }
  }

 private:
  enum Kind : std::uint32_t { kTask = 0, kInterrupt = 1, kSoft = 2 };
  static std::uint32_t track(int cpu, Kind kind) {
    return static_cast<std::uint32_t>(cpu) * 3 + kind;
  }

  struct Open {
    std::int64_t since_ns = -1;
    std::string name;
    TraceFile::Details details;
    void begin(std::int64_t at_ns, std::string what, TraceFile::Details more) {
      since_ns = at_ns;
      name = std::move(what);
      details = std::move(more);
    }
    void end(std::int64_t at_ns, Painter& painter, std::uint32_t track) {
      if (since_ns >= 0) {
        painter.file_->span(painter.process_, track, name, since_ns, at_ns - since_ns,
                            std::move(details));
      }
      since_ns = -1;
    }
  };
  struct Core {
    Open task;
    Open interrupt;
    Open soft;
    std::int64_t idle_since_ns = 0;
  };

  void switch_tasks(const KernelEvent& event, Core* core) {
    const std::string before = detail_of(event, "prev_pid");
    const std::uint32_t where = track(event.cpu, kTask);
    if (core->task.since_ns < 0 && before != "0") {
      // Not every kernel tells the switch from idling to a task: then it ran since it was woken.
      const auto woken = woken_ns_.find(before);
      if (woken != woken_ns_.end() && woken->second >= core->idle_since_ns) {
        core->task.begin(woken->second, detail_of(event, "prev_comm") + " " + before,
                         {{"from", "its wake-up: the switch to it was not told"}});
      }
    }
    core->task.end(event.at_ns, *this, where);
    const std::string after = detail_of(event, "next_pid");
    if (after == "0") {
      core->idle_since_ns = event.at_ns;
    } else {
      core->task.begin(event.at_ns, detail_of(event, "next_comm") + " " + after,
                       {{"priority", detail_of(event, "next_prio")},
                        {"instead_of", detail_of(event, "prev_comm")},
                        {"whose_state_was", detail_of(event, "prev_state")}});
    }
  }

  Core& core_of(int cpu) {
    const auto [found, fresh] = cores_.try_emplace(cpu);
    if (fresh) {
      const std::string name = "core " + std::to_string(cpu);
      file_->name_track(process_, track(cpu, kTask), name);
      file_->name_track(process_, track(cpu, kInterrupt), name + " interrupts");
      file_->name_track(process_, track(cpu, kSoft), name + " soft interrupts");
    }
    return found->second;
  }

  std::uint32_t process_;
  TraceFile* file_;
  std::map<int, Core> cores_;
  std::map<std::string, std::int64_t> woken_ns_;  // by pid
  std::int64_t last_ns_ = 0;
};

}  // namespace

void draw_kernel(const std::vector<KernelEvent>& events, std::uint32_t process, TraceFile* file) {
  file->name_process(process, "kernel");
  Painter painter(process, file);
  for (const KernelEvent& event : events) painter.draw(event);
  painter.finish();
}

}  // namespace rise::cli
