// Numbers and texts as they are exported.
#pragma once

#include <string>
#include <string_view>

namespace rise::recorder {

// UTF-8: a byte that is none becomes '?'. Texts may have been cut within a character, or come from
// a control that writes in another code; readers would refuse the whole message.
std::string clean_text(std::string_view text);
// With quotes, as JSON writes it; cleaned.
std::string json_text(std::string_view text);
// As few digits as give the same number again; "null" if it is not finite.
std::string json_number(double value);

}  // namespace rise::recorder
