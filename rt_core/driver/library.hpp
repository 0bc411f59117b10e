// A driver's shared object: loaded, checked, described. Set-up thread.
#pragma once

#include <memory>
#include <string>

#include "drivers/sdk/rise_driver.h"
#include "rt_core/driver/signature.hpp"
#include "rt_core/result.hpp"

namespace rise::driver {

class Library {
 public:
  // Loads `path` and checks that it is a driver of an ABI that this host speaks. With keys: that
  // one of them has signed it; what is checked is what is loaded, whatever becomes of the file.
  // Each way to fail has its own sentence.
  static Result<Library> load(const std::string& path,
                              std::shared_ptr<const TrustedKeys> keys = nullptr);
  // What is in its file now, by the same keys. dlopen would give us the one that is loaded already;
  // this works on a copy, so the file may be overwritten later.
  [[nodiscard]] Result<Library> load_anew() const;
  // A driver that is linked into the program (tests).
  static Result<Library> adopt(const rise_driver* driver);

  Library(Library&& other) noexcept;
  Library& operator=(Library&& other) noexcept;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

  // As this host knows drivers: what an older driver does not have is null. At the same place for
  // the life of the library, also when it is moved.
  [[nodiscard]] const rise_driver& driver() const { return *driver_; }
  // Where it was loaded from; empty: linked into the program.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool can(std::uint64_t capability) const {
    return (driver_->capabilities & capability) != 0;
  }

 private:
  Library() = default;
  std::string take(const rise_driver* driver);  // empty: fine
  static Result<Library> open(const std::string& file, const std::string& path);
  static Result<Library> open_copy(const std::string& path,
                                   std::shared_ptr<const TrustedKeys> keys);
  std::string path_;
  std::shared_ptr<const TrustedKeys> keys_;  // null: whoever made it
  void* handle_ = nullptr;
  int copy_ = -1;  // held open, so that the next copy has another name
  std::unique_ptr<const rise_driver> driver_;
};

}  // namespace rise::driver
