// What happened in one execution, operation by operation, for people.
#pragma once

#include <atomic>
#include <source_location>
#include <string>
#include <vector>

#include "tests/model/weak_memory.hpp"

namespace rise::model {

enum class Operation : std::uint8_t { Load, Store, Fence, Remark };

struct Event {
  std::string thread;
  Operation operation = Operation::Remark;
  std::string location;  // of a remark: the text
  Word value = 0;
  std::memory_order order = std::memory_order_relaxed;
  unsigned message = 0;  // loads: the one read; stores: the one made
  unsigned oldest = 0;   // loads: the choice there was
  unsigned newest = 0;
  std::source_location at;
};

class Trace {
 public:
  void clear() { events_.clear(); }
  void add(Event event) { events_.push_back(std::move(event)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Event> events_;
};

const char* name_of(std::memory_order order);

}  // namespace rise::model
