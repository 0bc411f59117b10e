// In place of tcp_streams.cpp where lwIP's sources were not there when this was built.
#include "rt_core/io/dpdk/tcp/tcp_stack.hpp"

namespace rise::io::dpdk {

std::string make_tcp(const TcpSettings& /*settings*/, TcpStack* /*out*/) {
  return "this build has no TCP over DPDK: run scripts/setup dpdk-tcp and build again, or let the "
         "lane's streams go through the kernel";
}

}  // namespace rise::io::dpdk
