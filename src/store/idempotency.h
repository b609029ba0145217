#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// An answer to a write that may come again.
struct StoredAnswer {
  std::string request = {};  // a digest
  std::int64_t status = 0;  // 0: not over, or its end is not known
  std::string headers = {};  // "Name: value" lines
  std::string body = {};
};

// Nothing: it is new, and its place is taken. Otherwise what stands there.
[[nodiscard]] base::Result<std::optional<StoredAnswer>> BeginOnce(Transaction& t,
                                                                  std::string_view user,
                                                                  std::string_view key,
                                                                  std::string_view request,
                                                                  std::int64_t now_ns);
[[nodiscard]] base::Status FinishOnce(Transaction& t, std::string_view user, std::string_view key,
                                      const StoredAnswer& answer);
[[nodiscard]] base::Status ForgetOnce(Transaction& t, std::string_view user, std::string_view key);
[[nodiscard]] base::Status DeleteAnswers(Transaction& t, std::int64_t before_ns);

}  // namespace ronda::store
