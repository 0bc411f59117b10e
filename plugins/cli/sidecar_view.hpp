// What a sidecar says of itself, its bus and its plugins, by its control socket.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::cli {

struct PluginLine {
  std::string name;
  std::string state;   // "running", ...
  std::string health;  // "good", ...
  std::string text;    // why not
};

struct SidecarView {
  bool answers = false;
  std::uint64_t published = 0;
  double published_per_s = 0;  // since the last view; 0: this is the first
  std::uint64_t unrouted = 0;
  std::uint64_t waiting = 0;  // in all queues
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;
  std::uint64_t dead_letters = 0;  // held
  std::vector<PluginLine> plugins;
  std::string json;  // all that it has said
};

// One thread.
class SidecarWatcher {
 public:
  explicit SidecarWatcher(std::string region) : region_(std::move(region)) {}
  // Asks, and waits for the answer 300 ms at most.
  SidecarView view();

 private:
  std::string region_;
  std::uint64_t last_published_ = 0;
  std::int64_t last_ns_ = 0;
};

}  // namespace rise::cli
