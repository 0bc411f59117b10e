// `rise bus` and `rise dlq`: a running sidecar's bus, by its control socket.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rise::cli {

// Exit codes: 0; 1: refused; 3: no sidecar answers; 64: what was asked for is none.

struct TapOptions {
  std::string region = "rise";
  std::string pattern = "#";
  std::string filter;
  std::uint64_t count = 0;  // ends after so many; 0: when told
  double duration_s = 0;    // 0: when told
  bool history = false;
  bool json = false;
  bool raw = false;
};
// Prints what is published, until told to end.
int bus_tap(const TapOptions& options);

struct PublishOptions {
  std::string region = "rise";
  std::string topic;
  std::string payload;  // "-": what comes in on stdin
  std::string type;
  std::string priority;
  std::string guarantee;
  std::uint64_t ttl_ms = 0;
  std::vector<std::string> destinations;
  std::vector<std::string> headers;  // name=value
};
int bus_publish(const PublishOptions& options);

struct StatsOptions {
  std::string region = "rise";
  bool json = false;
};
int bus_stats(const StatsOptions& options);
// The routes, with the switches of failover.
int bus_routes(const StatsOptions& options);

struct LettersOptions {
  std::string region = "rise";
  bool json = false;
  std::uint64_t limit = 100;  // the newest
};
int dlq_list(const LettersOptions& options);

struct RetryOptions {
  std::string region = "rise";
  std::string id;
  std::string consumer;
  bool all = false;
};
int dlq_retry(const RetryOptions& options);

}  // namespace rise::cli
