// What may be asked of a running sidecar, and the answers: see README.md.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "plugins/bus/bus.hpp"
#include "plugins/control/server.hpp"
#include "plugins/host/frame_json.hpp"

namespace rise::control {

class Desk {
 public:
  // bus: outlives it. more: adds to what `stats` tells. Any thread.
  Desk(bus::Bus* bus, const std::string& region, std::function<void(boost::json::object*)> more)
      : bus_(bus), frames_(region), more_(std::move(more)) {}

  // For Server.
  std::shared_ptr<void> answer(std::string_view request, const std::shared_ptr<Session>& session);

 private:
  using Object = boost::json::object;
  [[nodiscard]] Object stats() const;
  Object publish(const Object& request);
  std::shared_ptr<void> tap(const Object& request, const std::shared_ptr<Session>& session);
  void letters(const Object& request, const std::shared_ptr<Session>& session);
  Object retry(const Object& request);

  bus::Bus* bus_;
  host::FrameJson frames_;
  std::function<void(Object*)> more_;
};

}  // namespace rise::control
