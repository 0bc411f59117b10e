// A terminal: colour only where it is one, a full screen with keys for `rise top`.
#pragma once

#include <string>

namespace rise::cli {

bool stdout_is_terminal();

enum class Tone { Plain, Bold, Dim, Good, Warning, Bad };
// The text in that tone on a terminal, as it is otherwise.
std::string tone(Tone tone, const std::string& text);

struct ScreenSize {
  int rows = 24;
  int columns = 80;
};
ScreenSize screen_size();

// The alternate screen in raw mode while it lives.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  // Replaces what is shown; lines beyond the screen are cut, tones do not count.
  void show(const std::string& content);
  // A key, or 0 after `wait_ms`. Arrows are 'U', 'D', 'L', 'R'.
  char key(int wait_ms);
};

}  // namespace rise::cli
