#include "rt_core/io/dpdk_port.hpp"

#include <dlfcn.h>
#include <unistd.h>

namespace rise::io {

namespace {

constexpr std::uint32_t kTextBytes = 1024;

}  // namespace

Result<std::unique_ptr<DpdkPort>> DpdkPort::open(const std::string& library,
                                                 rise_dpdk_settings settings,
                                                 const DatagramSink& sink) {
  // Never unloaded: DPDK's threads live as long as the process.
  void* const loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (loaded == nullptr) {
    const char* why = ::dlerror();
    return Failure{"DPDK cannot be loaded: " + std::string(why != nullptr ? why : library) +
                   "; build with libdpdk-dev installed (scripts/setup dpdk), or let the lane's "
                   "datagrams go through the kernel"};
  }
  const auto entry = reinterpret_cast<rise_dpdk_entry_fn>(::dlsym(loaded, RISE_DPDK_ENTRY));
  const rise_dpdk_api* const api = entry != nullptr ? entry() : nullptr;
  if (api == nullptr || api->version != RISE_DPDK_VERSION || api->struct_size != sizeof *api ||
      api->settings_bytes != sizeof settings || api->port_bytes != sizeof(DatagramPort) ||
      api->stream_port_bytes != sizeof(StreamPort)) {
    return Failure{library + " does not belong to this core; install both from one build"};
  }
  settings.struct_size = sizeof settings;
  char error[kTextBytes] = "";
  std::unique_ptr<DpdkPort> port(new DpdkPort);
  port->api_ = api;
  port->handle_ = api->open(&settings, &sink, error, sizeof error);
  if (port->handle_ == nullptr) return Failure{error};
  return port;
}

DpdkPort::~DpdkPort() {
  if (handle_ != nullptr) api_->close(handle_);
}

std::int32_t DpdkPort::declare(std::uint32_t owner, const DatagramSpec& spec, std::string* error) {
  char text[kTextBytes] = "";
  const std::int32_t number = api_->declare(handle_, owner, &spec, text, sizeof text);
  if (number < 0) *error = text;
  return number;
}

Result<DatagramPort> DpdkPort::table() {
  DatagramPort port;
  char error[kTextBytes] = "";
  if (api_->port(handle_, &port, error, sizeof error) != 0) return Failure{error};
  return port;
}

Result<StreamPort> DpdkPort::streams(std::uint32_t capacity, const StreamSink& sink) {
  StreamPort port;
  char error[kTextBytes] = "";
  if (api_->streams(handle_, capacity, &sink, &port, error, sizeof error) != 0) {
    return Failure{error};
  }
  return port;
}

std::string DpdkPort::description() const {
  char text[kTextBytes] = "";
  api_->describe(handle_, text, sizeof text);
  return text;
}

std::string DpdkPort::figures() const {
  char text[kTextBytes] = "";
  api_->figures(handle_, text, sizeof text);
  return text;
}

std::string DpdkPort::beside_program() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  std::string folder(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  for (int i = 0; i < 2; ++i) folder = folder.substr(0, folder.rfind('/'));
  return folder + "/lib/rise/io/dpdk.so";
}

}  // namespace rise::io
