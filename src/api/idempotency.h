#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "http/server.h"

namespace ronda::api {

// Answers to writes by Idempotency-Key: who repeats a request because he did not see the answer gets that
// answer, and the effect once. Any thread.
class Idempotency {
 public:
  struct Key {
    std::string user;
    std::string key;  // the header's value
    std::string request;  // digest of method, target and body, which may hold secrets
  };
  virtual ~Idempotency() = default;
  // Nothing: the request is new, and is to be finished by Finish or Forget. A response: the answer of the
  // first time. Aborted (409): the first one is not over, or its end is not known. InvalidArgument: the key
  // was used for another request.
  [[nodiscard]] virtual base::Result<std::optional<http::Response>> Begin(const Key& key) = 0;
  virtual void Finish(const Key& key, const http::Response& answer) = 0;
  // It had no effect: a repetition is a new request.
  virtual void Forget(const Key& key) = 0;
};

// Kept in memory for a day, the newest `most`.
class IdempotencyInMemory : public Idempotency {
 public:
  explicit IdempotencyInMemory(const base::Clock& clock, std::size_t most = 10'000)
      : clock_(clock), most_(most) {}

  [[nodiscard]] base::Result<std::optional<http::Response>> Begin(const Key& key) override;
  void Finish(const Key& key, const http::Response& answer) override;
  void Forget(const Key& key) override;

 private:
  using Name = std::pair<std::string, std::string>;  // user, key
  struct Entry {
    std::string request;
    std::optional<http::Response> answer;
    std::uint64_t begun_ns = 0;  // monotonic
    std::list<Name>::iterator place;
  };
  void DropOld();  // with mutex_ held

  const base::Clock& clock_;
  const std::size_t most_;
  std::mutex mutex_;
  std::list<Name> oldest_first_;  // guarded by mutex_
  std::map<Name, Entry> entries_;  // guarded by mutex_
};

}  // namespace ronda::api
