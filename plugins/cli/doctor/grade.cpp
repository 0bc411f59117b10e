// The grade:
//   F     a vital check has failed: PREEMPT_RT, SCHED_FIFO, memory locking, two cores
//   else  of the weights of all checks a failure loses all, a warning and what could not be read
//         lose half; what is left: A from 90 %, B from 80 %, C from 70 %, D below
//   and   not better than D if a vital check could not be read; than B if the lateness was not
//         measured, or was beyond the 20 us bar; than C beyond 40 us; than D beyond 50 us.
#include <algorithm>

#include "plugins/cli/doctor/checks.hpp"

namespace rise::cli {

namespace {

char best_for(const Patient& patient) {
  if (!patient.wake_up) return 'B';
  for (const Bar& bar : kBars) {
    if (patient.wake_up->worst_us <= bar.worst_us) return bar.grade;
  }
  return 'D';
}

}  // namespace

std::vector<Finding> examine(const Patient& patient) {
  Findings all;
  for (const auto check : {check_kernel, check_isolation, check_processor, check_interrupts,
                           check_memory, check_network, check_time, check_storage}) {
    const Findings some = check(patient);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

bool fatal(const Finding& finding) { return finding.vital && finding.verdict == Verdict::Fail; }

char grade(const std::vector<Finding>& findings, const Patient& patient) {
  int total = 0;
  int lost = 0;
  bool unread = false;
  for (const Finding& finding : findings) {
    total += finding.weight * 2;
    if (finding.verdict == Verdict::Warn || finding.verdict == Verdict::Unknown)
      lost += finding.weight;
    if (finding.verdict == Verdict::Fail) lost += finding.weight * 2;
    unread = unread || (finding.vital && finding.verdict == Verdict::Unknown);
  }
  if (total == 0 || std::any_of(findings.begin(), findings.end(), fatal)) return 'F';
  const int percent = 100 - 100 * lost / total;
  const char by_weight = percent >= 90 ? 'A' : percent >= 80 ? 'B' : percent >= 70 ? 'C' : 'D';
  return std::max({by_weight, best_for(patient), unread ? 'D' : 'A'});
}

int exit_code(const std::vector<Finding>& findings) {
  return findings.empty() || std::any_of(findings.begin(), findings.end(), fatal) ? 1 : 0;
}

}  // namespace rise::cli
