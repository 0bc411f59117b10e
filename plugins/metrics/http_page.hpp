// One page over HTTP/1.1: GET of one path, answered with what a function says then. For those who
// scrape metrics; not for browsers at large.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace rise::metrics {

struct HttpPageOptions {
  std::string address = "127.0.0.1";  // numeric
  std::uint16_t port = 9464;          // 0: any that is free
  std::string path = "/metrics";
  std::string content_type;
  // At once; more are closed.
  std::size_t connections = 16;
};

// Has a thread of its own.
class HttpPage {
 public:
  // Throws std::system_error: it cannot listen there.
  HttpPage(const HttpPageOptions& options, std::function<std::string()> content);
  ~HttpPage();
  HttpPage(const HttpPage&) = delete;
  HttpPage& operator=(const HttpPage&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // Answers given, of any kind.
  [[nodiscard]] std::uint64_t answered() const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace rise::metrics
