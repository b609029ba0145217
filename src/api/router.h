#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/access.h"
#include "api/idempotency.h"
#include "api/route.h"
#include "base/core/status.h"
#include "http/server.h"

namespace ronda::api {

// Finds out who asks. Any thread.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Nobody when the request carries no credential. Unauthenticated: it carries one that is not, or no
  // longer, good. PermissionDenied: a session's write without its CSRF token.
  [[nodiscard]] virtual base::Result<Principal> Authenticate(const http::Request& request) = 0;
};

struct RouterOptions {
  Authenticator* authenticator = nullptr;  // null: nobody is asked who he is
  Idempotency* idempotency = nullptr;  // null: Idempotency-Key has no effect
};

// The table of routes. Checks what the rows say (who may, parameters, body, If-Match, Idempotency-Key), and
// writes the OpenAPI 3.1 document, /api/v1/openapi.json. Add everything before the first request; then any
// thread. Borrows what its options point to.
class Router {
 public:
  explicit Router(RouterOptions options = {});

  // A row that contradicts itself is a bug: CHECK.
  void Add(Route route);
  // Never blocks longer than the route that answers. Errors are JSON: 404 and 405 where no route answers.
  [[nodiscard]] http::Response Handle(const http::Request& request) const;
  [[nodiscard]] std::string OpenApi() const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  [[nodiscard]] http::Response Serve(const Route& route, Call& call) const;
  [[nodiscard]] base::Result<http::Response> ServeOnce(const Route& route, const Call& call) const;

  RouterOptions options_;
  std::vector<Route> routes_;
};

}  // namespace ronda::api
