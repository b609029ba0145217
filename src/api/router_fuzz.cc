#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/router.h"
#include "base/core/check.h"
#include "base/core/clock.h"

namespace {

using namespace ronda;
using namespace ronda::api;

// Rows of every kind of check.
Router& Table() {
  static base::FakeClock clock;
  static IdempotencyInMemory idempotency(clock, 100);
  static Router* const router = [] {
    auto* made = new Router({.idempotency = &idempotency});
    const auto echo = [](const Call& call) -> base::Result<http::Response> {
      return WithETag({.body = call.BodyText("name") + call.Query("q").value_or("")}, "1");
    };
    const Schema item = schema::Object(
        {{"name", schema::Matching(schema::Within(schema::Text(), 1, 20), "[a-z]+")},
         {"count", schema::Within(schema::Integer(), -5, 5), Required::kNo},
         {"tags", schema::ListOf(schema::Choice({"a", "b"})), Required::kNo},
         {"more", schema::MapOf(schema::Nullable(schema::Number())), Required::kNo}});
    made->Add({.pattern = "/a/{id}",
               .parameters = {{"id", "", schema::Integer()},
                              {"q", "", schema::Within(schema::Text(), 0, 9)},
                              {"n", "", schema::Number()},
                              {"l", "", schema::ListOf(schema::Choice({"x", "y"}))},
                              {"b", "", schema::Bool()}},
               .answer = echo});
    made->Add({.pattern = "/a",
               .method = "POST",
               .body = Body{.schema = item, .content = {Content::kJson, Content::kYaml}},
               .by_key = ByKey::kYes,
               .answer = echo});
    made->Add({.pattern = "/a/{id}/{name}",
               .method = "PUT",
               .body = Body{.schema = item, .required = Required::kNo},
               .current = [](const Call& call) -> base::Result<std::string> {
                 if (call.path.at("id") == "0") return base::NotFound("none");
                 return std::string("1");
               },
               .answer = echo});
    return made;
  }();
  return *router;
}

}  // namespace

// "METHOD target\n", lines "Name: value\n", an empty line, a body: an answer whose status fits, with an error
// as JSON, whatever it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::string_view taken = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
    return taken;
  };
  const std::string_view first = line();
  http::Request request;
  request.method = first.substr(0, first.find(' '));
  request.target = first.substr(std::min(request.method.size() + 1, first.size()));
  for (std::string_view header = line(); !header.empty(); header = line()) {
    const std::size_t colon = std::min(header.find(": "), header.size());
    request.headers.emplace_back(header.substr(0, colon),
                                 header.substr(std::min(colon + 2, header.size())));
  }
  request.body = rest;
  const http::Response response = Table().Handle(request);
  CHECK(response.status >= 200 && response.status < 500);
  CHECK(response.status < 400 || response.body.starts_with("{\"code\":"));
  return 0;
}
