#include "api/router.h"

#include <algorithm>
#include <utility>

#include "api/route_checks.h"
#include "api/secrets.h"
#include "base/core/check.h"

namespace ronda::api {
namespace {

constexpr std::string_view kOpenApi = "/api/v1/openapi.json";

// The piece up to `end`, cut off with it.
std::string_view Take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + 1);
  return taken;
}

bool Matches(std::string_view pattern, std::string_view path,
             std::map<std::string, std::string, std::less<>>& names) {
  names.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = Take(pattern, '/');
    const std::string_view given = Take(path, '/');
    if (expected.starts_with('{')) {
      if (given.empty()) return false;
      names[std::string(expected.substr(1, expected.size() - 2))] =
          PercentDecoded(given, Plus::kIsPlus);
    } else if (expected != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

void ReadQuery(Call& call) {
  std::string_view query = call.request.query();
  while (!query.empty()) {
    std::string_view pair = Take(query, '&');
    const std::string_view name = Take(pair, '=');
    if (name.empty()) continue;
    call.query.emplace(PercentDecoded(name, Plus::kIsSpace), PercentDecoded(pair, Plus::kIsSpace));
  }
}

// A pattern of fixed words goes before one with {names} that takes the same path.
bool IsMoreFixed(std::string_view a, std::string_view b) {
  return PathNames(a).size() < PathNames(b).size();
}

}  // namespace

Router::Router(RouterOptions options) : options_(options) {
  Add({.pattern = kOpenApi,
       .summary = "This API as an OpenAPI document",
       .name = "getOpenApi",
       .access = {.role = Role::kNone},
       .answer = [this](const Call&) -> http::Response { return {.body = OpenApi()}; }});
}

void Router::Add(Route route) {
  CHECK(route.answer);
  const bool replaces =
      route.method == "PUT" || route.method == "PATCH" || route.method == "DELETE";
  CHECK(!replaces || (route.current != nullptr) != !route.unversioned.empty());
  CHECK(route.by_key == ByKey::kNo || EffectOf(route) == Effect::kWrite);
  const auto later = std::ranges::find_if(
      routes_, [&](const Route& each) { return IsMoreFixed(route.pattern, each.pattern); });
  routes_.insert(later, std::move(route));
}

http::Response Router::Handle(const http::Request& request) const {
  Call call{.request = request};
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Route& route : routes_) {
    if (!Matches(route.pattern, request.path(), call.path)) continue;
    if (route.method == method) return Serve(route, call);
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (allowed.empty()) {
    return ErrorResponse(request,
                         base::NotFound("nothing is at " + std::string(request.path()) + "; " +
                                        std::string(kOpenApi) + " lists what there is"));
  }
  http::Response refused =
      ErrorResponse(request, base::InvalidArgument("only " + allowed + " is understood here"),
                    {.http_status = 405});
  refused.headers.emplace_back("Allow", allowed);
  return refused;
}

http::Response Router::Serve(const Route& route, Call& call) const {
  if (auto refusal = CheckOrigin(route, call.request)) return *std::move(refusal);
  call.who.kind = Principal::Kind::kOpen;
  if (options_.authenticator != nullptr) {
    auto who = options_.authenticator->Authenticate(call.request);
    // Where anybody may, a credential that is no longer good is none.
    if (!who.ok() && route.access.role != Role::kNone)
      return ErrorResponse(call.request, who.status());
    call.who = who.ok() ? *std::move(who) : Principal();
  }
  if (const auto status = CheckAccess(call.who, route.access, EffectOf(route)); !status.ok()) {
    return ErrorResponse(call.request, status);
  }
  ReadQuery(call);
  if (auto refusal = CheckParameters(route, call)) return *std::move(refusal);
  simdjson::dom::parser parser;
  if (auto refusal = ReadBody(route, call, parser)) return *std::move(refusal);
  if (auto refusal = CheckPrecondition(route, call)) return *std::move(refusal);
  auto answered = ServeOnce(route, call);
  http::Response response =
      answered.ok() ? *std::move(answered) : ErrorResponse(call.request, answered.status());
  if (IsKnown(call.request, response)) {
    response.status = 304;
    response.body.clear();
    response.content_type.clear();
  }
  if (options_.authenticator != nullptr) response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

base::Result<http::Response> Router::ServeOnce(const Route& route, const Call& call) const {
  const std::string_view key = call.request.Header("idempotency-key");
  if (key.empty() || route.by_key == ByKey::kNo || options_.idempotency == nullptr) {
    return route.answer(call);
  }
  const Idempotency::Key once{
      call.who.user, std::string(key),
      DigestOf(call.request.method + " " + call.request.target + "\n" + call.request.body)};
  ASSIGN_OR_RETURN(auto before, options_.idempotency->Begin(once));
  if (before) {
    before->headers.emplace_back("Idempotency-Replayed", "true");
    return *std::move(before);
  }
  auto answered = route.answer(call);
  const int status =
      answered.ok() ? answered->status : base::HttpStatusOf(answered.status().code());
  if (answered.ok() && status < 300 && !answered->stream) {
    options_.idempotency->Finish(once, *answered);
  } else if (status < 500) {
    options_.idempotency->Forget(once);
  }
  return answered;
}

}  // namespace ronda::api
