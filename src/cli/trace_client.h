#pragma once

#include <simdjson.h>

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/options.h"
#include "cli/api_client.h"
#include "cli/command.h"

namespace ronda::cli {

// The options that every `ronda trace ...` which asks a server has: --api, --token.
[[nodiscard]] std::vector<base::OptionSpec> ApiOptions(std::vector<base::OptionSpec> more);

// Asks the API of traces (docs/formats/trace-api.md) at --api. One thread.
class TraceClient {
 public:
  explicit TraceClient(const base::Options& options);

  // GET `path` with these parameters, names and values not yet encoded. The answer lives until the next
  // call. Errors as ApiClient has them.
  [[nodiscard]] base::Result<simdjson::dom::element> Get(std::string path,
                                                         Parameters parameters = {});
  // The same with another method: PUT and DELETE change something.
  [[nodiscard]] base::Result<simdjson::dom::element> Json(std::string_view method, std::string path,
                                                          Parameters parameters = {});
  // The same, and what comes is in body() whatever it is.
  [[nodiscard]] base::Status Ask(std::string_view method, std::string path,
                                 Parameters parameters = {});
  // The last answer as it came.
  [[nodiscard]] const std::string& body() const { return client_.body(); }

 private:
  ApiClient client_;
};

// "2026-01-01T00:00:00.123Z" of ns since 1970.
[[nodiscard]] std::string TimeText(std::uint64_t unix_ns);
// "1.25s", "340ms", "87us", "0": three digits that count.
[[nodiscard]] std::string ShortDuration(std::int64_t ns);

// The time that --since goes back to, ns since 1970; nothing when it is not given.
[[nodiscard]] std::optional<std::uint64_t> SinceNs(const base::Options& options,
                                                   const base::Clock& clock);
// The answer's notices, a line each.
void PrintNotices(simdjson::dom::element answer, std::ostream& err);

}  // namespace ronda::cli
