#include "plugins/cli/bus_verbs.hpp"

#include "plugins/cli/bus.hpp"

namespace rise::cli {

struct BusVerbs::Options {
  TapOptions tap;
  PublishOptions publish;
  StatsOptions stats;
  StatsOptions routes;
  LettersOptions letters;
  RetryOptions retry;
};

namespace {

void add_region(CLI::App* verb, std::string* region) {
  verb->add_option("-r,--region", *region, "region of the core ([core] name)")
      ->capture_default_str();
}

}  // namespace

BusVerbs::BusVerbs(CLI::App* app, int* code) : options_(std::make_unique<Options>()) {
  Options* all = options_.get();
  CLI::App* verb = app->add_subcommand("bus", "the sidecar's bus: look, publish, count");
  verb->require_subcommand(1);

  CLI::App* tap = verb->add_subcommand("tap", "print what is published; holds up nobody");
  add_region(tap, &all->tap.region);
  tap->add_option("topic", all->tap.pattern, "pattern: '+' is one level, '#' the rest")
      ->capture_default_str();
  tap->add_option("--filter", all->tap.filter, "condition on the content, as of a subscription");
  tap->add_option("-n,--count", all->tap.count, "end after so many");
  tap->add_option("-d,--duration", all->tap.duration_s, "end after so many seconds")
      ->check(CLI::PositiveNumber);
  tap->add_flag("--history", all->tap.history, "first what the bus still remembers");
  tap->add_flag("--json", all->tap.json, "whole messages, one JSON object per line");
  tap->add_flag("--raw", all->tap.raw, "telemetry frames as their bytes, not as JSON");
  tap->callback([=] { *code = bus_tap(all->tap); });

  CLI::App* publish = verb->add_subcommand("publish", "publish one message");
  add_region(publish, &all->publish.region);
  publish->add_option("topic", all->publish.topic, "of the message")->required();
  publish->add_option("payload", all->publish.payload, "JSON or any text; -: from stdin")
      ->required();
  publish->add_option("--type", all->publish.type, "Event, Alarm, ...; a list is in envelope.fbs");
  publish->add_option("--priority", all->publish.priority,
                      "critical, high, normal, low, background (default: normal)");
  publish->add_option("--guarantee", all->publish.guarantee,
                      "best_effort, at_most_once, at_least_once, exactly_once, ordered (default: "
                      "best_effort)");
  publish->add_option("--ttl-ms", all->publish.ttl_ms, "expires after so long");
  publish->add_option("--to", all->publish.destinations, "only to this consumer; may be repeated");
  publish->add_option("--header", all->publish.headers, "name=value; may be repeated");
  publish->callback([=] { *code = bus_publish(all->publish); });

  CLI::App* stats = verb->add_subcommand("stats", "counts of the bus, its consumers, the plugins");
  add_region(stats, &all->stats.region);
  stats->add_flag("--json", all->stats.json, "as one JSON object");
  stats->callback([=] { *code = bus_stats(all->stats); });

  CLI::App* routes = verb->add_subcommand("routes", "which way out what goes; what failover did");
  add_region(routes, &all->routes.region);
  routes->add_flag("--json", all->routes.json, "as one JSON array");
  routes->callback([=] { *code = bus_routes(all->routes); });

  CLI::App* dlq = app->add_subcommand("dlq", "dead letters: what the bus could not deliver");
  dlq->require_subcommand(1);
  CLI::App* list = dlq->add_subcommand("list", "print them, with the reason");
  add_region(list, &all->letters.region);
  list->add_option("--limit", all->letters.limit, "the newest so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  list->add_flag("--json", all->letters.json, "one JSON object per line");
  list->callback([=] { *code = dlq_list(all->letters); });
  CLI::App* retry = dlq->add_subcommand("retry", "deliver them again, to whom they were meant for");
  add_region(retry, &all->retry.region);
  CLI::Option* whole = retry->add_flag("--all", all->retry.all, "all of them");
  retry->add_option("--id", all->retry.id, "the one with this id")->excludes(whole);
  retry->add_option("--consumer", all->retry.consumer, "those of this consumer")->excludes(whole);
  retry->callback([=] { *code = dlq_retry(all->retry); });
}

BusVerbs::~BusVerbs() = default;

}  // namespace rise::cli
