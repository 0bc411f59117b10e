// The redis plugin: topics of the bus to Redis and back, through a courier.

#include <chrono>
#include <fstream>
#include <stdexcept>

#include "drivers/sdk/rise_settings.hpp"
#include "plugins/foreign/field_mapping.hpp"
#include "plugins/host/frame_json.hpp"
#include "plugins/host/plugin.hpp"
#include "plugins/outbound/courier.hpp"
#include "plugins/redis/adapter.hpp"
#include "plugins/redis/queue_bridge.hpp"
#include "plugins/text/utc.hpp"

namespace rise::redis {

namespace {

constexpr char kGuarantees[] = "as_sent|best_effort|at_least_once|exactly_once|ordered";

constexpr rise_setting_spec kSettings[] = {
    sdk::string("host", 1, 255, "\"127.0.0.1\"", "name or address of the server"),
    sdk::integer("port", 1, 65535, "6379", nullptr, "its port"),
    sdk::flag("cluster", "false", "it is a Redis Cluster"),
    sdk::integer("database", 0, 15, "0", nullptr, "a cluster has only 0"),
    sdk::string("user", 0, 255, "\"\"", "ACL user; empty: default"),
    sdk::string("password_file", 0, 255, "\"\"",
                "file whose first line is the password; empty: none"),
    sdk::flag("tls", "false", "TLS 1.2 or later"),
    sdk::string("tls_ca", 0, 255, "\"\"",
                "PEM file of the authority that signed the server's certificate"),
    sdk::string("tls_name", 0, 255, "\"\"", "DNS name in it; empty: host"),
    sdk::string("tls_certificate", 0, 255, "\"\"", "PEM file of our own, where the server asks"),
    sdk::string("tls_key", 0, 255, "\"\"", "PEM file of its key"),
    sdk::string("client_name", 0, 63, "\"\"",
                "our name there: differs between any two; empty: sidecar-<core>"),
    sdk::string("prefix", 0, 63, "\"rise:\"", "of all keys and channels"),
    sdk::integer("stream_max_entries", 0, 1e9, "1000000", nullptr,
                 "streams are trimmed to about so many; 0: never"),
    sdk::string("publish.*", 1, 255, nullptr,
                "topics of the bus that go there, as patterns; see also [[route]]"),
    sdk::choice("guarantee", kGuarantees, "\"at_least_once\"",
                "of what goes there; at_least_once and above use streams"),
    sdk::choice("telemetry", "json|binary", "\"json\"", "how telemetry frames are written there"),
    sdk::string("subscribe.*", 1, 255, nullptr, "topics that come from there, as patterns"),
    sdk::choice("subscribe_guarantee", "best_effort|at_least_once", "\"at_least_once\"",
                "of what comes from there: pub/sub or streams"),
    sdk::string("push.*", 3, 511, nullptr,
                "classic work queues: \"pattern=queue\", e.g. \"alarm/#=queue:alerts\""),
    sdk::string("pop.*", 1, 255, nullptr,
                "work queues whose items are published here as queue/<name>"),
    sdk::integer("queue_max_items", 0, 1e9, "1000000", nullptr,
                 "how long a work queue may get; then the oldest go; 0: no limit"),
    sdk::string("group", 0, 63, "\"\"", "consumer group that shares it; empty: one of our own"),
    sdk::string(
        "store", 0, 255, "\"\"",
        "folder that keeps what must not be lost while Redis is away; empty: nothing is kept, "
        "and what must not be lost is a dead letter"),
    sdk::integer("store_max_mib", 2, 1048576, "1024", "MiB", "its size; the oldest goes first"),
    sdk::integer("store_sync_ms", 0, 60000, "100", "ms",
                 "how often it is forced to the disk; 0: each record"),
    sdk::integer("batch", 1, 10000, "256", nullptr, "messages at once"),
    sdk::string("foreign_map.*", 3, 511, nullptr,
                "for JSON of other programs: ours=their.path, type.THEIRS=Ours (plugins/foreign)"),
    sdk::string("foreign_topics.*", 1, 255, nullptr,
                "topics that go out as JSON of other programs, as patterns"),
    sdk::choice("pack", "off|negotiated", "\"off\"",
                "many messages as one, compressed, where all who read are sidecars that understand "
                "it (plugins/packing)"),
    sdk::integer("pack_min_bytes", 1, 1048576, "1024", "bytes",
                 "payloads of one topic in one batch, from which on they are packed"),
    sdk::integer("pack_level", 1, 19, "3", nullptr, "of zstd; with a dictionary always 3"),
    sdk::number("rate_per_s", 0, 1e9, "0.0", nullptr, "messages at most; 0: no limit"),
};

std::string first_line(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    throw std::runtime_error("password_file: " + path + " cannot be read, or is empty");
  }
  return line;
}

Options adapter_options(const config::Settings& settings, const std::string& region) {
  Options options;
  options.endpoints = {
      {settings.string("host"), static_cast<std::uint16_t>(settings.integer("port"))}};
  options.cluster = settings.flag("cluster");
  ConnectionOptions& connection = options.connection;
  connection.database = static_cast<std::uint32_t>(settings.integer("database"));
  connection.user = settings.string("user");
  connection.password = first_line(settings.string("password_file"));
  connection.client_name = settings.string("client_name");
  if (connection.client_name.empty()) connection.client_name = "sidecar-" + region;
  connection.tls.enabled = settings.flag("tls");
  connection.tls.ca_file = settings.string("tls_ca");
  connection.tls.server_name = settings.string("tls_name");
  connection.tls.certificate_file = settings.string("tls_certificate");
  connection.tls.key_file = settings.string("tls_key");
  options.prefix = settings.string("prefix");
  options.foreign = settings.count("foreign_map") != 0;
  options.stream_max_entries = static_cast<std::uint64_t>(settings.integer("stream_max_entries"));
  return options;
}

std::optional<bus::Guarantee> guarantee_of(const std::string& name) {
  if (name == "best_effort") return bus::Guarantee::BestEffort;
  if (name == "at_least_once") return bus::Guarantee::AtLeastOnce;
  if (name == "exactly_once") return bus::Guarantee::ExactlyOnce;
  if (name == "ordered") return bus::Guarantee::Ordered;
  return std::nullopt;
}

std::unique_ptr<store::Log> open_store(const config::Settings& settings) {
  store::LogOptions options;
  options.folder = settings.string("store");
  if (options.folder.empty()) return nullptr;
  options.max_bytes = static_cast<std::uint64_t>(settings.integer("store_max_mib")) << 20u;
  options.segment_bytes = std::min(options.segment_bytes, options.max_bytes / 2);
  options.sync_ms = static_cast<std::uint32_t>(settings.integer("store_sync_ms"));
  options.sync = options.sync_ms == 0 ? store::Sync::Always : store::Sync::Every;
  return store::Log::open(options);
}

class RedisPlugin : public host::Plugin {
 public:
  RedisPlugin(const config::Settings& settings, host::Context* context)
      : context_(context),
        frames_(context->region()),
        adapter_(adapter_options(settings, context->region())),
        courier_(context->name(), courier_options(settings), &adapter_, &context->bus(),
                 open_store(settings)),
        guarantee_(guarantee_of(settings.string("guarantee"))),
        json_(settings.string("telemetry") == "json") {
    for (const std::string& entry : patterns(settings, "push")) {
      const std::size_t equals = entry.rfind('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == entry.size()) {
        throw std::invalid_argument("push: \"" + entry + "\" is no pattern=queue");
      }
      push_.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
    const std::vector<std::string> pop = patterns(settings, "pop");
    if (!push_.empty() || !pop.empty()) {
      Options options = adapter_options(settings, context->region());
      options.connection.client_name += "-queues";
      queues_.emplace(options, static_cast<std::uint64_t>(settings.integer("queue_max_items")), pop,
                      &context->bus());
    }
    publish_ = patterns(settings, "publish");
    for (const std::string& pattern : patterns(settings, "subscribe")) {
      adapter_.subscribe({pattern, *guarantee_of(settings.string("subscribe_guarantee")),
                          settings.string("group")});
    }
  }

  void start() override {
    start_queues();
    context_->metrics([this](host::MetricsText* text) { collect(text); });
    courier_.start();
    for (const std::string& pattern : publish_) {
      bus::SubscribeOptions options;
      options.pattern = pattern;
      options.limits.messages.fill(65'536);
      options.handler = [this](const bus::MessagePtr& message) { pass_on(message); };
      context_->subscribe(std::move(options));
    }
    routing::Transport transport;
    transport.name = context_->name();
    transport.protocol = "redis";
    transport.take = [this](const bus::MessagePtr& message) {
      return courier_.brought(*message) || courier_.try_offer(as_sent(message));
    };
    transport.health = [this] {
      return routing::TransportHealth{courier_.well(), courier_.has_store(), courier_.waiting(),
                                      adapter_.health().round_trip_ms};
    };
    context_->transport(std::move(transport));
    context_->every_ms(5, [this] { tick(); });
  }
  void stop() override {
    courier_.stop();
    if (queues_) queues_->stop();
  }

 private:
  static std::vector<std::string> patterns(const config::Settings& settings,
                                           const std::string& list) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < settings.count(list); ++i) {
      out.push_back(settings.string(list + "." + std::to_string(i)));
    }
    return out;
  }
  static outbound::CourierOptions courier_options(const config::Settings& settings) {
    outbound::CourierOptions options;
    options.batch = static_cast<std::size_t>(settings.integer("batch"));
    options.rate_per_s = settings.number("rate_per_s");
    options.foreign_topics = patterns(settings, "foreign_topics");
    if (settings.count("foreign_map") != 0) {
      options.inward.conversion =
          std::make_shared<foreign::FieldMapping>(patterns(settings, "foreign_map"));
    }
    options.packing.on = settings.string("pack") == "negotiated";
    options.packing.min_bytes = static_cast<std::size_t>(settings.integer("pack_min_bytes"));
    options.packing.level = static_cast<int>(settings.integer("pack_level"));
    options.packing.reads = patterns(settings, "subscribe");
    return options;
  }

  void start_queues() {
    if (!queues_) return;
    queues_->start();
    for (const auto& [pattern, queue] : push_) {
      bus::SubscribeOptions options;
      options.pattern = pattern;
      options.limits.messages.fill(65'536);
      options.handler = [this, to = queue](const bus::MessagePtr& message) {
        queues_->push(as_sent(message), to);
      };
      context_->subscribe(std::move(options));
    }
  }

  void pass_on(const bus::MessagePtr& message) {
    if (!courier_.brought(*message)) (void)courier_.offer(as_sent(message));
  }

  // With the guarantee and in the form that are set.
  bus::MessagePtr as_sent(const bus::MessagePtr& message) {
    const bool frame = json_ && message->encoding == bus::Encoding::FlatBuffer &&
                       message->type == static_cast<std::uint16_t>(bus::MessageType::Telemetry);
    if (!frame && (!guarantee_ || *guarantee_ == message->guarantee)) return message;
    auto copy = std::make_shared<bus::Message>(*message);
    if (guarantee_) copy->guarantee = *guarantee_;
    if (frame) {
      if (auto text = frames_.text(message->payload)) {
        copy->payload = std::move(*text);
        copy->encoding = bus::Encoding::Json;
        copy->schema.clear();
      }
    }
    return copy;
  }

  void tick() {
    courier_.tick(text::realtime_ns(), text::steady_ms());
    if (queues_) queues_->tick();
    const bus::AdapterHealth health = adapter_.health();
    if (health.link == bus::Link::Up) {
      context_->health(host::Health::Good, "");
    } else {
      context_->health(host::Health::Degraded, "no Redis: " + health.why);
    }
  }

  void collect(host::MetricsText* text) const {
    const outbound::CourierCounts counts = courier_.counts();
    const host::Labels labels = {{"adapter", context_->name()}};
    const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
    text->gauge("rise_adapter_up", "1: connected", labels, counts.adapter.link == bus::Link::Up);
    text->gauge("rise_adapter_breaker_open", "1: nothing is tried for a while", labels,
                counts.breaker != outbound::BreakerState::Closed);
    text->counter("rise_adapter_taken_total", "messages that the far side has taken", labels,
                  number(counts.taken));
    text->counter("rise_adapter_failed_total", "messages whose sending failed", labels,
                  number(counts.failed));
    text->counter("rise_adapter_lost_total", "messages that might be lost, and were", labels,
                  number(counts.lost + [&] {
                    std::uint64_t dropped = 0;
                    for (const std::uint64_t n : counts.queue.dropped) dropped += n;
                    return dropped;
                  }()));
    text->counter("rise_adapter_refused_total", "messages that the far side refuses", labels,
                  number(counts.refused));
    text->counter("rise_adapter_received_total", "messages received", labels,
                  number(counts.inward.received));
    text->counter("rise_adapter_duplicates_total", "messages received again, and dropped", labels,
                  number(counts.inward.duplicates));
    text->counter("rise_adapter_reconnects_total", "connections made anew", labels,
                  number(counts.adapter.reconnects));
    text->counter("rise_adapter_packed_total", "messages sent within others", labels,
                  number(counts.packing.messages));
    text->counter("rise_adapter_packed_bytes_in_total", "bytes of envelopes before packing", labels,
                  number(counts.packing.bytes_in));
    text->counter("rise_adapter_packed_bytes_out_total", "bytes after packing", labels,
                  number(counts.packing.bytes_out));
    text->gauge("rise_adapter_round_trip_seconds", "of late", labels,
                counts.adapter.round_trip_ms / 1000);
    if (queues_) {
      const QueueCounts queues = queues_->counts();
      text->counter("rise_adapter_queue_pushed_total", "items pushed into work queues", labels,
                    number(queues.pushed));
      text->counter("rise_adapter_queue_popped_total", "items popped from work queues", labels,
                    number(queues.popped));
      text->counter("rise_adapter_queue_lost_total", "items dropped, refused or failed", labels,
                    number(queues.dropped + queues.refused + queues.failed + queues.malformed));
    }
    text->gauge("rise_store_records", "records not yet taken by the far side", labels,
                number(counts.log.depth.records));
    text->gauge("rise_store_bytes", "size of the store", labels, number(counts.log.depth.bytes));
    text->counter("rise_store_dropped_total", "records dropped for newer ones", labels,
                  number(counts.log.counters.dropped_oldest));
    text->counter("rise_store_damaged_total", "records that could not be read", labels,
                  number(counts.log.counters.damaged));
  }

  host::Context* context_;
  host::FrameJson frames_;
  Adapter adapter_;
  outbound::Courier courier_;
  std::optional<bus::Guarantee> guarantee_;
  bool json_;
  std::vector<std::string> publish_;
  std::vector<std::pair<std::string, std::string>> push_;  // pattern, queue
  std::optional<QueueBridge> queues_;
};

constexpr host::PluginInfo kInfo{
    host::kPluginAbi,
    "redis",
    "1.0",
    "topics of the bus to Redis, pub/sub and streams, and back",
    kSettings,
    [](const config::Settings& settings, host::Context* context) -> std::unique_ptr<host::Plugin> {
      return std::make_unique<RedisPlugin>(settings, context);
    }};

}  // namespace

}  // namespace rise::redis

extern "C" const rise::host::PluginInfo* rise_plugin_entry() { return &rise::redis::kInfo; }
