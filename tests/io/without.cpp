// Runs a program on a kernel that lacks something: system calls that answer with an error, by
// seccomp.
//
//     without CALL[:FIRST[:SECOND]]=ERROR... -- PROGRAM ARGUMENTS...
//
// CALL, ERROR: numbers; FIRST, SECOND: what the call's first and second argument must be; empty:
// any.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

void load(std::vector<sock_filter>* filter, std::size_t offset) {
  filter->push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)));
}

// "426:22=22" and the like.
void add_rule(const std::string& text, std::vector<sock_filter>* filter) {
  const std::size_t equals = text.find('=');
  std::vector<std::string> parts = {""};
  for (const char c : text.substr(0, equals)) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const auto error = static_cast<unsigned>(std::atoi(text.c_str() + equals + 1));
  // Each comparison that fails jumps behind the rule.
  std::vector<std::size_t> jumps;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    load(filter, i == 0 ? offsetof(seccomp_data, nr) : offsetof(seccomp_data, args) + (i - 1) * 8);
    jumps.push_back(filter->size());
    filter->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                               static_cast<unsigned>(std::atoi(parts[i].c_str())), 0, 0));
  }
  filter->push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
  for (const std::size_t at : jumps) {
    (*filter)[at].jf = static_cast<unsigned char>(filter->size() - at - 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<sock_filter> filter;
  int program = 1;
  for (; program < argc && std::strcmp(argv[program], "--") != 0; ++program) {
    if (std::strchr(argv[program], '=') == nullptr) {
      std::fprintf(stderr, "without: %s is no rule\n", argv[program]);
      return 64;
    }
    add_rule(argv[program], &filter);
  }
  if (++program >= argc) return 64;
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog all{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) != 0) {
    std::perror("without");
    return 1;
  }
  ::execv(argv[program], argv + program);
  std::perror(argv[program]);
  return 1;
}
