// What the kernel does on the lanes' cores - who runs, which interrupts and soft interrupts come -
// through an instance of ftrace of our own (Documentation/trace/ftrace of the Linux kernel),
// stamped by the clock that the lanes use. Costs these cores something like a microsecond per event
// while it is open; nothing afterwards. Needs root.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plugins/cli/trace/kernel_events.hpp"
#include "rt_core/result.hpp"

namespace rise::cli {

class KernelView {
 public:
  // Watches these cores from now on; none given: all. With timerlat the kernel's tracer of that
  // name runs beside: a thread of FIFO 95 on each of them that wakes each millisecond and tells how
  // late its timer's interrupt was, and it itself. It takes a few microseconds of them each time.
  static Result<std::unique_ptr<KernelView>> open(const std::vector<int>& cpus, bool timerlat);
  ~KernelView();
  KernelView(const KernelView&) = delete;
  KernelView& operator=(const KernelView&) = delete;

  // Ends the watching. -> what was seen at or after `from_ns`.
  std::vector<KernelEvent> take(std::int64_t from_ns);
  // Events that found no room, of those that take() went through.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  // Kinds of events that this kernel does not have.
  [[nodiscard]] const std::string& missing() const { return missing_; }

 private:
  KernelView() = default;
  [[nodiscard]] bool put(const std::string& file, const std::string& text) const;
  std::string start_timerlat(const std::vector<int>& cpus);

  // Written anew to tracefs's own file at the end: that one is no instance's.
  std::string timerlat_cpus_;
  std::string folder_;  // of the instance; empty: none was made
  std::string missing_;
  std::uint64_t lost_ = 0;
};

}  // namespace rise::cli
