// The allocation guard: a library for LD_PRELOAD that watches what a thread does between
// rise_guard_enter() and rise_guard_leave() (guard/in_cycle.hpp). For tests; production runs
// without it.
//
//   RISE_GUARD=abort   (default) the first forbidden call ends the program with a stack trace
//   RISE_GUARD=count   forbidden calls are counted; rise_guard_count() tells how many
//
// Forbidden: malloc, calloc, realloc, free, posix_memalign, aligned_alloc, mmap, munmap,
// pthread_mutex_lock, pthread_cond_wait, and the printf family. operator new and delete end in
// malloc and free.

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

thread_local bool in_cycle [[gnu::tls_model("initial-exec")]] = false;
thread_local bool reporting [[gnu::tls_model("initial-exec")]] = false;
std::atomic<unsigned long> count{0};

void say(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

void forbidden(const char* call) {
  if (!in_cycle || reporting) return;
  count.fetch_add(1, std::memory_order_relaxed);
  const char* mode = std::getenv("RISE_GUARD");
  if (mode != nullptr && std::strcmp(mode, "count") == 0) return;
  reporting = true;
  say("rise guard: ");
  say(call);
  say("() was called inside a cycle:\n");
  void* frames[32];
  const int depth = ::backtrace(frames, 32);
  ::backtrace_symbols_fd(frames, depth, STDERR_FILENO);
  ::signal(SIGABRT, SIG_DFL);  // not to be contained as a driver's own abort would be
  std::abort();
}

// The next definition of a function. dlsym itself may allocate before it has found malloc; then
// memory comes from a small pool that is never given back.
alignas(16) char pool[65536];
std::atomic<std::size_t> pool_used{0};

void* from_pool(std::size_t bytes) {
  const std::size_t at = pool_used.fetch_add((bytes + 31) / 16 * 16, std::memory_order_relaxed);
  return at + bytes <= sizeof pool ? pool + at : nullptr;
}
bool in_pool(const void* p) { return p >= pool && p < pool + sizeof pool; }

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

thread_local bool resolving [[gnu::tls_model("initial-exec")]] = false;

using Malloc = void* (*)(std::size_t);
using Calloc = void* (*)(std::size_t, std::size_t);
using Realloc = void* (*)(void*, std::size_t);
using Free = void (*)(void*);

template <class Function>
Function resolve(std::atomic<Function>* slot, const char* name) {
  Function function = slot->load(std::memory_order_relaxed);
  if (function != nullptr || resolving) return function;
  resolving = true;
  function = next<Function>(name);
  resolving = false;
  slot->store(function, std::memory_order_relaxed);
  return function;
}

std::atomic<Malloc> real_malloc{nullptr};
std::atomic<Calloc> real_calloc{nullptr};
std::atomic<Realloc> real_realloc{nullptr};
std::atomic<Free> real_free{nullptr};

}  // namespace

extern "C" {

void rise_guard_enter() { in_cycle = true; }
void rise_guard_leave() { in_cycle = false; }
unsigned long rise_guard_count() { return count.load(std::memory_order_relaxed); }

void* malloc(std::size_t bytes) {
  forbidden("malloc");
  const Malloc real = resolve(&real_malloc, "malloc");
  return real != nullptr ? real(bytes) : from_pool(bytes);
}

void* calloc(std::size_t n, std::size_t bytes) {
  forbidden("calloc");
  const Calloc real = resolve(&real_calloc, "calloc");
  return real != nullptr ? real(n, bytes) : from_pool(n * bytes);  // the pool is zero and used once
}

void* realloc(void* old, std::size_t bytes) {
  forbidden("realloc");
  const Realloc real = resolve(&real_realloc, "realloc");
  if (real != nullptr && !in_pool(old)) return real(old, bytes);
  void* fresh = malloc(bytes);
  if (fresh != nullptr && old != nullptr) {
    const auto left = static_cast<std::size_t>(pool + sizeof pool - static_cast<char*>(old));
    std::memcpy(fresh, old, bytes < left ? bytes : left);
  }
  return fresh;
}

void free(void* p) {
  if (p == nullptr || in_pool(p)) return;
  forbidden("free");
  const Free real = resolve(&real_free, "free");
  if (real != nullptr) real(p);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) {
  forbidden("posix_memalign");
  static const auto real = next<int (*)(void**, std::size_t, std::size_t)>("posix_memalign");
  return real(out, alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  forbidden("aligned_alloc");
  static const auto real = next<void* (*)(std::size_t, std::size_t)>("aligned_alloc");
  return real(alignment, bytes);
}

void* mmap(void* address, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
  forbidden("mmap");
  static const auto real = next<void* (*)(void*, std::size_t, int, int, int, off_t)>("mmap");
  return real(address, bytes, protection, flags, fd, offset);
}

int munmap(void* address, std::size_t bytes) {
  forbidden("munmap");
  static const auto real = next<int (*)(void*, std::size_t)>("munmap");
  return real(address, bytes);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  forbidden("pthread_mutex_lock");
  static const auto real = next<int (*)(pthread_mutex_t*)>("pthread_mutex_lock");
  return real(mutex);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  forbidden("pthread_cond_wait");
  static const auto real = next<int (*)(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
  return real(condition, mutex);
}

int vsnprintf(char* out, std::size_t bytes, const char* format, va_list arguments) {
  forbidden("vsnprintf");
  static const auto real = next<int (*)(char*, std::size_t, const char*, va_list)>("vsnprintf");
  return real(out, bytes, format, arguments);
}

int snprintf(char* out, std::size_t bytes, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(out, bytes, format, arguments);
  va_end(arguments);
  return n;
}

int vfprintf(std::FILE* file, const char* format, va_list arguments) {
  forbidden("vfprintf");
  static const auto real = next<int (*)(std::FILE*, const char*, va_list)>("vfprintf");
  return real(file, format, arguments);
}

int fprintf(std::FILE* file, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int n = vfprintf(file, format, arguments);
  va_end(arguments);
  return n;
}

int printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int n = vfprintf(stdout, format, arguments);
  va_end(arguments);
  return n;
}

}  // extern "C"
