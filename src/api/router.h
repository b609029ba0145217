#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "http/server.h"

namespace ronda::api {

// A request that a route took. Borrowed for the call.
struct Call {
  const http::Request& request;
  std::map<std::string, std::string, std::less<>> path = {};  // of the pattern's {names}, decoded
  std::multimap<std::string, std::string, std::less<>> query = {};  // decoded

  // The first of that name; nothing when it is missing or empty.
  [[nodiscard]] std::optional<std::string> Query(std::string_view name) const;
};

struct Parameter {
  std::string_view name;
  std::string_view description;
};

// A row of the API: what it answers to, and what its document says.
struct Route {
  std::string_view pattern;  // "/api/v1/traces/{id}"
  // What changes something is PUT or DELETE, which a web page elsewhere cannot send without asking.
  std::string_view method = "GET";
  std::string_view summary;
  std::vector<Parameter> parameters;  // of the query
  std::function<http::Response(const Call&)> answer;  // any thread, several at a time
};

// Routes, and the OpenAPI 3.0 document that they make: /api/v1/openapi.json. Add everything before the
// first request; then any thread.
class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }
  // 404 and 405 as JSON errors where no route answers.
  [[nodiscard]] http::Response Handle(const http::Request& request) const;
  [[nodiscard]] std::string OpenApi() const;

 private:
  std::vector<Route> routes_;
};

// {"code": "not-found", "message": ...} with the HTTP status that goes with the code.
[[nodiscard]] http::Response ErrorResponse(const base::Status& status);
// Text with %XX undone; '+' is a space where `plus` says so. A '%' without two digits stays.
enum class Plus : std::uint8_t { kIsPlus, kIsSpace };
[[nodiscard]] std::string PercentDecoded(std::string_view text, Plus plus);

}  // namespace ronda::api
