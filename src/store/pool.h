#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/core/status.h"

namespace ronda::store {

// Up to `limit` connections of a database, lent to one thread at a time; made when none is free.
template <typename Connection>
class Pool {
 public:
  using Make = std::function<base::Result<std::unique_ptr<Connection>>()>;

  Pool(std::size_t limit, Make make) : limit_(limit), make_(std::move(make)) {}

  // Calls `use(connection)` with one that nobody else has. One that `Connection::broken()` is not kept.
  template <typename Use>
  base::Status With(Use&& use) {
    auto taken = Take();
    if (!taken.ok()) return taken.status();
    std::unique_ptr<Connection> connection = *std::move(taken);
    const base::Status status = use(*connection);
    Return(std::move(connection));
    return status;
  }

 private:
  base::Result<std::unique_ptr<Connection>> Take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return !free_.empty() || lent_ < limit_; });
    ++lent_;
    if (!free_.empty()) {
      auto connection = std::move(free_.back());
      free_.pop_back();
      return connection;
    }
    lock.unlock();
    auto made = make_();
    if (!made.ok()) Return(nullptr);
    return made;
  }

  void Return(std::unique_ptr<Connection> connection) {
    if (connection != nullptr && connection->broken()) connection.reset();
    {
      const std::lock_guard lock(mutex_);
      --lent_;
      if (connection != nullptr) free_.push_back(std::move(connection));
    }
    returned_.notify_one();
  }

  const std::size_t limit_;
  const Make make_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t lent_ = 0;
  std::vector<std::unique_ptr<Connection>> free_;
};

}  // namespace ronda::store
