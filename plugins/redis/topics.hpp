// Where messages of a topic go in Redis, and where those of a pattern come from. A pattern is of
// the bus: levels joined by '/', '+' is one level, '#' at the end the rest, also none ("a/#" has
// "a").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/redis/options.hpp"

namespace rise::redis {

// Whether there can be a topic that both match.
bool overlap(std::string_view one, std::string_view other);

// For PSUBSCRIBE: a glob that has all that the pattern has, and more: Redis' '*' passes over '/'.
std::string glob_of(std::string_view pattern);

std::string channel_of(const Options& options, std::string_view topic);
// The topic of a channel. Absent: not one of ours.
std::optional<std::string_view> topic_of(const Options& options, std::string_view channel);

std::string stream_of(const Options& options, std::string_view topic);
// The topic level that a stream is for; of one with a rule, that of its pattern.
std::string topic_of_stream(const Options& options, std::string_view key);
// The streams in which topics of the pattern are, as far as the pattern itself says.
std::vector<std::string> streams_of(const Options& options, std::string_view pattern);
// Its first level is a wildcard: any stream may have some.
bool is_wide(std::string_view pattern);

// The set with the keys of all streams that ever were written to; the dead-letter stream.
std::string registry_key(const Options& options);
std::string dead_key(const Options& options);

}  // namespace rise::redis
