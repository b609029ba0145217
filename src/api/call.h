#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "base/core/status.h"
#include "http/server.h"

namespace ronda::api {

// A request that a route took: checked against the row's parameters and body. Borrowed for the call.
struct Call {
  const http::Request& request;
  std::map<std::string, std::string, std::less<>> path = {};  // of the pattern's {names}, decoded
  std::multimap<std::string, std::string, std::less<>> query = {};  // decoded
  simdjson::dom::element body =
      {};  // of a row with a JSON body: as its schema says; else not to be read
  bool has_body = false;
  Principal who = {};
  // Of a row with `current`: the ETag that the resource has and the client knows. What changes it compares
  // again in its transaction: FailedPrecondition when it is another by then. Nothing: there is no resource.
  std::optional<std::string> expected = {};

  // The first parameter of that name; nothing when it is missing or empty.
  [[nodiscard]] std::optional<std::string> Query(std::string_view name) const;
  // All of a parameter that may be repeated, or that holds a list with commas.
  [[nodiscard]] std::vector<std::string> QueryList(std::string_view name) const;
  // Of a row that says kInteger.
  [[nodiscard]] std::uint64_t QueryInteger(std::string_view name, std::uint64_t otherwise) const;
  [[nodiscard]] bool QueryBool(std::string_view name, bool otherwise) const;
  // Fields of the body that its schema has; "" and nothing where an optional one is missing or null.
  [[nodiscard]] std::string BodyText(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> BodyInteger(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> BodyTexts(std::string_view name) const;
};

// More about an error than a Status has.
struct ErrorDetail {
  int http_status = 0;  // 0: the one that goes with the code
  std::string hint = {};  // what to do
  std::optional<std::size_t> column = {};  // of a query's text, 1 for the first byte
};
// {"code": "not-found", "message": ..., "hint": ..., "request_id": ...}. A route that has nothing to add
// returns the Status itself.
[[nodiscard]] http::Response ErrorResponse(const http::Request& request, const base::Status& status,
                                           const ErrorDetail& detail = {});
// What an http::Server refuses by itself, in the same form.
[[nodiscard]] http::Response RefuseAsError(int status, std::string_view why,
                                           const http::Request& request);

// Text with %XX undone; '+' is a space where `plus` says so. A '%' without two digits stays.
enum class Plus : std::uint8_t { kIsPlus, kIsSpace };
[[nodiscard]] std::string PercentDecoded(std::string_view text, Plus plus);

// The answer with ETag: "tag".
[[nodiscard]] http::Response WithETag(http::Response response, std::string_view tag);

}  // namespace ronda::api
