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
// Empty memory of the same size, made and filled in advance: at the moment of need nothing has to
// be allocated, only moved.
std::atomic<void*> spare{nullptr};

// Puts the spare in the place of the input. Async-signal-safe: atomics and a bare system call.
// False: that failed. Two threads may come at once; the second finds the work done or under way.
bool replace_input(char* base, std::size_t bytes) {
  input_lost.load(std::memory_order_relaxed)->store(true, std::memory_order_relaxed);
  // Acquire and release: one thread alone gets it.
  void* memory = spare.exchange(nullptr, std::memory_order_acq_rel);
  if (memory == nullptr) return true;
  // In one step: no other thread finds the place empty.
  return ::syscall(SYS_mremap, memory, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, base) ==
         reinterpret_cast<long>(base);
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  auto* base = static_cast<char*>(input_base.load(std::memory_order_acquire));
  const std::size_t bytes = input_bytes.load(std::memory_order_relaxed);
  auto* fault = static_cast<char*>(info->si_addr);
  const bool of_input = base != nullptr && fault >= base && fault < base + bytes;
  if (of_input && replace_input(base, bytes)) return;  // the access is repeated, and finds zeros
  // Not ours, or beyond repair: die of it as if we had never been here. Without this the access
  // would be repeated for ever, at real-time priority.
  struct sigaction original {};
  original.sa_handler = SIG_DFL;
  ::sigaction(signal, &original, nullptr);
}

}  // namespace

bool contain_input(void* base, std::size_t bytes, std::atomic<bool>* lost) {
  release_input();
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return false;
  spare.store(memory, std::memory_order_relaxed);
  input_lost.store(lost, std::memory_order_relaxed);
  input_bytes.store(bytes, std::memory_order_relaxed);
  input_base.store(base, std::memory_order_release);  // the three above are complete
  struct sigaction action {};
  action.sa_sigaction = &on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGBUS, &action, nullptr);
  return true;
}

void abandon_input() {
  auto* base = static_cast<char*>(input_base.load(std::memory_order_acquire));
  if (base != nullptr) replace_input(base, input_bytes.load(std::memory_order_relaxed));
}

void release_input() {
  input_base.store(nullptr, std::memory_order_release);
  void* memory = spare.exchange(nullptr, std::memory_order_acq_rel);
  if (memory != nullptr) ::munmap(memory, input_bytes.load(std::memory_order_relaxed));
}

}  // namespace rise::guard
