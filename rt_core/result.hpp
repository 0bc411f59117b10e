// Result<T>: a value, or a sentence for people that says what happened, where, and what to do.
// For set-up code only; on the lane errors are enums.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace rise {

struct Failure {
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : content_(std::in_place_index<1>, std::move(failure)) {}

  explicit operator bool() const { return content_.index() == 0; }
  T& operator*() { return *std::get_if<0>(&content_); }
  const T& operator*() const { return *std::get_if<0>(&content_); }
  T* operator->() { return std::get_if<0>(&content_); }
  const T* operator->() const { return std::get_if<0>(&content_); }
  const std::string& error() const { return std::get_if<1>(&content_)->message; }

 private:
  std::variant<T, Failure> content_;
};

// For calls that return nothing but may fail.
struct Done {};

}  // namespace rise
