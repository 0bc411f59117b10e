#include "rt_core/shm/commander.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "rt_core/message/text.hpp"
#include "rt_core/monotonic.hpp"
#include "rt_core/shm/file_lock.hpp"

namespace rise::shm {

std::uint64_t Commander::send(std::uint32_t lane, const CommandRequest& request) {
  RingShape shape;
  Word* memory = region_->commands(lane, &shape);
  if (memory == nullptr) return 0;
  const FileLock lock(region_->in().fd(),
                      static_cast<int>(LockByte::FirstCommand) + static_cast<int>(lane));
  const std::int64_t now_ns = monotonic_ns();  // under the lock, so the numbers rise
  message::Command command;
  command.mutate_sequence(static_cast<std::uint64_t>(now_ns));
  command.mutate_issued_mono_ns(now_ns);
  command.mutate_ttl_ns(request.ttl_ns);
  command.mutate_value(request.value);
  command.mutate_machine(request.machine);
  command.mutate_output(request.output);
  command.mutate_kind(request.kind);
  command.mutate_approval(request.approval);
  message::set_text(command.mutable_approver(), std::string_view(request.approver).substr(0, 31));
  Word words[sizeof command / sizeof(Word)];
  std::memcpy(words, &command, sizeof command);
  SpscProducer<> producer(memory, shape);
  return producer.push(words) ? command.sequence() : 0;
}

void Commander::set_stop_word(std::uint64_t value) {
  // Release: whatever the caller did before, the core that sees the stop may see, too.
  Hardware::store(&region_->control()->stop_word, value, std::memory_order_release);
  // Only the watchdog of stuck drivers waits for it; the lanes see the word by themselves.
  ::syscall(SYS_futex, region_->stop_futex(), FUTEX_WAKE, INT_MAX);
}

std::uint64_t Commander::stop_word() const {
  return Hardware::load(&region_->control()->stop_word, std::memory_order_relaxed);
}

void Commander::beat() {
  Hardware::store(&region_->control()->sidecar_heartbeat_ns,
                  static_cast<std::uint64_t>(monotonic_ns()), std::memory_order_relaxed);
}

}  // namespace rise::shm
