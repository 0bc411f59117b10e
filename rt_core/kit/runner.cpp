#include "rt_core/kit/runner.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "rt_core/driver/library.hpp"
#include "rt_core/kit/fence.hpp"
#include "rt_core/monotonic.hpp"

namespace rise::kit {

namespace {

constexpr std::int64_t kStuck_ns = 5'000'000'000;    // one call into the driver
constexpr std::int64_t kLimit_ns = 300'000'000'000;  // a whole check
constexpr int kDied = 99;                            // exit code: see the scene

Scene* scene_of_crash = nullptr;

void on_crash(int signal, siginfo_t* info, void*) {
  Scene* scene = scene_of_crash;
  scene->signal.store(signal);
  scene->address.store(reinterpret_cast<std::uint64_t>(info->si_addr));
  scene->host_memory.store(Fence::holds(info->si_addr) ? 1 : 0);
  ::_exit(kDied);
}

void note_crashes(Scene* scene) {
  scene_of_crash = scene;
  // The driver's stack may be what has overflowed.
  constexpr std::size_t kBytes = 64 * 1024;
  stack_t stack{};
  stack.ss_sp = std::malloc(kBytes);
  stack.ss_size = kBytes;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = &on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS})
    ::sigaction(signal, &action, nullptr);
}

const char* crash_name(int signal) {
  switch (signal) {
    case SIGSEGV: return "segmentation fault";
    case SIGBUS: return "bus error";
    case SIGFPE: return "arithmetic error (division by zero?)";
    case SIGILL: return "illegal instruction";
    case SIGABRT: return "abort";
    case SIGSYS: return "forbidden system call";
    default: return ::strsignal(signal);
  }
}

std::vector<std::string> lines_of(const char* text) {
  std::vector<std::string> lines;
  for (std::string line; *text != '\0'; ++text) {
    if (*text != '\n') {
      line += *text;
      continue;
    }
    lines.push_back(line);
    line.clear();
  }
  return lines;
}

Scene* map_scene(int fd) {
  void* memory = ::mmap(nullptr, sizeof(Scene), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    std::perror("rise-driver-check: mmap");
    std::exit(70);
  }
  return static_cast<Scene*>(memory);
}

std::string program() {
  char path[PATH_MAX] = {};
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return {path, length > 0 ? static_cast<std::size_t>(length) : 0};
}

// Becomes this program anew, with the guard library between it and the C library.
[[noreturn]] void become_guarded(const Check& check, const Subject& subject, const RunnerSpec& spec,
                                 int scene_fd) {
  const std::string self = program();
  const std::string guard = self.substr(0, self.rfind('/')) + "/../lib/rise/librise_guard.so";
  if (::access(guard.c_str(), R_OK) == 0) ::setenv("LD_PRELOAD", guard.c_str(), 1);
  ::setenv("RISE_GUARD", "count", 1);
  ::setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
  std::vector<std::string> words = {self};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  for (const std::string& word :
       {std::string("--only"), std::string(check.name), std::string("--seed"),
        std::to_string(spec.seed), std::string("--scene"), std::to_string(scene_fd),
        std::string("--folder"), subject.folder}) {
    words.push_back(word);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(self.c_str(), arguments.data());
  std::perror(self.c_str());
  ::_exit(70);
}

// Waits for the end of a child; kills it when one call into the driver does not end.
struct Ending {
  int status = 0;
  bool stuck = false;
  bool too_long = false;
};
Ending wait_for(pid_t child, const Scene& scene) {
  const std::int64_t start_ns = monotonic_ns();
  std::int64_t since_ns = start_ns;
  std::uint64_t calls = 0;
  Ending ending;
  while (::waitpid(child, &ending.status, WNOHANG) == 0) {
    const std::int64_t now_ns = monotonic_ns();
    const std::uint64_t seen = scene.calls.load(std::memory_order_relaxed);
    if (seen != calls || seen % 2 == 0) since_ns = now_ns;
    calls = seen;
    ending.stuck = now_ns - since_ns > kStuck_ns;
    ending.too_long = now_ns - start_ns > kLimit_ns;
    if (ending.stuck || ending.too_long) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &ending.status, 0);
      return ending;
    }
    const timespec pause{0, 5'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return ending;
}

std::string where(const Scene& scene) {
  const Call call = static_cast<Call>(scene.call.load());
  if (call == Call::Load) return " while it was loaded";
  std::string text = call == Call::None ? "" : std::string(" in ") + name_of(call) + "()";
  if (scene.calls.load() % 2 == 0 && call != Call::None)
    text = " outside of the driver, after" + text.substr(3);
  if (scene.doing[0] != '\0') text += std::string(" (") + scene.doing + ")";
  return text;
}

std::string crash_text(const Scene& scene, int signal) {
  std::string text = crash_name(signal);
  if (signal == SIGSEGV || signal == SIGBUS) {
    char address[32];
    std::snprintf(address, sizeof address, " at 0x%llx",
                  static_cast<unsigned long long>(scene.address.load()));
    text += address;
    if (scene.host_memory.load() != 0)
      text += ", the host's memory: it wrote there, or read beyond the end of what it was given,";
  }
  return text + where(scene);
}

// What the guard library has printed before it ended the process.
std::string guard_words(int fd) {
  std::string text(20000, '\0');
  const ssize_t length = ::pread(fd, text.data(), text.size(), 0);
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::size_t at = text.find("rise guard: ");
  return at == std::string::npos ? "" : text.substr(at + 12, text.find('(', at) - at - 12);
}

void judge_end(const Ending& ending, const Scene& scene, int output, Outcome* outcome) {
  const bool died = WIFSIGNALED(ending.status) ||
                    (WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == kDied);
  outcome->verdict = static_cast<Verdict>(scene.verdict.load());
  outcome->findings = lines_of(scene.findings);
  outcome->notes = lines_of(scene.notes);
  const std::string guard = guard_words(output);
  if (!guard.empty()) {
    outcome->verdict = Verdict::Fail;
    outcome->findings.push_back("the first of them: " + guard + "()" + where(scene));
  } else if (ending.stuck) {
    outcome->died = true;
    outcome->findings.push_back("does not return" + where(scene) + " for 5 s");
  } else if (ending.too_long) {
    outcome->died = true;
    outcome->findings.push_back("the check did not end within 300 s" + where(scene));
  } else if (died) {
    outcome->died = true;
    const int signal = WIFSIGNALED(ending.status) ? WTERMSIG(ending.status) : scene.signal.load();
    outcome->findings.push_back(crash_text(scene, signal));
  } else if (outcome->verdict == Verdict::None) {
    outcome->died = true;
    outcome->findings.push_back("ends the process" + where(scene));
  }
  if (outcome->died) outcome->verdict = Verdict::Fail;
}

template <class Function>
pid_t start(int output, Function function) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // What a driver prints is not to be mistaken for the report.
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  function();
  ::_exit(0);
}

}  // namespace

Identity identify(const std::string& path) {
  Identity identity;
  const int scene_fd = ::memfd_create("scene", 0);
  const int output = ::memfd_create("output", 0);
  if (scene_fd < 0 || ::ftruncate(scene_fd, sizeof(Scene)) != 0) {
    identity.fault = "no memory";
    return identity;
  }
  Scene* scene = new (map_scene(scene_fd)) Scene;
  const pid_t child = start(output, [&] {
    note_crashes(scene);
    scene->enter(Call::Load);
    const Result<driver::Library> library = driver::Library::load(path);
    scene->leave();
    const std::string words = library ? std::string(library->driver().name) + "\n" +
                                            library->driver().version + "\n" +
                                            std::to_string(library->driver().abi_major) + "." +
                                            std::to_string(library->driver().abi_minor) + "\n"
                                      : library.error() + "\n";
    std::snprintf(scene->findings, sizeof scene->findings, "%s", words.c_str());
    scene->verdict.store(static_cast<std::uint32_t>(library ? Verdict::Pass : Verdict::Fail));
    ::_exit(0);  // without the destructors of the driver's library
  });
  Outcome outcome;
  judge_end(wait_for(child, *scene), *scene, output, &outcome);
  if (outcome.verdict == Verdict::Pass && outcome.findings.size() == 3) {
    identity = {outcome.findings[0], outcome.findings[1], outcome.findings[2], ""};
  } else {
    identity.fault = outcome.findings.empty() ? "cannot be loaded" : outcome.findings.back();
  }
  ::munmap(scene, sizeof(Scene));
  ::close(scene_fd);
  ::close(output);
  return identity;
}

int run_within(const Check& check, const Subject& subject, std::uint64_t seed, int scene_fd) {
  Scene* scene = map_scene(scene_fd);
  note_crashes(scene);
  Trial trial(subject, seed, scene);
  check.run(trial);
  trial.end();
  return 0;
}

Outcome run_check(const Check& check, const Subject& subject, const RunnerSpec& spec) {
  const int scene_fd = ::memfd_create("scene", 0);
  const int output = ::memfd_create("output", 0);
  Outcome outcome;
  outcome.check = check.name;
  outcome.text = check.text;
  if (scene_fd < 0 || output < 0 || ::ftruncate(scene_fd, sizeof(Scene)) != 0) {
    outcome.verdict = Verdict::Skip;
    outcome.notes.emplace_back("no memory");
    return outcome;
  }
  Scene* scene = new (map_scene(scene_fd)) Scene;
  const std::int64_t start_ns = monotonic_ns();
  const pid_t child = start(output, [&] {
    if (check.anew) become_guarded(check, subject, spec, scene_fd);
    run_within(check, subject, spec.seed, scene_fd);
    ::_exit(0);
  });
  judge_end(wait_for(child, *scene), *scene, output, &outcome);
  outcome.seconds = static_cast<double>(monotonic_ns() - start_ns) * 1e-9;
  ::munmap(scene, sizeof(Scene));
  ::close(scene_fd);
  ::close(output);
  return outcome;
}

}  // namespace rise::kit
