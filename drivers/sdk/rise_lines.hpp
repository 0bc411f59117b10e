// SPDX-License-Identifier: CC0-1.0
//
// Optional C++20 help for drivers of devices that speak text lines over TCP: lines out of bytes in
// any segmentation, numbers out of text, when to try a connection again, and all of it together for
// devices that answer each request with one line. Nothing allocates.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

#include "rise_driver.hpp"

namespace rise::sdk {

// Cuts a stream into lines that end with '\n' or "\r\n". A line longer than Max is dropped as a
// whole, and counted: a peer that never sends a line end must not fill anybody's memory.
template <std::size_t Max>
class Lines {
 public:
  void clear() {
    length_ = 0;
    dropping_ = false;
  }
  // Calls take(std::string_view line) for each complete line, which is valid during that call. When
  // take() returns false the rest of the bytes is left out: the connection is to be closed.
  template <class Take>
  void feed(Bytes bytes, Take&& take) {
    for (const std::uint8_t byte : bytes) {
      if (byte != '\n') {
        if (length_ == Max) dropping_ = true;
        if (!dropping_) line_[length_++] = static_cast<char>(byte);
        continue;
      }
      std::size_t length = length_;
      const bool whole = !dropping_;
      clear();
      if (!whole) {
        ++too_long_;
        continue;
      }
      if (length != 0 && line_[length - 1] == '\r') --length;
      if (!take(std::string_view(line_, length))) return;
    }
  }
  [[nodiscard]] std::uint64_t too_long() const { return too_long_; }

 private:
  char line_[Max];
  std::size_t length_ = 0;
  bool dropping_ = false;
  std::uint64_t too_long_ = 0;
};

// "23.5" -> 23.5; nothing if there is anything else in it. Does not depend on the locale.
inline std::optional<double> number_of(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  if (value - value != 0) return std::nullopt;  // "nan", "inf"
  return value;
}

// When the next attempt to connect is due: the wait doubles with each failure, up to a limit, with
// up to half of it as jitter, so that a plant full of drivers does not knock all at once.
class Backoff {
 public:
  Backoff(std::int64_t min_ns, std::int64_t max_ns) : min_ns_(min_ns), max_ns_(max_ns) {}
  [[nodiscard]] bool due(std::int64_t now_ns) const { return now_ns >= due_ns_; }
  void failed(std::int64_t now_ns, std::uint32_t random) {
    wait_ns_ = wait_ns_ == 0 ? min_ns_ : wait_ns_ * 2 < max_ns_ ? wait_ns_ * 2 : max_ns_;
    due_ns_ = now_ns + wait_ns_ + wait_ns_ / 2 * (random % 1000) / 1000;
  }
  // The device has answered sensibly: the next failure starts with the shortest wait. Not upon a
  // mere connect, which says nothing about a device that hangs up at once.
  void succeeded() { wait_ns_ = 0; }

 private:
  std::int64_t min_ns_;
  std::int64_t max_ns_;
  std::int64_t wait_ns_ = 0;
  std::int64_t due_ns_ = 0;
};

// The connection to a device that answers each request with one line: opens it and opens it again,
// one request at a time, time-outs, link state, statistics. What the lines mean is the driver's.
template <std::size_t MaxLine = 256>
class LineDevice {
 public:
  struct Spec {
    const char* host = nullptr;  // lives as long as the device
    std::uint16_t port = 0;
    std::int64_t timeout_ns = 1'000'000'000;  // for an answer
    std::uint32_t connect_timeout_ms = 1000;
    std::int64_t backoff_min_ns = 100'000'000;
    std::int64_t backoff_max_ns = 5'000'000'000;
  };
  explicit LineDevice(Host host) : host_(host) {}
  // Before the lane runs.
  void use(const Spec& spec) {
    spec_ = spec;
    backoff_ = Backoff(spec.backoff_min_ns, spec.backoff_max_ns);
  }

  // Once per cycle. True: the device is connected and no request is under way, ask() now.
  bool ready(const rise_cycle& now) {
    if ((now.flags & RISE_CYCLE_STOPPING) != 0) return false;
    if (stream_ < 0) {
      if (!backoff_.due(now.now_ns)) return false;
      stream_ = host_.open(spec_.host, spec_.port, spec_.connect_timeout_ms);
      if (stream_ >= 0) {
        host_.link(RISE_LINK_CONNECTING);
      } else {
        backoff_.failed(now.now_ns, host_.random());
      }
      return false;
    }
    if (!open_) return false;
    if (request_ == 0) return true;
    if (now.now_ns - asked_ns_ > spec_.timeout_ns) {
      host_.count(RISE_COUNT_TIMEOUTS);
      drop("no answer in time");
    }
    return false;
  }

  // Sends a request. `request`: any number but 0, by which the driver knows the answer. False:
  // there is no room in the queue in this cycle; ready() will be true again in the next.
  bool ask(int request, std::string_view text, std::int64_t now_ns) {
    if (!open_ || request_ != 0 || host_.send(stream_, text) != RISE_OK) return false;
    host_.count(RISE_COUNT_SENT);
    request_ = request;
    asked_ns_ = now_ns;
    return true;
  }

  // For the driver's on_open, on_bytes, on_closed, stop.
  void opened() {
    open_ = true;
    request_ = 0;
    lines_.clear();
    if (connected_before_) host_.count(RISE_COUNT_RECONNECTS);
    connected_before_ = true;
  }
  // understand(request, line) -> whether it did. If not, the connection is made anew: after a wrong
  // answer nobody knows any more which answer belongs to which request.
  template <class Understand>
  void received(Bytes bytes, std::int64_t now_ns, Understand&& understand) {
    if (!open_) return;
    const std::uint64_t too_long = lines_.too_long();
    lines_.feed(bytes, [&](std::string_view line) {
      const int request = request_;
      request_ = 0;
      if (request == 0 || !understand(request, line)) {
        host_.count(RISE_COUNT_BAD_FRAMES);
        drop("it answered what we do not understand");
        return false;
      }
      host_.count(RISE_COUNT_RECEIVED);
      host_.round_trip(now_ns - asked_ns_);
      backoff_.succeeded();
      return true;
    });
    if (lines_.too_long() == too_long || !open_) return;
    host_.count(RISE_COUNT_BAD_FRAMES);
    drop("it sent a line that is too long");
  }
  void closed(std::int64_t now_ns) {
    stream_ = -1;
    open_ = false;
    request_ = 0;
    backoff_.failed(now_ns, host_.random());
    host_.link(RISE_LINK_DOWN, "not connected");
  }
  void stop() {
    open_ = false;
    if (stream_ >= 0) host_.close(stream_);
  }
  [[nodiscard]] bool open() const { return open_; }

 private:
  void drop(const char* why) {
    open_ = false;  // nothing more is sent, what still comes is not read; on_closed follows
    host_.link(RISE_LINK_DOWN, why);
    host_.close(stream_);
  }

  Host host_;
  Spec spec_;
  Backoff backoff_{100'000'000, 5'000'000'000};
  Lines<MaxLine> lines_;
  std::int32_t stream_ = -1;  // -1: none
  bool open_ = false;
  bool connected_before_ = false;
  int request_ = 0;
  std::int64_t asked_ns_ = 0;
};

// "SET 21.5\n" for word "SET": words, a blank, a number, a line end, without allocation.
class RequestText {
 public:
  RequestText(std::string_view word, double value) {
    const std::size_t n = word.size() < 64 ? word.size() : 64;
    std::memcpy(text_, word.data(), n);
    char* end = text_ + n;
    *end++ = ' ';
    if (value == 0) value = 0;  // not "-0"
    // Never 1e+05: a device that reads digits only would take it for 1.
    end = std::to_chars(end, text_ + sizeof text_ - 1, value, std::chars_format::fixed).ptr;
    *end++ = '\n';
    length_ = static_cast<std::size_t>(end - text_);
  }
  operator std::string_view() const { return {text_, length_}; }

 private:
  char text_[512];  // the longest number has some 330 characters
  std::size_t length_ = 0;
};

// "temperature 23.5" -> 23.5 if the line begins with that word and a number follows, and nothing
// else.
inline std::optional<double> value_after(std::string_view word, std::string_view line) {
  if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ')
    return std::nullopt;
  return number_of(line.substr(word.size() + 1));
}

}  // namespace rise::sdk
