#include "plugins/redis/reply.hpp"

#include <hiredis/hiredis.h>

#include <new>
#include <utility>

namespace rise::redis {

struct ReplyReader::State {
  explicit State(const Limits& with) : limits(with) {}
  Limits limits;
  redisReader* reader = nullptr;
  Reply root;                // the one that is being read
  std::size_t elements = 0;  // of it, so far
  std::size_t unread = 0;    // bytes since the last whole one
  std::string fault;

  // hiredis calls these for each value; null makes it give up.
  Reply* place(const redisReadTask* task) {
    if (task->parent == nullptr) {
      root = Reply{};
      elements = 0;
      return &root;
    }
    auto* parent = static_cast<Reply*>(task->parent->obj);
    return &parent->elements[static_cast<std::size_t>(task->idx)];
  }
  static State* of(const redisReadTask* task) { return static_cast<State*>(task->privdata); }

  // These are called out of C, which no exception may pass.
  static void* text(const redisReadTask* task, char* bytes, std::size_t length) noexcept {
    State* self = of(task);
    Reply* reply = self->place(task);
    reply->kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::Error
                  : task->type == REDIS_REPLY_STATUS ? Reply::Kind::Status
                                                     : Reply::Kind::Text;
    try {
      reply->text.assign(bytes, length);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return reply;
  }
  void* array(const redisReadTask* task, std::size_t count) noexcept {
    Reply* reply = place(task);
    if (count > limits.reply_elements - elements) {
      fault = "a reply of more than " + std::to_string(limits.reply_elements) + " elements";
      return nullptr;
    }
    elements += count;
    reply->kind = Reply::Kind::Array;
    try {
      reply->elements.resize(count);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return reply;
  }
  static void* integer(const redisReadTask* task, long long value) noexcept {
    Reply* reply = of(task)->place(task);
    reply->kind = Reply::Kind::Integer;
    reply->integer = value;
    return reply;
  }
  static void* nil(const redisReadTask* task) noexcept { return of(task)->place(task); }

  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions all = [] {
      redisReplyObjectFunctions f{};
      f.createString = &State::text;
      // The count is an int up to hiredis 0.14, a size_t later.
      f.createArray = [](const redisReadTask* task, auto count) -> void* {
        return of(task)->array(task, static_cast<std::size_t>(count));
      };
      f.createInteger = &State::integer;
      f.createNil = &State::nil;
      f.freeObject = [](void*) {};  // they are all within `root`
      return f;
    }();
    return &all;
  }
};

ReplyReader::ReplyReader(const Limits& limits) : state_(std::make_unique<State>(limits)) {
  state_->reader = redisReaderCreateWithFunctions(State::functions());
  if (state_->reader == nullptr) throw std::bad_alloc();
  state_->reader->privdata = state_.get();
}

ReplyReader::~ReplyReader() { redisReaderFree(state_->reader); }

void ReplyReader::feed(const char* bytes, std::size_t length) {
  if (!state_->fault.empty()) return;
  state_->unread += length;
  if (redisReaderFeed(state_->reader, bytes, length) != REDIS_OK) {
    state_->fault = state_->reader->errstr;
  }
}

ReplyReader::Next ReplyReader::next(Reply* reply) {
  State& s = *state_;
  if (!s.fault.empty()) return Next::Broken;
  void* object = nullptr;
  if (redisReaderGetReply(s.reader, &object) != REDIS_OK) {
    if (s.fault.empty()) s.fault = s.reader->errstr;
    return Next::Broken;
  }
  if (object == nullptr) {
    // What is left belongs to a reply that is not whole.
    if (s.unread > s.limits.reply_bytes) {
      s.fault = "a reply of more than " + std::to_string(s.limits.reply_bytes) + " bytes";
      return Next::Broken;
    }
    return Next::More;
  }
  s.unread = s.reader->len - s.reader->pos;
  *reply = std::move(s.root);
  return Next::Reply;
}

const std::string& ReplyReader::fault() const { return state_->fault; }

bool ReplyReader::within() const { return state_->unread != 0; }

}  // namespace rise::redis
