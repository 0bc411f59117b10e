#include "rt_core/kit/checks.hpp"

#include <vector>

#include "rt_core/driver/library.hpp"

namespace rise::kit {

const Check kChecks[] = {
    {"description", "name, version, settings table are well-formed; defaults fit their ranges",
     check_description, false},
    {"life_cycle", "configure, start, run, stop, destroy; without start; twice", check_life_cycle,
     false},
    {"dialog", "with the answers of the dialog it comes up, and asks nothing else", check_dialog,
     false},
    {"stop", "at every moment, all streams are closed within the grace time", check_stop, false},
    {"settings", "each setting at its limits; wrong ones are refused with a message",
     check_settings, false},
    {"struct_sizes", "runs under an older and a newer host", check_struct_sizes, false},
    {"host_calls", "asks nothing impossible of the host: unknown signals, NaN, bad lengths",
     check_host_calls, false},
    {"garbage", "random bytes and random lines, then it recovers", check_garbage, false},
    {"torn", "bytes one by one and in any pieces mean the same", check_torn, false},
    {"oversized", "a device that sends without end", check_oversized, false},
    {"datagrams", "random datagrams of every length", check_datagrams, false},
    {"disconnects", "the connection lost after every k-th exchange", check_disconnects, false},
    {"refused", "connects that are refused or time out; not too many, and it does not give up",
     check_refused, false},
    {"silent", "a device that says nothing is noticed", check_silent, false},
    {"queue_full", "sends that the host cannot take yet", check_queue_full, false},
    {"commands", "each accepted command ends; safe() is always answered", check_commands, false},
    {"time", "the time of a step, and that nothing in it waits", check_time, false},
    {"allocations", "no allocation, lock or print on the lane", check_allocations, true},
    {"system_calls", "no system call on the lane", check_system_calls, false},
    {"leaks", "100 times configured and destroyed", check_leaks, true},
    {"determinism", "the same input gives the same output", check_determinism, false},
    {"two_instances", "two machines do not touch each other", check_two_instances, false},
    {"reload",
     "a second copy comes and goes while the first runs; one takes over between two cycles",
     check_reload, false},
    {nullptr, nullptr, nullptr, false}};

const rise_driver* load(Trial& trial) {
  static std::vector<driver::Library> loaded;
  if (loaded.empty()) {
    Result<driver::Library> library = driver::Library::load(trial.subject.path);
    if (!library) {
      trial.find(library.error());
      return nullptr;
    }
    loaded.push_back(std::move(*library));
  }
  return &loaded[0].driver();
}

bool needs_streams(Trial& trial) {
  const rise_driver* driver = load(trial);
  if (driver == nullptr) return false;
  if ((driver->capabilities & RISE_CAP_STREAM) != 0) return true;
  trial.skip("it uses no streams");
  return false;
}

}  // namespace rise::kit
