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
#include "cli/command.h"

namespace ronda::cli {

// The options that every `ronda trace ...` which asks a server has: --api, --token.
[[nodiscard]] std::vector<base::OptionSpec> ApiOptions(std::vector<base::OptionSpec> more);

// Asks the API of traces (docs/formats/trace-api.md): one request at a time. One thread.
class TraceClient {
 public:
  explicit TraceClient(const base::Options& options);

  // GET `path` with these parameters, names and values not yet encoded. The answer lives until the next
  // call. A server's error comes with its message and the code that goes with its status; Unavailable
  // when nobody answers at --api.
  [[nodiscard]] base::Result<simdjson::dom::element> Get(
      std::string path, const std::vector<std::pair<std::string, std::string>>& parameters = {});
  // The same with another method: PUT and DELETE change something.
  [[nodiscard]] base::Result<simdjson::dom::element> Json(
      std::string_view method, std::string path,
      const std::vector<std::pair<std::string, std::string>>& parameters = {});
  // The same, and what comes is in body() whatever it is.
  [[nodiscard]] base::Status Ask(
      std::string_view method, std::string path,
      const std::vector<std::pair<std::string, std::string>>& parameters = {});
  // The last answer as it came.
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  base::Status Fetch(std::string_view method, const std::string& url, int& status);

  std::string api_;
  std::string authorization_;
  std::string body_;
  simdjson::dom::parser parser_;
};

// A text or a number of an answer; "" and 0 where there is none.
[[nodiscard]] std::string TextOf(simdjson::dom::element object, std::string_view key);
[[nodiscard]] std::int64_t NumberOf(simdjson::dom::element object, std::string_view key);
// A list's elements; none where there is no list.
[[nodiscard]] simdjson::dom::array ListOf(simdjson::dom::element object, std::string_view key);

// "2026-01-01T00:00:00.123Z" of ns since 1970.
[[nodiscard]] std::string TimeText(std::uint64_t unix_ns);
// "1.25s", "340ms", "87us", "0": three digits that count.
[[nodiscard]] std::string ShortDuration(std::int64_t ns);

// "--json": prints the API's answer as it is.
[[nodiscard]] base::OptionSpec JsonOption();
// The time that --since goes back to, ns since 1970; nothing when it is not given.
[[nodiscard]] std::optional<std::uint64_t> SinceNs(const base::Options& options,
                                                   const base::Clock& clock);
// The answer's notices, a line each.
void PrintNotices(simdjson::dom::element answer, std::ostream& err);

}  // namespace ronda::cli
