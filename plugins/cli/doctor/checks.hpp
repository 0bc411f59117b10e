// The checks by subject, and how a check states what it has found.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plugins/cli/doctor/examine.hpp"

namespace rise::cli {

using Findings = std::vector<Finding>;

Findings check_kernel(const Patient& patient);
Findings check_isolation(const Patient& patient);
Findings check_processor(const Patient& patient);
Findings check_interrupts(const Patient& patient);
Findings check_memory(const Patient& patient);
Findings check_network(const Patient& patient);
Findings check_time(const Patient& patient);
Findings check_storage(const Patient& patient);

// Of devices, on one core, since the start.
std::uint64_t interrupts_served(const Patient& patient, int cpu);

struct Subject {
  const char* id;
  const char* what;
  int weight;
  const char* why;
  bool vital = false;
};

inline Finding stated(const Subject& subject, Verdict verdict, std::string found,
                      std::string remedy) {
  return {subject.id,        subject.what,   verdict,       std::move(found), subject.why,
          std::move(remedy), subject.weight, std::string(), subject.vital};
}
inline Finding pass(const Subject& subject, std::string found) {
  return stated(subject, Verdict::Pass, std::move(found), {});
}
inline Finding warn(const Subject& subject, std::string found, std::string remedy) {
  return stated(subject, Verdict::Warn, std::move(found), std::move(remedy));
}
inline Finding fail(const Subject& subject, std::string found, std::string remedy) {
  return stated(subject, Verdict::Fail, std::move(found), std::move(remedy));
}
// It could not be read: that is neither good nor bad. The remedy says how it can be.
inline Finding unknown(const Subject& subject, std::string found, std::string remedy) {
  return stated(subject, Verdict::Unknown, std::move(found), std::move(remedy));
}

}  // namespace rise::cli
