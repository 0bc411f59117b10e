// A program that we start and end: its output comes to us line by line, and it does not outlive us.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace rise::cli {

// The folder of the running program.
std::string program_folder();

class Child {
 public:
  Child() = default;
  // Starts `folder/name` with arguments; *why says why it could not be started.
  static bool start(const std::string& name, const std::vector<std::string>& arguments,
                    Child* child, std::string* why);
  Child(Child&& other) noexcept { *this = std::move(other); }
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] bool running() const { return pid_ > 0; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Takes in what it has printed since, whole lines.
  void read_lines(const std::function<void(const std::string& line)>& take);
  // True if it has ended by itself; *how says how ("exit code 3", "killed by signal 9").
  bool ended(std::string* how);
  // Asks it to end, waits, at last kills it.
  void stop(int wait_ms);

 private:
  std::string name_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::string partial_;
};

}  // namespace rise::cli
