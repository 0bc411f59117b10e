#include "rt_core/guard/driver_call.hpp"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "rt_core/guard/system_calls.hpp"

namespace rise::guard {

namespace {

constexpr std::size_t kSignalStackBytes = 64 * 1024;

struct Frame {
  sigjmp_buf jump;
  Frame* outer = nullptr;
  Fault fault;
};

// Of each thread. Plain members: only the thread itself and its own signal handlers touch them;
// volatile because the handler may come between any two instructions.
struct ThreadState {
  Frame* volatile frame = nullptr;
  volatile int host_depth = 0;
  volatile bool break_pending = false;
  CallMonitor* monitor = nullptr;
  std::uint64_t sequence = 0;
  void* stack = nullptr;
};
thread_local constinit ThreadState state;

struct sigaction previous_bus_action {};

[[noreturn]] void leave(Frame* frame, const Fault& fault) {
  frame->fault = fault;
  ::siglongjmp(frame->jump, 1);
}

DeathNote death_note;

void die_of(int signal, const siginfo_t* info) {
  const DeathNote note = death_note;
  if (note.signal != nullptr) {
    // From a process it has no address.
    *note.address = info->si_code > 0 ? reinterpret_cast<std::uintptr_t>(info->si_addr) : 0;
    *note.thread = static_cast<std::uint64_t>(::syscall(SYS_gettid));
    *note.signal = static_cast<std::uint64_t>(signal);
  }
  struct sigaction original {};
  original.sa_handler = SIG_DFL;
  ::sigaction(signal, &original, nullptr);  // the instruction is repeated, and kills
}

void on_fault(int signal, siginfo_t* info, void* context) {
  Frame* frame = state.frame;
  // abort() raises its signal by tgkill, so of the faults it alone comes from a process.
  const bool own = info->si_code > 0 || (signal == SIGABRT && info->si_pid == ::getpid());
  if (frame != nullptr && own && state.host_depth == 0) {
    leave(frame,
          {Fault::Kind::Signal, signal, -1, reinterpret_cast<std::uintptr_t>(info->si_addr)});
  }
  if (signal == SIGBUS && (previous_bus_action.sa_flags & SA_SIGINFO) != 0) {
    previous_bus_action.sa_sigaction(signal, info, context);
    return;
  }
  die_of(signal, info);
  if (info->si_code <= 0) ::raise(signal);
}

void fail_system_call(void* context, int error) {
#if defined(__x86_64__)
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -error;
#elif defined(__aarch64__)
  static_cast<ucontext_t*>(context)->uc_mcontext.regs[0] = static_cast<unsigned long>(-error);
#else
#error "the seal knows x86-64 and arm64"
#endif
}

// The call fails, and the driver runs to the end of its call, which then counts as broken off. To
// leave at once would leave locked whatever the C library had locked for it: the heap, when it asks
// the kernel for memory. A wait for a lock is the exception: it holds nothing, and would only be
// tried again.
void on_system_call(int, siginfo_t* info, void* context) {
  Frame* frame = state.frame;
  if (frame != nullptr && state.host_depth == 0) {
    const Fault fault{Fault::Kind::SystemCall, SIGSYS, info->si_syscall, 0};
    if (info->si_syscall == SYS_futex) leave(frame, fault);
    if (frame->fault.kind == Fault::Kind::None) frame->fault = fault;
  }
  // brk knows no errors: it answers with the break that there is, and 0 is below all that are
  // asked.
  const int error = info->si_syscall == SYS_brk ? 0 : info->si_syscall == SYS_mmap ? ENOMEM : EPERM;
  fail_system_call(context, error);
}

void on_break(int, siginfo_t*, void*) {
  Frame* frame = state.frame;
  CallMonitor* monitor = state.monitor;
  if (frame == nullptr || monitor == nullptr) return;
  // Relaxed: the signal itself orders what its sender wrote before; a call that has ended since has
  // another sequence.
  if (monitor->break_sequence.load(std::memory_order_relaxed) != state.sequence) return;
  if (state.host_depth != 0) {
    state.break_pending = true;
    return;
  }
  leave(frame, {Fault::Kind::Stuck, break_signal(), -1, 0});
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*), struct sigaction* previous) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  // NODEFER: leaving by longjmp must not leave the signal blocked. ONSTACK: the lane's own stack
  // may be what has overflowed.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigaction(signal, &action, previous);
}

bool enter_monitor(CallMonitor* monitor) {
  state.monitor = monitor;
  state.sequence = monitor->sequence.load(std::memory_order_relaxed);
  // Release: the watchdog that sees the thread sees the rest of the monitor.
  monitor->thread_id.store(static_cast<int>(::syscall(SYS_gettid)), std::memory_order_release);
  return true;
}

const char* name_of(int signal) {
  switch (signal) {
    case SIGSEGV: return "segmentation fault";
    case SIGBUS: return "bus error";
    case SIGFPE: return "arithmetic error";
    case SIGILL: return "illegal instruction";
    case SIGABRT: return "abort";
    default: return "signal";
  }
}

}  // namespace

int break_signal() { return SIGRTMIN + 2; }

void install_fault_handlers() {
  handle(SIGSEGV, &on_fault, nullptr);
  handle(SIGFPE, &on_fault, nullptr);
  handle(SIGILL, &on_fault, nullptr);
  handle(SIGABRT, &on_fault, nullptr);
  struct sigaction before {};
  handle(SIGBUS, &on_fault, &before);
  // Twice installed must not mean calling ourselves.
  if (before.sa_sigaction != &on_fault) previous_bus_action = before;
  handle(SIGSYS, &on_system_call, nullptr);
  handle(break_signal(), &on_break, nullptr);
}

void note_death(const DeathNote& note) { death_note = note; }

bool prepare_calls(CallMonitor* monitor) {
  if (state.stack != nullptr) return enter_monitor(monitor);  // prepared before, and finished
  void* stack = ::mmap(nullptr, kSignalStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (stack == MAP_FAILED) return false;
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = kSignalStackBytes;
  if (::sigaltstack(&alternate, nullptr) != 0) {
    ::munmap(stack, kSignalStackBytes);
    return false;
  }
  state.stack = stack;
  return enter_monitor(monitor);
}

void finish_calls() {
  if (state.monitor == nullptr) return;
  state.monitor->thread_id.store(0, std::memory_order_release);
  state.monitor = nullptr;
  // The stack stays for the rest of the thread's life: a late signal may still come.
}

PreparedThread::PreparedThread(CallMonitor* monitor)
    : prepared_(state.monitor == nullptr && prepare_calls(monitor)) {}

PreparedThread::~PreparedThread() {
  if (prepared_) finish_calls();
}

bool guarded_call(void (*f)(void*), void* argument, Fault* fault) {
  CallMonitor* const monitor = state.monitor;
  if (monitor == nullptr) {
    f(argument);
    return true;
  }
  Frame frame;
  frame.outer = state.frame;
  const int depth = state.host_depth;
  if (frame.outer == nullptr) {
    // Relaxed: the watchdog compares it with what it saw before, nothing else is ordered by it.
    monitor->sequence.store(++state.sequence, std::memory_order_relaxed);
  }
  bool whole = true;
  // 0: the signal mask is not saved, which would be a system call; see SA_NODEFER.
  if (::sigsetjmp(frame.jump, 0) == 0) {
    state.host_depth = 0;  // a driver that the host calls from a section is a driver again
    state.frame = &frame;
    f(argument);
    whole = frame.fault.kind == Fault::Kind::None;
  } else {
    whole = false;
  }
  if (!whole) *fault = frame.fault;
  state.frame = frame.outer;
  state.host_depth = depth;
  if (frame.outer == nullptr) {
    state.break_pending = false;
    monitor->sequence.store(++state.sequence, std::memory_order_relaxed);
  }
  return whole;
}

HostSection::HostSection() { state.host_depth = state.host_depth + 1; }

HostSection::~HostSection() {
  const int depth = state.host_depth - 1;
  state.host_depth = depth;
  if (depth == 0 && state.break_pending && state.frame != nullptr) {
    state.break_pending = false;
    leave(state.frame, {Fault::Kind::Stuck, break_signal(), -1, 0});
  }
}

std::size_t describe(const Fault& fault, char* text, std::size_t size) {
  char* at = text;
  char* const end = text + size;
  const auto add = [&](std::string_view part) {
    const std::size_t n = std::min(part.size(), static_cast<std::size_t>(end - at));
    std::memcpy(at, part.data(), n);
    at += n;
  };
  const auto add_number = [&](std::uint64_t number, int base) {
    if (const auto result = std::to_chars(at, end, number, base); result.ec == std::errc())
      at = result.ptr;
  };
  switch (fault.kind) {
    case Fault::Kind::Signal:
      add(name_of(fault.signal));
      if (fault.signal != SIGABRT) {
        add(" at 0x");
        add_number(fault.address, 16);
      }
      break;
    case Fault::Kind::SystemCall:
      add("forbidden system call ");
      add(system_call_name(fault.system_call));
      add(" (");
      add_number(static_cast<std::uint64_t>(fault.system_call), 10);
      add(")");
      break;
    case Fault::Kind::Stuck: add("endless loop or wait"); break;
    case Fault::Kind::None: break;
  }
  return static_cast<std::size_t>(at - text);
}

}  // namespace rise::guard
