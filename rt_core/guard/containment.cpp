#include "rt_core/guard/containment.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace rise::guard {

namespace {

std::atomic<void*> input_base{nullptr};
std::atomic<std::size_t> input_bytes{0};
std::atomic<std::atomic<bool>*> input_lost{nullptr};

// Async-signal-safe: atomics and a bare system call.
void on_bus_error(int signal, siginfo_t* info, void*) {
  auto* base = static_cast<char*>(input_base.load(std::memory_order_acquire));
  const std::size_t bytes = input_bytes.load(std::memory_order_relaxed);
  auto* fault = static_cast<char*>(info->si_addr);
  if (base != nullptr && fault >= base && fault < base + bytes) {
    ::syscall(SYS_mmap, base, bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    input_lost.load(std::memory_order_relaxed)->store(true, std::memory_order_relaxed);
    return;  // the access is repeated, and finds zeros
  }
  // Not ours: die of it as if we had never been here.
  struct sigaction original {};
  original.sa_handler = SIG_DFL;
  ::sigaction(signal, &original, nullptr);
}

}  // namespace

void contain_input(void* base, std::size_t bytes, std::atomic<bool>* lost) {
  input_lost.store(lost, std::memory_order_relaxed);
  input_bytes.store(bytes, std::memory_order_relaxed);
  input_base.store(base, std::memory_order_release);  // the two above are complete
  struct sigaction action {};
  action.sa_sigaction = &on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, nullptr);
}

void release_input() { input_base.store(nullptr, std::memory_order_release); }

}  // namespace rise::guard
