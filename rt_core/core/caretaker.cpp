#include "rt_core/core/caretaker.hpp"

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "rt_core/monotonic.hpp"

namespace rise::core {

namespace {

// An event has room for one sentence, not for a long path in it.
std::string with_file_name(std::string text, const std::string& path) {
  if (const std::size_t at = text.find(path); at != std::string::npos) {
    text.replace(at, path.size(), path.substr(path.rfind('/') + 1));
  }
  return text;
}

}  // namespace

void Caretaker::look_after(driver::Instance* machine) {
  Ward ward;
  ward.machine = machine;
  ward.driver = machine->spec().driver;
  ward.library = machine->spec().library;
  wards_.push_back(std::move(ward));
}

bool Caretaker::start() {
  started_ = ::pthread_create(&thread_, nullptr, &Caretaker::thread, this) == 0;
  return started_;
}

void Caretaker::stop() {
  if (!started_) return;
  stop_.store(true, std::memory_order_relaxed);
  ::pthread_join(thread_, nullptr);
  started_ = false;
  for (Ward& ward : wards_) collect(&ward);
}

void* Caretaker::thread(void* self) {
  ::pthread_setname_np(::pthread_self(), "caretaker");
  auto& caretaker = *static_cast<Caretaker*>(self);
  while (!caretaker.stop_.load(std::memory_order_relaxed)) {
    caretaker.look(monotonic_ns());
    const timespec pause{0, kPeriod_ns};
    ::nanosleep(&pause, nullptr);
  }
  return nullptr;
}

void Caretaker::look(std::int64_t now_ns) {
  for (Ward& ward : wards_) {
    collect(&ward);
    if (ward.machine->take_reload_request()) reload(&ward);
    retry(&ward, now_ns);
  }
}

// Destroys what the lane has given up: on this thread, which may take its time.
void Caretaker::collect(Ward* ward) { ward->machine->collect().reset(); }

void Caretaker::reload(Ward* ward) {
  if (ward->library == nullptr) {
    ward->machine->post_notice("not reloaded: its driver is part of the program");
    return;
  }
  const std::string& path = ward->library->path();
  Result<driver::Library> loaded = ward->library->load_anew();
  if (!loaded) {
    ward->machine->post_notice("not reloaded: " + with_file_name(loaded.error(), path));
    return;
  }
  auto library = std::make_shared<const driver::Library>(std::move(*loaded));
  const rise_driver* driver = &library->driver();
  if (seat(ward, driver, library)) {
    ward->driver = driver;  // also what a retry uses from now on
    ward->library = std::move(library);
  }
}

void Caretaker::retry(Ward* ward, std::int64_t now_ns) {
  const driver::RetrySpec& spec = ward->machine->spec().retry;
  if (!ward->machine->benched()) {
    if (ward->benched_since_ns != 0) ward->running_since_ns = now_ns;
    ward->benched_since_ns = 0;
    if (now_ns - ward->running_since_ns > spec.max_ns) ward->wait_ns = 0;
    return;
  }
  if (ward->benched_since_ns == 0) {
    ward->benched_since_ns = now_ns;
    if (ward->wait_ns == 0) ward->wait_ns = spec.first_ns;
  }
  if (spec.first_ns == 0 || now_ns - ward->benched_since_ns < ward->wait_ns) return;
  // Here, not when it is seen benched again: it may be benched between two looks.
  ward->benched_since_ns = now_ns;
  ward->wait_ns = std::min(2 * ward->wait_ns, spec.max_ns);
  (void)seat(ward, ward->driver, ward->library);
}

bool Caretaker::seat(Ward* ward, const rise_driver* driver,
                     const std::shared_ptr<const driver::Library>& library) {
  std::string why;
  std::unique_ptr<driver::Seat> seat = ward->machine->prepare(driver, library, &why);
  if (seat == nullptr) {
    ward->machine->post_notice("its driver cannot take the seat: " + why);
    return false;
  }
  if (!ward->machine->offer(&seat)) {
    ward->machine->post_notice("its driver cannot take the seat: another change is under way");
    return false;
  }
  return true;
}

}  // namespace rise::core
