#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/core/clock.h"

namespace ronda::api {

// How often somebody may give a wrong password: 5 a minute for a name from one address, 20 a minute from one
// address whatever the name. Any thread.
class LoginLimit {
 public:
  explicit LoginLimit(const base::Clock& clock) : clock_(clock) {}

  [[nodiscard]] bool MayTry(std::string_view user, std::string_view peer);
  void Failed(std::string_view user, std::string_view peer);

 private:
  struct Window {
    std::uint64_t begun_ns = 0;
    int failures = 0;
  };
  [[nodiscard]] Window& WindowOf(const std::string& key);  // with mutex_ held

  const base::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Window> windows_;  // guarded by mutex_
};

}  // namespace ronda::api
