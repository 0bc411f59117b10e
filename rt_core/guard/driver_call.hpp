// Calls into a driver from which the lane comes back whatever the driver does: a crash (SIGSEGV,
// SIGBUS, SIGFPE, SIGILL, SIGABRT), a forbidden system call (SIGSYS, see seal.hpp) or an endless
// loop (the watchdog's signal) ends the call, not the core. What the driver held is lost: after a
// call that was broken off, its instance must never be called again.
//
//   lane thread                              watchdog thread
//   sequence = odd                           sees the same odd sequence for too long
//   driver->cycle(...)  ... loops ...   <--- break_sequence = sequence; tgkill
//   handler: still this call? out of it
//   sequence = even
//
// The host's services are called by the driver, and so may be interrupted by the watchdog, too.
// Where they change what others rely on, they stand in a HostSection: the break waits for its end.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rise::guard {

struct Fault {
  enum class Kind : std::uint8_t { None, Signal, SystemCall, Stuck };
  Kind kind = Kind::None;
  int signal = 0;
  int system_call = -1;        // Kind::SystemCall
  std::uintptr_t address = 0;  // Kind::Signal: of the access or the instruction
};

// What the watchdog sees of a lane.
struct CallMonitor {
  std::atomic<std::uint64_t> sequence{0};        // odd: a driver is being called
  std::atomic<std::uint64_t> break_sequence{0};  // the call that is to be broken off
  std::atomic<int> thread_id{0};                 // 0: no such thread (yet, any more)
};

// Set-up thread, once per process, after contain_input(): the handlers.
void install_fault_handlers();

// A crash that is not a driver's, and so kills the process, is noted here first. Null: nowhere.
struct DeathNote {
  std::uint64_t* signal = nullptr;  // written last, by any thread
  std::uint64_t* address = nullptr;
  std::uint64_t* thread = nullptr;
};
// Set-up thread, while no lane runs.
void note_death(const DeathNote& note);

// The signal by which the watchdog breaks off a call.
int break_signal();

// Lane thread, before its first guarded call, and after its last. Gives it the alternate stack that
// a stack overflow needs.
bool prepare_calls(CallMonitor* monitor);
void finish_calls();

// Runs f(argument). False: it was broken off, *fault says why. Without prepare_calls() f simply
// runs. Lane thread; may be nested.
[[nodiscard]] bool guarded_call(void (*f)(void*), void* argument, Fault* fault);

// For threads that call a driver now and then: prepare_calls() as long as it lives, unless the
// thread is prepared already.
class PreparedThread {
 public:
  explicit PreparedThread(CallMonitor* monitor);
  ~PreparedThread();
  PreparedThread(const PreparedThread&) = delete;
  PreparedThread& operator=(const PreparedThread&) = delete;

 private:
  bool prepared_ = false;
};

class HostSection {
 public:
  HostSection();
  ~HostSection();
  HostSection(const HostSection&) = delete;
  HostSection& operator=(const HostSection&) = delete;
};

// "segmentation fault at 0x0", "system call openat (257)", "endless loop or wait". Written without
// allocation; -> length. Lane thread.
std::size_t describe(const Fault& fault, char* text, std::size_t size);

}  // namespace rise::guard
