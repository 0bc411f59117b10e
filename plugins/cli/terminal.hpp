// A terminal: colour only where it is one, a full screen with keys for `rise top`.
#pragma once

#include <termios.h>

#include <string>

namespace rise::cli {

bool stdout_is_terminal();
// A terminal on which we may draw: it is one, and it has not lent itself to another job.
bool stdout_is_ours();
// stdout is a pipe that nobody reads any more (`rise run | head`).
bool stdout_is_gone();

enum class Tone { Plain, Bold, Dim, Good, Warning, Bad };
// The text in that tone on a terminal, as it is otherwise.
std::string tone(Tone tone, const std::string& text);

struct ScreenSize {
  int rows = 24;
  int columns = 80;
};
ScreenSize screen_size();

// The alternate screen in raw mode while it lives. One at a time. Ctrl-Z and SIGCONT are its
// business while it lives; the signals that end are not (ending.hpp), so note_ending() comes first.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  // Replaces what is shown; lines beyond the screen are cut, tones do not count.
  void show(const std::string& content);
  // A key, or 0 after `wait_ms`, after a stop by Ctrl-Z (draw again), or when ending().
  // Arrows are 'U', 'D', 'L', 'R'.
  char key(int wait_ms);

 private:
  void enter();
  void leave();
  bool stop_if_asked();
  char take_key();

  termios saved_{};
  bool keyboard_ = false;  // stdin is a terminal; its mode before us is in saved_
  bool keys_ = false;      // and it has not ended
  std::string typed_;      // and not yet taken
};

}  // namespace rise::cli
