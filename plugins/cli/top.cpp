#include "plugins/cli/top.hpp"

#include <cstdio>

#include "plugins/cli/ending.hpp"
#include "plugins/cli/terminal.hpp"

namespace rise::cli {

namespace {

constexpr int kNoCore = 3;

// Core and sidecar.
class Sight {
 public:
  Sight(Observer* observer, const std::string& region) : observer_(observer), sidecar_(region) {}
  CoreView view() {
    CoreView view = observer_->view();
    view.sidecar = sidecar_.view();
    return view;
  }
  [[nodiscard]] bool over() const { return observer_->over(); }

 private:
  Observer* observer_;
  SidecarWatcher sidecar_;
};

int watch(Sight* sight, const TopOptions& options) {
  Screen screen;
  std::size_t selected = 0;
  CoreView view = sight->view();
  while (!ending()) {
    screen.show(render_screen(view, selected, screen_size().rows));
    const char key = screen.key(options.interval_ms);
    const std::size_t machines = view.machines.size();
    if (key == 'q') return 0;
    if ((key == 'D' || key == '\t' || key == 'j') && machines > 0)
      selected = (selected + 1) % machines;
    if ((key == 'U' || key == 'k') && machines > 0) selected = (selected + machines - 1) % machines;
    if (sight->over()) return 0;
    view = sight->view();
  }
  return 0;
}

}  // namespace

int top(const TopOptions& options) {
  auto observer = Observer::attach(options.region);
  if (!observer) {
    std::fprintf(stderr, "rise top: %s\n", observer.error().c_str());
    return kNoCore;
  }
  note_ending();
  Sight sight(observer->get(), options.region);
  const auto print = [&](const CoreView& view) {
    const Histograms histograms = options.histograms ? Histograms::Whole : Histograms::Percentiles;
    const std::string text =
        options.json ? render_json(view, histograms) + "\n" : render_lines(view);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  if (options.once) {
    // Rates need two looks.
    sight.view();
    sleep_ms(250);
    print(sight.view());
    return 0;
  }
  if (!options.json && stdout_is_ours()) return watch(&sight, options);
  while (!ending() && !sight.over()) {
    print(sight.view());
    sleep_ms(options.interval_ms);
  }
  return 0;
}

}  // namespace rise::cli
