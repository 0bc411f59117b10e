// A fake host behind which the driver's calls are watched: no memory may be taken inside a call of
// the driver, but by the host itself.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/focas_fake_host.hpp"

namespace rise::fuzz {

inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Now in a call of the driver.
inline bool in_driver = false;

inline void allocated(const volatile void*, std::size_t) {
  if (!in_driver) return;
  in_driver = false;  // what follows may allocate
  require(false, "the driver allocates in a call from the lane");
}
inline void freed(const volatile void*) {}

struct InDriver {
  explicit InDriver(bool now) : before(in_driver) { in_driver = now; }
  ~InDriver() { in_driver = before; }
  InDriver(const InDriver&) = delete;
  InDriver& operator=(const InDriver&) = delete;
  bool before;
};

// A function of the host that may allocate although the driver calls it.
template <auto Member>
struct Through;
template <class R, class... A, R (*rise_host::*Member)(void*, A...)>
struct Through<Member> {
  static R call(void* context, A... arguments) {
    const InDriver outside(false);
    auto* host = static_cast<test::FakeHost*>(context);
    return (host->abi.*Member)(context, arguments...);
  }
};

inline rise_host guarded(test::FakeHost* host) {
  rise_host out = host->abi;
  out.stream_open = Through<&rise_host::stream_open>::call;
  out.stream_send = Through<&rise_host::stream_send>::call;
  out.stream_close = Through<&rise_host::stream_close>::call;
  out.signal_write = Through<&rise_host::signal_write>::call;
  out.text_write = Through<&rise_host::text_write>::call;
  out.signal_invalidate = Through<&rise_host::signal_invalidate>::call;
  out.sample = Through<&rise_host::sample>::call;
  out.alarms = Through<&rise_host::alarms>::call;
  out.link = Through<&rise_host::link>::call;
  out.notice = Through<&rise_host::notice>::call;
  out.command_done = Through<&rise_host::command_done>::call;
  out.output_value = Through<&rise_host::output_value>::call;
  out.safe_done = Through<&rise_host::safe_done>::call;
  out.count = Through<&rise_host::count>::call;
  out.round_trip = Through<&rise_host::round_trip>::call;
  return out;
}

inline void watch_memory() { __sanitizer_install_malloc_and_free_hooks(&allocated, &freed); }

}  // namespace rise::fuzz
