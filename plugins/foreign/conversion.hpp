// The hook for messages of other programs: from their text to a message of the bus, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plugins/bus/message.hpp"

namespace rise::foreign {

// Of a message whose payload is the text of another program, as an adapter hands it in, or sends it
// out: topic, id, time and guarantee are the adapter's own idea.
inline constexpr char kForeignSchema[] = "foreign";
inline bool is_foreign(const bus::Message& message) { return message.schema == kForeignSchema; }

// Any thread.
class Conversion {
 public:
  virtual ~Conversion() = default;
  // raw: see above. The same text has to become the same id, if it may come twice. Empty: fine.
  // Else why it is none.
  virtual std::string from(const bus::Message& raw, bus::Message* message) const = 0;
  // The text for the other program. Absent: it cannot be said there.
  [[nodiscard]] virtual std::optional<std::string> to(const bus::Message& message) const = 0;
};

}  // namespace rise::foreign
