// The core's side of lib/rise/io/dpdk.so: loads it, checks it, opens a device. Set-up thread. What
// comes of it is a DatagramPort, and a StreamPort, like any other.
#pragma once

#include <memory>
#include <string>

#include "rt_core/io/datagram_port.hpp"
#include "rt_core/io/dpdk/dpdk_entry.hpp"
#include "rt_core/io/stream_port.hpp"
#include "rt_core/result.hpp"

namespace rise::io {

class DpdkPort {
 public:
  // library: path of dpdk.so, e.g. beside_program(). settings.struct_size is filled in here.
  static Result<std::unique_ptr<DpdkPort>> open(const std::string& library,
                                                rise_dpdk_settings settings,
                                                const DatagramSink& sink);
  ~DpdkPort();  // when the lane has ended
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  // -> port number, or -1 and *error.
  std::int32_t declare(std::uint32_t owner, const DatagramSpec& spec, std::string* error);
  // After the last declare(), once: the device is started.
  Result<DatagramPort> table();
  // TCP over the same device, after the last declare(), once; with table(), before it or without
  // it. capacity: streams at once, 1..128. Hosts are numeric IPv4 addresses: open() says
  // RISE_E_ARGUMENT to a name. One device of a program can have this.
  Result<StreamPort> streams(std::uint32_t capacity, const StreamSink& sink);
  [[nodiscard]] std::string description() const;
  [[nodiscard]] std::string figures() const;

  // ../lib/rise/io/dpdk.so beside the folder of this program.
  static std::string beside_program();

 private:
  DpdkPort() = default;
  const rise_dpdk_api* api_ = nullptr;
  void* handle_ = nullptr;
};

}  // namespace rise::io
