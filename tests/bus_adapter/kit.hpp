// What the checks need to know of a transport.
#pragma once

#include <memory>
#include <string>

#include "plugins/bus/adapter.hpp"

namespace rise::bus_adapter {

class Kit {
 public:
  virtual ~Kit() = default;
  // One that may be connected. Two names are two processes, as far as the transport can tell.
  virtual std::unique_ptr<bus::Adapter> adapter(const std::string& name) = 0;
  // Breaks all connections that are up; they may be made anew at once.
  virtual void cut() = 0;
  // Until up(): nobody gets in.
  virtual void down() = 0;
  virtual void up() = 0;
  // Something that is no message, where whoever has subscribed to this pattern will read it.
  virtual void garbage(const std::string& topic) = 0;
  // A topic that no other check uses.
  std::string topic() { return "conformance" + std::to_string(++topics_) + "/a"; }

 private:
  int topics_ = 0;
};

// fault: see loop_kit.cpp; empty: none. Throws std::invalid_argument: there is no such fault.
std::unique_ptr<Kit> make_loop_kit(const std::string& fault);
std::unique_ptr<Kit> make_redis_kit(std::uint16_t port);

}  // namespace rise::bus_adapter
