// How a device answers, as far as a file can say it: one line per request, "request => reply", with
// \n \r \t \\ and \xNN for bytes. {number} in a reply is a number that changes from reply to reply;
// {1} in a request takes what stands there, and gives it back in the reply.
//
//   READ\n => temperature {number}\n
//   SET {1}\n => setpoint {1}\n
//
// With it the checks get past the first answer of the device; without it they only have garbage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rt_core/result.hpp"

namespace rise::kit {

class Dialog {
 public:
  static Result<Dialog> read(const std::string& path);
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  // Takes a complete request from the front of *received. Nothing: none is complete yet.
  // *understood: false if nothing in the dialog begins like this.
  std::optional<std::string> answer(std::string* received, std::uint64_t* random,
                                    bool* understood) const;

 private:
  struct Entry {
    std::string before;  // of {1}
    std::string after;
    bool takes = false;
    std::string reply;
  };
  std::vector<Entry> entries_;
};

}  // namespace rise::kit
