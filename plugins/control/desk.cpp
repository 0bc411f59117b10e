#include "plugins/control/desk.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "plugins/bus/json_form.hpp"
#include "plugins/bus/topic.hpp"
#include "plugins/text/utc.hpp"

namespace rise::control {

namespace json = boost::json;

namespace {

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_string()) throw std::invalid_argument(std::string(name) + " is no string");
  return std::string(value->get_string());
}

bool flag_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

json::object refusal(std::string_view why) { return {{"ok", false}, {"why", why}}; }

std::uint64_t sum(const std::array<std::uint64_t, bus::kPriorities>& of) {
  std::uint64_t all = 0;
  for (const std::uint64_t n : of) all += n;
  return all;
}

json::object to_json(const bus::ConsumerView& view) {
  const bus::ChannelCounts& counts = view.counts;
  return {{"name", view.name},
          {"pattern", view.pattern},
          {"group", view.group},
          {"waiting", counts.queue.waiting},
          {"longest", counts.queue.longest},
          {"delayed", counts.delayed},
          {"taken_in", sum(counts.queue.taken_in)},
          {"handled", counts.handled},
          {"failed", counts.failed},
          {"retried", counts.retried},
          {"duplicates", counts.duplicates},
          {"expired", counts.expired},
          {"dropped", sum(counts.queue.dropped)},
          {"refused", sum(counts.queue.refused)},
          {"dead", counts.dead}};
}

}  // namespace

std::shared_ptr<void> Desk::answer(std::string_view request,
                                   const std::shared_ptr<Session>& session) {
  try {
    boost::system::error_code error;
    const json::value asked = json::parse(json::string_view(request), error);
    const json::object* object = error ? nullptr : asked.if_object();
    if (object == nullptr) throw std::invalid_argument("the request is no JSON object");
    const std::string what = text_in(*object, "do");
    if (what == "tap") return tap(*object, session);
    if (what == "letters") {
      letters(*object, session);
    } else if (what == "stats") {
      session->finish(json::serialize(stats()));
    } else if (what == "publish") {
      session->finish(json::serialize(publish(*object)));
    } else if (what == "retry") {
      session->finish(json::serialize(retry(*object)));
    } else {
      throw std::invalid_argument("\"" + what + "\" is nothing that can be asked");
    }
  } catch (const std::exception& error) {
    session->finish(json::serialize(refusal(error.what())));
  }
  return nullptr;
}

Desk::Object Desk::stats() const {
  const bus::BusCounts counts = bus_->counts();
  json::array consumers;
  for (const bus::ConsumerView& view : bus_->consumers()) consumers.push_back(to_json(view));
  Object out{{"ok", true},
             {"bus",
              {{"published", counts.published},
               {"delivered", counts.delivered},
               {"unrouted", counts.unrouted},
               {"malformed", counts.malformed},
               {"expired", counts.expired},
               {"refused", counts.refused},
               {"requests", counts.requests},
               {"timeouts", counts.timeouts},
               {"late_answers", counts.late_answers}}},
             {"dead_letters",
              {{"in", counts.dead_letters.in},
               {"held", counts.dead_letters.held},
               {"retried", counts.dead_letters.retried},
               {"overflowed", counts.dead_letters.overflowed}}},
             {"consumers", std::move(consumers)}};
  if (more_) more_(&out);
  return out;
}

Desk::Object Desk::publish(const Object& request) {
  const json::value* found = request.if_contains("message");
  if (found == nullptr || !found->is_object()) throw std::invalid_argument("there is no message");
  json::object object = found->get_object();
  if (!object.contains("id")) object["id"] = bus::Uuid::make().text();
  if (!object.contains("time")) object["time"] = text::utc_text(text::realtime_ns());
  bus::Message message;
  const std::string fault = bus::message_of_json(json::serialize(object), &message);
  if (!fault.empty()) return refusal(fault);
  const bus::PublishResult result = bus_->publish(std::move(message));
  if (!result.accepted) return refusal(result.why);
  return {{"ok", true}, {"reached", result.reached}, {"refused", result.refused}};
}

std::shared_ptr<void> Desk::tap(const Object& request, const std::shared_ptr<Session>& session) {
  const bool raw = flag_in(request, "raw");
  bus::SubscribeOptions options;
  options.name = "tap";
  options.pattern = text_in(request, "pattern");
  if (options.pattern.empty()) options.pattern = "#";
  options.filter = text_in(request, "filter");
  options.observes = true;
  const auto tell = [this, raw, weak = std::weak_ptr<Session>(session)](const bus::MessagePtr& m) {
    const auto to = weak.lock();
    if (to == nullptr) return;
    if (!raw && m->type == static_cast<std::uint16_t>(bus::MessageType::Telemetry) &&
        m->encoding == bus::Encoding::FlatBuffer) {
      if (auto readable = frames_.text(m->payload)) {
        bus::Message copy = *m;
        copy.payload = std::move(*readable);
        copy.encoding = bus::Encoding::Json;
        to->send(bus::json_of(copy));
        return;
      }
    }
    to->send(bus::json_of(*m));
  };
  options.handler = tell;
  auto consumer = std::make_shared<bus::Consumer>(bus_->subscribe(options));
  session->send(json::serialize(json::object{{"ok", true}}));
  if (flag_in(request, "history")) {
    std::string fault;
    const bus::Filter filter = bus::Filter::parse(options.filter, &fault);
    bus_->replay(0, options.pattern, [&](std::uint64_t, const bus::MessagePtr& message) {
      if (filter.all() || filter.lets_through(*message)) tell(message);
      return true;
    });
  }
  return consumer;
}

void Desk::letters(const Object& request, const std::shared_ptr<Session>& session) {
  const json::value* limit = request.if_contains("limit");
  const std::size_t most = limit != nullptr && limit->is_int64() && limit->get_int64() > 0
                               ? static_cast<std::size_t>(limit->get_int64())
                               : SIZE_MAX;
  const std::vector<bus::DeadLetter> all = bus_->dead_letters().list();
  // The newest of them, the oldest first.
  for (std::size_t i = all.size() - std::min(most, all.size()); i < all.size(); ++i) {
    const bus::DeadLetter& letter = all[i];
    json::object line{{"consumer", letter.consumer},
                      {"reason", letter.reason},
                      {"time", text::utc_text(letter.time_ns)},
                      {"attempts", letter.attempts}};
    std::string text = json::serialize(line);
    text.pop_back();
    session->send(text + ",\"message\":" + bus::json_of(*letter.message) + "}");
  }
  session->finish(json::serialize(json::object{{"ok", true}, {"held", all.size()}}));
}

Desk::Object Desk::retry(const Object& request) {
  const std::string id_text = text_in(request, "id");
  const std::string consumer = text_in(request, "consumer");
  std::optional<bus::Uuid> id;
  if (!id_text.empty()) {
    id = bus::Uuid::parse(id_text);
    if (!id) throw std::invalid_argument("id is no UUID");
  }
  const std::size_t n = bus_->retry_dead_letters([&](const bus::DeadLetter& letter) {
    return (!id || letter.message->id == *id) && (consumer.empty() || letter.consumer == consumer);
  });
  return {{"ok", true}, {"retried", n}};
}

}  // namespace rise::control
