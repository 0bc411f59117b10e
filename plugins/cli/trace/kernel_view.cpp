#include "plugins/cli/trace/kernel_view.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace rise::cli {

namespace {

const char* const kTracefs = "/sys/kernel/tracing";
constexpr int kBufferKib = 2048;  // per core: some ten thousand events
const char* const kTimerlatCpus = "/osnoise/cpus";
const char* const kEvents[] = {"sched/sched_switch",
                               "sched/sched_wakeup",
                               "irq/irq_handler_entry",
                               "irq/irq_handler_exit",
                               "irq/softirq_entry",
                               "irq/softirq_exit",
                               "irq_vectors/local_timer_entry",
                               "irq_vectors/local_timer_exit",
                               "irq_vectors/reschedule_entry",
                               "irq_vectors/reschedule_exit",
                               "irq_vectors/call_function_entry",
                               "irq_vectors/call_function_exit",
                               "nmi/nmi_handler"};

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// Where tracefs is not mounted, it is mounted for this process alone, and goes with it.
std::string find_tracefs() {
  for (const char* path : {kTracefs, "/sys/kernel/debug/tracing"}) {
    if (is_there(std::string(path) + "/instances")) return "";
  }
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tracefs", kTracefs, "tracefs", 0, nullptr) != 0) {
    return std::strerror(errno);
  }
  return "";
}

std::string tracefs() {
  return is_there(std::string(kTracefs) + "/instances") ? kTracefs : "/sys/kernel/debug/tracing";
}

bool write_to(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return done;
}

// Hexadecimal, in groups of 32 bits, as the kernel wants it.
std::string mask_of(const std::vector<int>& cpus) {
  std::vector<std::uint32_t> words;
  for (const int cpu : cpus) {
    const auto at = static_cast<std::size_t>(cpu);
    if (words.size() <= at / 32) words.resize(at / 32 + 1);
    words[at / 32] |= std::uint32_t{1} << at % 32;
  }
  std::string out;
  for (std::size_t i = words.size(); i-- > 0;) {
    char text[12];
    std::snprintf(text, sizeof text, out.empty() ? "%x" : ",%08x", words[i]);
    out += text;
  }
  return out;
}

}  // namespace

bool KernelView::put(const std::string& file, const std::string& text) const {
  return write_to(folder_ + "/" + file, text);
}

// Empty: it runs. Else why not.
std::string KernelView::start_timerlat(const std::vector<int>& cpus) {
  const std::string path = tracefs() + kTimerlatCpus;
  std::ifstream file(path);
  std::string before;
  if (!std::getline(file, before)) return "this kernel has no timerlat";
  std::string list;
  for (const int cpu : cpus) list += (list.empty() ? "" : ",") + std::to_string(cpu);
  if (!list.empty()) {
    if (!write_to(path, list)) return "timerlat takes no list of cores (is it in use?)";
    timerlat_cpus_ = before;
  }
  return put("current_tracer", "timerlat") ? "" : "timerlat cannot be started (is it in use?)";
}

Result<std::unique_ptr<KernelView>> KernelView::open(const std::vector<int>& cpus, bool timerlat) {
  if (const std::string fault = find_tracefs(); !fault.empty()) {
    return Failure{"the kernel's tracing (tracefs) cannot be had: " + fault};
  }
  std::unique_ptr<KernelView> view(new KernelView);
  const std::string folder = tracefs() + "/instances/rise-trace-" + std::to_string(::getpid());
  if (::mkdir(folder.c_str(), 0700) != 0) {
    return Failure{"the kernel's tracing is not for us: " + folder + ": " + std::strerror(errno)};
  }
  view->folder_ = folder;
  const bool set = view->put("tracing_on", "0") && view->put("trace_clock", "mono") &&
                   view->put("buffer_size_kb", std::to_string(kBufferKib)) &&
                   (cpus.empty() || view->put("tracing_cpumask", mask_of(cpus)));
  if (!set)
    return Failure{"the kernel's tracing takes no settings: " + std::string(std::strerror(errno))};
  if (timerlat) {
    if (const std::string fault = view->start_timerlat(cpus); !fault.empty()) return Failure{fault};
  }
  bool any = false;
  for (const char* event : kEvents) {
    if (view->put(std::string("events/") + event + "/enable", "1")) {
      any = true;
    } else {
      view->missing_ += (view->missing_.empty() ? "" : " ") + std::string(event);
    }
  }
  if (!any || !view->put("tracing_on", "1")) return Failure{"this kernel has no events to trace"};
  return view;
}

std::vector<KernelEvent> KernelView::take(std::int64_t from_ns) {
  const bool off = put("tracing_on", "0");
  (void)off;  // then it only goes on into a buffer that is thrown away
  std::vector<KernelEvent> events;
  std::ifstream trace(folder_ + "/trace");
  KernelEvent event;
  for (std::string line; std::getline(trace, line);) {
    // "CPU:1 [LOST 17 EVENTS]"
    const std::size_t lost = line.find("[LOST ");
    if (line.starts_with("CPU:") && lost != std::string::npos) {
      lost_ += std::strtoull(line.c_str() + lost + 6, nullptr, 10);
    } else if (!line.starts_with("#") && parse_kernel_event(line, &event) &&
               event.at_ns >= from_ns) {
      events.push_back(event);
    }
  }
  return events;
}

KernelView::~KernelView() {
  if (folder_.empty()) return;
  const bool ended = put("current_tracer", "nop");
  if (ended && !timerlat_cpus_.empty()) write_to(tracefs() + kTimerlatCpus, timerlat_cpus_);
  ::rmdir(folder_.c_str());
}

}  // namespace rise::cli
