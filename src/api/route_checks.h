#pragma once

#include "api/route.h"
#include "base/core/status.h"

// What the table checks before a route is asked. Each gives the answer that refuses the call, or nothing.
namespace ronda::api {

using Refusal = std::optional<http::Response>;

// A write that a page of another site sends.
[[nodiscard]] Refusal CheckOrigin(const Route& route, const http::Request& request);
[[nodiscard]] Refusal CheckParameters(const Route& route, const Call& call);
// Reads a JSON body into call.body; `parser` outlives the call.
[[nodiscard]] Refusal ReadBody(const Route& route, Call& call, simdjson::dom::parser& parser);
// If-Match and If-None-Match against the resource; sets call.expected.
[[nodiscard]] Refusal CheckPrecondition(const Route& route, Call& call);
// Whether the client has the answer already: If-None-Match of a GET.
[[nodiscard]] bool IsKnown(const http::Request& request, const http::Response& response);

}  // namespace ronda::api
