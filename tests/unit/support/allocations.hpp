// Counts memory taken from the heap while it lives: by operator new, and under a sanitizer by
// malloc, too. Not for several threads.
#pragma once

#include <CppUTest/TestHarness.h>
#include <CppUTest/TestMemoryAllocator.h>

#include <cstddef>
#include <cstdint>

#if defined(RISE_ASAN) || defined(RISE_TSAN)
#define RISE_TEST_MALLOC_HOOKS 1
// From <sanitizer/allocator_interface.h>, which g++ 12 does not bring along.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*taken)(const volatile void*,
                                                                       std::size_t),
                                                         void (*freed)(const volatile void*));
#endif

namespace rise::test {

inline std::uint64_t allocations_counted = 0;
inline bool allocations_wanted = false;

inline void count_allocation() { allocations_counted += allocations_wanted ? 1 : 0; }

#ifndef RISE_TEST_MALLOC_HOOKS
// CppUTest's operator new asks this one for memory.
class CountingAllocator : public TestMemoryAllocator {
 public:
  explicit CountingAllocator(TestMemoryAllocator* inner)
      : TestMemoryAllocator(inner->name(), inner->alloc_name(), inner->free_name()),
        inner_(inner) {}
  char* alloc_memory(std::size_t size, const char* file, std::size_t line) override {
    count_allocation();
    return inner_->alloc_memory(size, file, line);
  }
  void free_memory(char* memory, std::size_t size, const char* file, std::size_t line) override {
    inner_->free_memory(memory, size, file, line);
  }

 private:
  TestMemoryAllocator* inner_;
};
#endif

class Allocations {
 public:
  Allocations() {
#ifdef RISE_TEST_MALLOC_HOOKS
    static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t) { count_allocation(); }, [](const volatile void*) {});
    (void)installed;
#else
    setCurrentNewAllocator(&single_);
    setCurrentNewArrayAllocator(&array_);
#endif
    allocations_counted = 0;
    allocations_wanted = true;
  }
  ~Allocations() {
    allocations_wanted = false;
#ifndef RISE_TEST_MALLOC_HOOKS
    setCurrentNewAllocatorToDefault();
    setCurrentNewArrayAllocatorToDefault();
#endif
  }
  Allocations(const Allocations&) = delete;
  Allocations& operator=(const Allocations&) = delete;
  [[nodiscard]] std::uint64_t count() const { return allocations_counted; }

 private:
#ifndef RISE_TEST_MALLOC_HOOKS
  CountingAllocator single_{defaultNewAllocator()};
  CountingAllocator array_{defaultNewArrayAllocator()};
#endif
};

}  // namespace rise::test
