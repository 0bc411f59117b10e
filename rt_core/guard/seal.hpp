// The seal: from now on the kernel lets the calling thread make only the system calls that a lane
// needs - the sleep, the exchange with the network, its own end. In Trap mode any other call inside
// a driver ends that call with a Fault (driver_call.hpp); outside of drivers it fails with EPERM.
// Other threads are not touched. There is no way back for the thread.
//
// io_uring passes by seccomp: what the ring may do is limited by its own restrictions
// (io/uring_port).
#pragma once

#include <cstdint>
#include <string>

namespace rise::guard {

enum class SealMode : std::uint8_t { Off, Log, Trap };

struct SealSpec {
  SealMode mode = SealMode::Trap;
  bool plain_sockets = false;  // also what ports without io_uring need: epoll, send, receive
  // Also what drivers of DPDK call that stand on a device of the kernel: sendto, recvfrom, poll.
  bool kernel_device = false;
};

// Calling thread, after its last other system call of set-up. Empty: sealed; else why not.
std::string seal_thread(const SealSpec& spec);

}  // namespace rise::guard
