// The metrics plugin: what Prometheus scrapes. See README.md for what there is.

#include <stdexcept>

#include "drivers/sdk/rise_settings.hpp"
#include "plugins/host/plugin.hpp"
#include "plugins/metrics/core_metrics.hpp"
#include "plugins/metrics/http_page.hpp"

namespace rise::metrics {

namespace {

constexpr rise_setting_spec kSettings[] = {
    sdk::string("listen", 3, 63, "\"127.0.0.1:9464\"",
                "numeric address and port; [::1]:9464 for IPv6; port 0: any that is free"),
};

HttpPageOptions page_options(const std::string& listen) {
  HttpPageOptions options;
  const std::size_t colon = listen.rfind(':');
  std::size_t used = 0;
  unsigned long port = 65536;
  if (colon != std::string::npos && colon + 1 < listen.size()) {
    port = std::stoul(listen.substr(colon + 1), &used);
  }
  if (port > 65535 || used != listen.size() - colon - 1) {
    throw std::invalid_argument("listen: \"" + listen + "\" is no address:port");
  }
  options.address = listen.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']')) {
    options.address = options.address.substr(1, options.address.size() - 2);
  }
  options.port = static_cast<std::uint16_t>(port);
  options.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return options;
}

class Metrics : public host::Plugin {
 public:
  Metrics(const config::Settings& settings, host::Context* context)
      : context_(context), listen_(settings.string("listen")), core_(context->region()) {
    (void)page_options(listen_);  // what is wrong with it is said now
  }

  void start() override {
    context_->metrics([this](host::MetricsText* text) { core_.collect(text); });
    page_ = std::make_unique<HttpPage>(page_options(listen_),
                                       [this] { return context_->all_metrics(); });
    context_->log(host::Level::Info, "metrics at http://" + listen_.substr(0, listen_.rfind(':')) +
                                         ":" + std::to_string(page_->port()) + "/metrics");
  }
  void stop() override { page_.reset(); }

 private:
  host::Context* context_;
  std::string listen_;
  CoreMetrics core_;
  std::unique_ptr<HttpPage> page_;
};

constexpr host::PluginInfo kInfo{
    host::kPluginAbi,
    "metrics",
    "1.0",
    "lanes, machines, bus and plugins, for Prometheus",
    kSettings,
    [](const config::Settings& settings, host::Context* context) -> std::unique_ptr<host::Plugin> {
      return std::make_unique<Metrics>(settings, context);
    }};

}  // namespace

}  // namespace rise::metrics

extern "C" const rise::host::PluginInfo* rise_plugin_entry() { return &rise::metrics::kInfo; }
