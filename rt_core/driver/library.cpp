#include "rt_core/driver/library.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "rt_core/driver/elf_file.hpp"

namespace rise::driver {

namespace {

std::string version(unsigned major, unsigned minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

// How long the description of ABI 1.0 is: up to and with `destroy`.
constexpr std::size_t kOldestBytes = offsetof(rise_driver, destroy) + sizeof(rise_driver::destroy);

// Empty: fine. `driver` as the shared object has it.
std::string size_fault(const rise_driver* driver) {
  if (driver == nullptr) return "its entry point returned nothing";
  if (driver->struct_size < kOldestBytes) return "its description is shorter than that of ABI 1.0";
  return {};
}

// A driver may have been built with an older header or a newer one: what it does not have is null,
// what we do not know is left out.
rise_driver as_known(const rise_driver* driver) {
  rise_driver known{};
  std::memcpy(&known, driver, std::min<std::size_t>(driver->struct_size, sizeof known));
  known.struct_size = sizeof known;
  return known;
}

// Empty: fine. `driver` as this host knows it.
std::string fault(const rise_driver* driver) {
  if (driver->abi_major != RISE_ABI_MAJOR || driver->abi_minor > RISE_ABI_MINOR) {
    return "it was built for driver ABI " + version(driver->abi_major, driver->abi_minor) +
           ", this core speaks " + version(RISE_ABI_MAJOR, RISE_ABI_MINOR) +
           "; build it with the header of this release";
  }
  if (driver->name == nullptr || *driver->name == '\0') return "it has no name";
  if (driver->version == nullptr || driver->summary == nullptr)
    return "it has no version or summary";
  if (driver->setting_count != 0 &&
      (driver->settings == nullptr || driver->settings->struct_size < sizeof(rise_setting_spec))) {
    return "its settings table is malformed";
  }
  if (driver->configure == nullptr || driver->start == nullptr || driver->cycle == nullptr ||
      driver->stop == nullptr || driver->destroy == nullptr) {
    return "it lacks one of configure, start, cycle, stop, destroy";
  }
  if ((driver->capabilities & RISE_CAP_STREAM) != 0 &&
      (driver->on_open == nullptr || driver->on_bytes == nullptr || driver->on_closed == nullptr)) {
    return "it claims streams but lacks one of on_open, on_bytes, on_closed";
  }
  if ((driver->capabilities & RISE_CAP_COMMAND) != 0 &&
      (driver->command == nullptr || driver->safe == nullptr)) {
    return "it claims commands but lacks one of command, safe";
  }
  if ((driver->capabilities & RISE_CAP_DATAGRAM) != 0 && driver->on_datagram == nullptr) {
    return "it claims datagrams but lacks on_datagram";
  }
  return {};
}

}  // namespace

Result<Library> Library::load(const std::string& path, std::shared_ptr<const TrustedKeys> keys) {
  return keys == nullptr ? open(path, path) : open_copy(path, std::move(keys));
}

Result<Library> Library::load_anew() const { return open_copy(path_, keys_); }

Result<Library> Library::open_copy(const std::string& path,
                                   std::shared_ptr<const TrustedKeys> keys) {
  const int from = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0) return Failure{"driver cannot be loaded: " + path + ": " + std::strerror(errno)};
  const int copy = ::memfd_create("rise-driver", MFD_CLOEXEC);
  struct stat status {};
  bool whole = copy >= 0 && ::fstat(from, &status) == 0;
  for (off_t at = 0; whole && at < status.st_size;) {
    whole = ::sendfile(copy, from, &at, static_cast<std::size_t>(status.st_size - at)) > 0;
  }
  const int error = errno;
  ::close(from);
  std::string fault;
  if (!whole) {
    fault = " cannot be copied into memory: " + std::string(std::strerror(error));
  } else if (keys != nullptr) {
    fault = keys->fault(copy, path + ".sig");
    if (!fault.empty()) fault = " " + fault;
  }
  Result<Library> library = fault.empty() ? open("/proc/self/fd/" + std::to_string(copy), path)
                                          : Result<Library>(Failure{"driver " + path + fault});
  if (library) {
    library->copy_ = copy;
    library->keys_ = std::move(keys);
  } else if (copy >= 0) {
    ::close(copy);
  }
  return library;
}

Result<Library> Library::open(const std::string& file, const std::string& path) {
  if (const std::string fault = elf_fault(file); !fault.empty()) {
    return Failure{"driver cannot be loaded: " + path + " " + fault};
  }
  Library library;
  library.path_ = path;
  // RTLD_NOW: an unresolved symbol is an error here, not a page fault or a crash inside a cycle.
  library.handle_ = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library.handle_ == nullptr)
    return Failure{std::string("driver cannot be loaded: ") + ::dlerror()};
  const auto entry =
      reinterpret_cast<rise_driver_entry_fn>(::dlsym(library.handle_, "rise_driver_entry"));
  if (entry == nullptr) {
    return Failure{"driver " + path +
                   " is not a RISE-RT driver: it does not export rise_driver_entry"};
  }
  if (const std::string why = library.take(entry()); !why.empty()) {
    return Failure{"driver " + path + " is not usable: " + why};
  }
  return library;
}

Result<Library> Library::adopt(const rise_driver* driver) {
  Library library;
  if (const std::string why = library.take(driver); !why.empty())
    return Failure{"driver not usable: " + why};
  return library;
}

std::string Library::take(const rise_driver* driver) {
  if (std::string why = size_fault(driver); !why.empty()) return why;
  driver_ = std::make_unique<const rise_driver>(as_known(driver));
  return fault(driver_.get());
}

Library::Library(Library&& other) noexcept
    : path_(std::move(other.path_)),
      keys_(std::move(other.keys_)),
      handle_(std::exchange(other.handle_, nullptr)),
      copy_(std::exchange(other.copy_, -1)),
      driver_(std::move(other.driver_)) {}

Library& Library::operator=(Library&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(keys_, other.keys_);
  std::swap(handle_, other.handle_);
  std::swap(copy_, other.copy_);
  std::swap(driver_, other.driver_);
  return *this;
}

Library::~Library() {
  if (handle_ != nullptr) ::dlclose(handle_);
  if (copy_ >= 0) ::close(copy_);
}

}  // namespace rise::driver
