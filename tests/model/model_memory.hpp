// Memory policies, with the interface of rise::shm::Hardware: ModelMemory leads the real templates'
// loads, stores and fences to the explorer. Weaken does the same, but takes the order away from one
// call site - a control that shows that the explorer would notice, and that the order is needed.
#pragma once

#include <atomic>
#include <source_location>

#include "tests/model/explorer.hpp"

namespace rise::model {

// The default argument is evaluated where the template calls, so the trace can name that line.
using Here = std::source_location;

struct ModelMemory {
  static Word load(const Word* word, std::memory_order order, const Here& at = Here::current()) {
    return Explorer::current().load(word, order, at);
  }
  static void store(Word* word, Word value, std::memory_order order,
                    const Here& at = Here::current()) {
    Explorer::current().store(word, value, order, at);
  }
  static void fence(std::memory_order order, const Here& at = Here::current()) {
    Explorer::current().fence(order, at);
  }
};

// A call site that asks for an order: which operation, on which word; of fences, which order.
struct Site {
  Operation operation = Operation::Load;
  Role role = Role::Other;
  std::memory_order fence = std::memory_order_relaxed;
  Word value_min = 0;  // stores: only of this value and above
};

constexpr Site load_of(Role role) { return {Operation::Load, role}; }
constexpr Site store_of(Role role, Word value_min = 0) {
  return {Operation::Store, role, std::memory_order_relaxed, value_min};
}
constexpr Site fence_of(std::memory_order order) { return {Operation::Fence, Role::Other, order}; }

template <Site kSite>
struct Weaken {
  static Word load(const Word* word, std::memory_order order, const Here& at = Here::current()) {
    if (kSite.operation == Operation::Load && Explorer::current().role(word) == kSite.role) {
      order = relaxed(order);
    }
    return ModelMemory::load(word, order, at);
  }
  static void store(Word* word, Word value, std::memory_order order,
                    const Here& at = Here::current()) {
    if (kSite.operation == Operation::Store && Explorer::current().role(word) == kSite.role &&
        value >= kSite.value_min) {
      order = relaxed(order);
    }
    ModelMemory::store(word, value, order, at);
  }
  static void fence(std::memory_order order, const Here& at = Here::current()) {
    if (kSite.operation == Operation::Fence && order == kSite.fence) {
      order = relaxed(order);  // a relaxed fence does nothing
    }
    ModelMemory::fence(order, at);
  }

 private:
  static std::memory_order relaxed(std::memory_order order) {
    if (order != std::memory_order_relaxed) Explorer::current().count_weakened();
    return std::memory_order_relaxed;
  }
};

}  // namespace rise::model
