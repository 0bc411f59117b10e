#include "plugins/cli/bus.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <iterator>

#include "plugins/bus/json_form.hpp"
#include "plugins/cli/ending.hpp"
#include "plugins/control/client.hpp"
#include "plugins/text/base64.hpp"

namespace rise::cli {

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr int kRefused = 1;
constexpr int kNoSidecar = 3;
constexpr int kBadUsage = 64;
constexpr milliseconds kPatience{10'000};
constexpr std::size_t kShown = 200;  // bytes of a payload, in a line for people

int complain(const char* verb, const std::string& why, int code) {
  std::fprintf(stderr, "rise %s: %s\n", verb, why.c_str());
  return code;
}

json::object parsed(const std::string& line) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // names are whatever the bus lets through
  boost::system::error_code error;
  json::value value = json::parse(line, error, {}, options);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object();
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

// {"ok":false,"why":...}?
bool is_refusal(const json::object& answer) {
  const json::value* good = answer.if_contains("ok");
  return good != nullptr && good->is_bool() && !good->get_bool();
}

// Asks, and hands on each line of the answer until it is over or `each` returns false. -> exit
// code.
int ask(const char* verb, const std::string& region, const json::object& request,
        const std::function<bool(const std::string&, const json::object&)>& each) {
  auto client = control::Client::ask(region, json::serialize(request));
  if (!client) return complain(verb, client.error(), kNoSidecar);
  while (const auto line = client->line(kPatience)) {
    const json::object answer = parsed(*line);
    if (is_refusal(answer)) return complain(verb, text_of(answer, "why"), kRefused);
    if (!each(*line, answer)) return 0;
  }
  // A whole answer ends by a line of which `each` says so.
  return complain(verb, client->over() ? "the sidecar has hung up" : "the sidecar does not answer",
                  kNoSidecar);
}

void put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

// "2026-01-31T12:00:00.000000000Z telemetry/mill-1 Telemetry {...}", as far as it is text.
std::string line_of(const json::object& message) {
  std::string payload = text_of(message, "payload");
  if (text_of(message, "form") == "base64") {
    const std::string bytes = text::parse_base64(payload).value_or("");
    const bool readable = std::none_of(bytes.begin(), bytes.end(), [](char c) {
      return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 127;
    });
    payload = readable ? bytes : "(" + std::to_string(bytes.size()) + " bytes)";
  }
  if (payload.size() > kShown) payload = payload.substr(0, kShown) + "...";
  std::string line =
      text_of(message, "time") + " " + text_of(message, "topic") + " " + text_of(message, "type");
  for (const char* name : {"priority", "guarantee"}) {
    if (const std::string value = text_of(message, name); !value.empty()) line += " " + value;
  }
  return line + " " + payload;
}

}  // namespace

int bus_tap(const TapOptions& options) {
  auto client = control::Client::ask(options.region,
                                     json::serialize(json::object{{"do", "tap"},
                                                                  {"pattern", options.pattern},
                                                                  {"filter", options.filter},
                                                                  {"history", options.history},
                                                                  {"raw", options.raw}}));
  if (!client) return complain("bus tap", client.error(), kNoSidecar);
  note_ending();
  const auto until = std::chrono::steady_clock::now() +
                     milliseconds(static_cast<std::int64_t>(options.duration_s * 1000));
  std::uint64_t shown = 0;
  while (!ending() && !client->over()) {
    if (options.duration_s > 0 && std::chrono::steady_clock::now() >= until) return 0;
    const auto line = client->line(milliseconds(100));
    if (!line) continue;
    const json::object said = parsed(*line);
    if (is_refusal(said)) return complain("bus tap", text_of(said, "why"), kBadUsage);
    if (said.contains("dropped")) {
      std::fprintf(stderr, "rise bus tap: %s messages were too many for us\n",
                   text_of(said, "dropped").c_str());
      continue;
    }
    if (!said.contains("topic")) continue;  // that it begins
    put(options.json ? *line : line_of(said));
    if (options.count != 0 && ++shown == options.count) return 0;
  }
  return ending() ? 0 : complain("bus tap", "the sidecar has ended", kNoSidecar);
}

int bus_publish(const PublishOptions& options) {
  std::string payload = options.payload;
  if (payload == "-") {
    payload.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  json::object message{{"topic", options.topic}, {"source", "rise bus publish"}};
  if (!options.type.empty()) message["type"] = options.type;
  if (!options.priority.empty()) message["priority"] = options.priority;
  if (!options.guarantee.empty()) message["guarantee"] = options.guarantee;
  if (options.ttl_ms != 0) message["ttl_ms"] = options.ttl_ms;
  if (!options.destinations.empty()) {
    message["destinations"] = json::array(options.destinations.begin(), options.destinations.end());
  }
  json::array headers;
  for (const std::string& header : options.headers) {
    const std::size_t equals = header.find('=');
    if (equals == std::string::npos) {
      return complain("bus publish", "\"" + header + "\" is no name=value", kBadUsage);
    }
    headers.push_back(json::array{header.substr(0, equals), header.substr(equals + 1)});
  }
  if (!headers.empty()) message["headers"] = std::move(headers);
  if (bus::is_json(payload)) {
    message["encoding"] = "json";
    message["payload"] = json::parse(payload);
  } else {
    message["encoding"] = "bytes";
    message["form"] = "base64";
    message["payload"] = text::base64(payload);
  }
  const json::object request{{"do", "publish"}, {"message", std::move(message)}};
  return ask("bus publish", options.region, request,
             [](const std::string&, const json::object& answer) {
               put("reached " + text_of(answer, "reached") + " consumers");
               return false;
             });
}

int bus_stats(const StatsOptions& options) {
  const auto print = [&](const std::string& line, const json::object& said) {
    if (options.json) {
      put(line);
      return false;
    }
    for (const char* part : {"bus", "dead_letters", "feed"}) {
      const json::value* counts = said.if_contains(part);
      if (counts == nullptr || !counts->is_object()) continue;
      std::string text = std::string(part) + ":";
      for (const auto& [name, value] : counts->get_object()) {
        text += " " + std::string(name) + " " + json::serialize(value);
      }
      put(text);
    }
    std::printf("\n%-20s %-10s %-9s %s\n", "PLUGIN", "STATE", "HEALTH", "WHY");
    if (const json::value* plugins = said.if_contains("plugins"); plugins != nullptr) {
      for (const json::value& value : plugins->as_array()) {
        const json::object& plugin = value.as_object();
        std::printf("%-20s %-10s %-9s %s\n", text_of(plugin, "name").c_str(),
                    text_of(plugin, "state").c_str(), text_of(plugin, "health").c_str(),
                    text_of(plugin, "text").c_str());
      }
    }
    std::printf("\n%-20s %-24s %8s %10s %8s %8s %8s %6s\n", "CONSUMER", "PATTERN", "WAITING",
                "HANDLED", "FAILED", "DROPPED", "REFUSED", "DEAD");
    if (const json::value* consumers = said.if_contains("consumers"); consumers != nullptr) {
      for (const json::value& value : consumers->as_array()) {
        const json::object& c = value.as_object();
        std::printf("%-20s %-24s %8s %10s %8s %8s %8s %6s\n", text_of(c, "name").c_str(),
                    text_of(c, "pattern").c_str(), text_of(c, "waiting").c_str(),
                    text_of(c, "handled").c_str(), text_of(c, "failed").c_str(),
                    text_of(c, "dropped").c_str(), text_of(c, "refused").c_str(),
                    text_of(c, "dead").c_str());
      }
    }
    std::fflush(stdout);
    return false;
  };
  return ask("bus stats", options.region, {{"do", "stats"}}, print);
}

int bus_routes(const StatsOptions& options) {
  const auto print = [&](const std::string&, const json::object& said) {
    const json::value* found = said.if_contains("routes");
    const json::array none;
    const json::array& routes = found != nullptr && found->is_array() ? found->get_array() : none;
    if (options.json) {
      put(json::serialize(routes));
      return false;
    }
    if (routes.empty()) put("no [[route]]");
    for (const json::value& value : routes) {
      const json::object& route = value.as_object();
      const std::string active = text_of(route, "active");
      put(text_of(route, "name") + "  " + text_of(route, "topic") + "  " +
          text_of(route, "strategy") + (active.empty() ? "" : ", by " + active) + ", lost " +
          text_of(route, "lost") + ", dead letters " + text_of(route, "dead"));
      for (const json::value& way : route.at("via").as_array()) {
        const json::object& via = way.as_object();
        std::printf("  %-20s %-8s %-8s sent %s, waiting %s, round trip %.3f ms\n",
                    text_of(via, "name").c_str(), text_of(via, "protocol").c_str(),
                    via.at("well").as_bool() ? "well" : "ILL", text_of(via, "sent").c_str(),
                    text_of(via, "waiting").c_str(), via.at("round_trip_ms").to_number<double>());
      }
      for (const json::value& change : route.at("switches").as_array()) {
        const json::object& to = change.as_object();
        const auto name = [&](const char* which) {
          const std::string its = text_of(to, which);
          return its.empty() ? std::string("none") : its;
        };
        put("  " + text_of(to, "time") + "  " + name("from") + " -> " + name("to"));
      }
    }
    std::fflush(stdout);
    return false;
  };
  return ask("bus routes", options.region, {{"do", "stats"}}, print);
}

int dlq_list(const LettersOptions& options) {
  const json::object request{{"do", "letters"}, {"limit", options.limit}};
  return ask("dlq list", options.region, request,
             [&](const std::string& line, const json::object& letter) {
               const json::value* message = letter.if_contains("message");
               if (letter.contains("dropped")) {
                 std::fprintf(stderr, "rise dlq list: %s more are too large for one answer\n",
                              text_of(letter, "dropped").c_str());
                 return true;
               }
               if (message == nullptr || !message->is_object()) {
                 if (!options.json) put(text_of(letter, "held") + " dead letters");
                 return false;
               }
               if (options.json) {
                 put(line);
                 return true;
               }
               const json::object& m = message->get_object();
               const std::string consumer = text_of(letter, "consumer");
               put(text_of(m, "id") + "  " + (consumer.empty() ? "-" : consumer) + ": " +
                   text_of(letter, "reason") + " (" + text_of(letter, "attempts") +
                   " attempts)\n  " + line_of(m));
               return true;
             });
}

int dlq_retry(const RetryOptions& options) {
  if (!options.all && options.id.empty() && options.consumer.empty()) {
    return complain("dlq retry", "which: --id, --consumer or --all", kBadUsage);
  }
  json::object request{{"do", "retry"}};
  if (!options.id.empty()) request["id"] = options.id;
  if (!options.consumer.empty()) request["consumer"] = options.consumer;
  return ask("dlq retry", options.region, request,
             [](const std::string&, const json::object& answer) {
               put("sent " + text_of(answer, "retried") + " again");
               return false;
             });
}

}  // namespace rise::cli
