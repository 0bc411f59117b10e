#include "rt_core/guard/seal.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace rise::guard {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the seal knows x86-64 and arm64"
#endif

constexpr long kAlways[] = {SYS_clock_nanosleep, SYS_io_uring_enter,
                            SYS_clock_gettime,  // where the clock source has no vDSO
                            SYS_rt_sigreturn, SYS_restart_syscall,
                            SYS_mremap,  // guard/containment puts a page in place of a lost one
                            // the end of the thread, and of the process by abort()
                            SYS_madvise, SYS_rt_sigprocmask, SYS_exit, SYS_exit_group, SYS_getpid,
                            SYS_gettid, SYS_tgkill};
constexpr long kPlainSockets[] = {
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait, SYS_epoll_ctl, SYS_recvfrom, SYS_sendto, SYS_recvmsg,
    SYS_sendmsg,     SYS_recvmmsg,  SYS_sendmmsg, SYS_ppoll,
};

constexpr long kKernelDevice[] = {SYS_sendto, SYS_recvfrom};

sock_filter statement(unsigned code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
sock_filter jump_if_equal(std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
  return {BPF_JMP | BPF_JEQ | BPF_K, yes, no, k};
}

std::vector<sock_filter> program(const SealSpec& spec) {
  std::vector<long> allowed(std::begin(kAlways), std::end(kAlways));
  const auto also = [&](const auto& more) {
    allowed.insert(allowed.end(), std::begin(more), std::end(more));
  };
  if (spec.plain_sockets) also(kPlainSockets);
  if (spec.kernel_device) also(kKernelDevice);
  const std::uint32_t otherwise = spec.mode == SealMode::Log ? SECCOMP_RET_LOG : SECCOMP_RET_TRAP;
  std::vector<sock_filter> code;
  code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  code.push_back(jump_if_equal(kArchitecture, 1, 0));
  code.push_back(statement(BPF_RET | BPF_K, otherwise));
  code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const long number : allowed) {  // one pair each, so that no jump is too far
    code.push_back(jump_if_equal(static_cast<std::uint32_t>(number), 0, 1));
    code.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
#ifdef SYS_poll
  // DPDK's drivers wait by poll() where a ring is full, one of them without a limit, and nobody
  // could break that off. Looking is allowed; what would wait fails, upon which they leave it for
  // the next cycle. (The time-out is the third argument.)
  if (spec.kernel_device) {
    code.push_back(jump_if_equal(SYS_poll, 0, 4));
    code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])));
    code.push_back(jump_if_equal(0, 0, 1));
    code.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    code.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
#endif
  // Of futex only waking others: who is not woken waits for ever. (The operation is the second
  // argument; its lower half comes first on the machines that we know.)
  code.push_back(jump_if_equal(SYS_futex, 0, 4));
  code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])));
  code.push_back(jump_if_equal(FUTEX_WAKE, 1, 0));
  code.push_back(jump_if_equal(FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 0, 1));
  code.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  code.push_back(statement(BPF_RET | BPF_K, otherwise));
  return code;
}

}  // namespace

std::string seal_thread(const SealSpec& spec) {
  if (spec.mode == SealMode::Off) return {};
  std::vector<sock_filter> code = program(spec);
  sock_fprog filter{};
  filter.len = static_cast<std::uint16_t>(code.size());
  filter.filter = code.data();
  // Without CAP_SYS_ADMIN the kernel wants this promise first; with it, it does no harm.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
    return std::string("not sealed: ") + std::strerror(errno) +
           "; the kernel needs CONFIG_SECCOMP_FILTER";
  }
  return {};
}

}  // namespace rise::guard
