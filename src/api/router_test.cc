#include "api/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/core/clock.h"

namespace ronda::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// "Bearer ROLE SCOPE...": a principal as the header says.
class SaysWho : public Authenticator {
 public:
  base::Result<Principal> Authenticate(const http::Request& request) override {
    const std::string_view header = request.Header("authorization");
    if (header.empty()) return Principal();
    if (header == "gone") return base::Unauthenticated("the token has expired");
    Principal who{.kind = Principal::Kind::kToken, .user = "ann"};
    const std::size_t space = header.find(' ');
    who.role = *RoleOf(header.substr(0, space));
    who.scopes = *Scopes::Parse({std::string(header.substr(space + 1))});
    return who;
  }
};

// One document with a version, as a resource.
class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.Add({.pattern = "/api/v1/doc",
                 .summary = "The document",
                 .name = "getDoc",
                 .answer = [this](const Call&) -> base::Result<http::Response> {
                   if (version_ == 0) return base::NotFound("there is no document");
                   return WithETag({.body = "{}"}, std::to_string(version_));
                 }});
    router_.Add({.pattern = "/api/v1/doc",
                 .method = "PUT",
                 .summary = "Makes or replaces it",
                 .access = {Role::kOperator, Area::kDefinitions},
                 .body = Body{.schema = schema::Object({{"text", schema::Text()}})},
                 .current = [this](const Call&) -> base::Result<std::string> {
                   if (version_ == 0) return base::NotFound("there is no document");
                   return std::to_string(version_);
                 },
                 .answer = [this](const Call& call) -> base::Result<http::Response> {
                   expected_ = call.expected.value_or("none");
                   text_ = call.BodyText("text");
                   ++version_;
                   return http::Response{.body = "{}"};
                 }});
    router_.Add({.pattern = "/api/v1/things",
                 .method = "POST",
                 .summary = "Makes one",
                 .access = {Role::kOperator, Area::kRuns},
                 .by_key = ByKey::kYes,
                 .answer = [this](const Call&) -> base::Result<http::Response> {
                   ++made_;
                   if (fails_with_ != base::Code::kOk) return base::Status(fails_with_, "no");
                   return http::Response{.status = 201, .body = std::to_string(made_)};
                 }});
    router_.Add({.pattern = "/api/v1/things/{id}",
                 .summary = "One",
                 .parameters = {{"id", "Its number", schema::Integer()},
                                {"depth", "How deep", schema::Within(schema::Integer(), 1, 3)},
                                {"kind", "Of these", schema::ListOf(schema::Choice({"a", "b"}))},
                                {"why", "Has to be said", schema::Text(), Required::kYes}},
                 .answer = [](const Call& call) -> http::Response {
                   std::string kinds;
                   for (const std::string& kind : call.QueryList("kind")) kinds += kind;
                   return {.body = call.path.at("id") + kinds +
                                   std::to_string(call.QueryInteger("depth", 2))};
                 }});
  }

  http::Response Ask(std::string method, std::string target, http::Headers headers = {},
                     std::string body = "") {
    headers.emplace_back("Authorization", who_);
    headers.emplace_back("Host", "127.0.0.1:4319");
    return router_.Handle({.method = std::move(method),
                           .target = std::move(target),
                           .headers = std::move(headers),
                           .body = std::move(body),
                           .id = "r-1"});
  }
  static std::string HeaderOf(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }

  std::string who_ = "admin *:write";
  int version_ = 0;
  int made_ = 0;
  base::Code fails_with_ = base::Code::kOk;
  std::string expected_, text_;
  base::FakeClock clock_;
  SaysWho authenticator_;
  IdempotencyInMemory idempotency_{clock_};
  Router router_{{.authenticator = &authenticator_, .idempotency = &idempotency_}};
};

TEST_F(RouterTest, AnErrorHasCodeMessageAndRequestId) {
  const auto response = Ask("GET", "/api/v1/doc");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            R"({"code":"not-found","message":"there is no document","request_id":"r-1"})");
  EXPECT_THAT(Ask("GET", "/api/v1/doc?colour=red").body, HasSubstr(R"("hint":"it takes none")"));
}

TEST_F(RouterTest, ParametersAreCheckedBeforeTheRouteIsAsked) {
  EXPECT_EQ(Ask("GET", "/api/v1/things/7?why=x&kind=a,b&kind=a").body, "7aba2");
  EXPECT_EQ(Ask("GET", "/api/v1/things/7?why=x&depth=3").body, "73");
  const auto refused = [&](const std::string& target) {
    const auto response = Ask("GET", "/api/v1/things/" + target);
    EXPECT_EQ(response.status, 400) << target;
    return response.body;
  };
  EXPECT_THAT(refused("7"), HasSubstr("the parameter why is missing"));
  EXPECT_THAT(refused("7?why="), HasSubstr("the parameter why is missing"));
  EXPECT_THAT(refused("x?why=x"), HasSubstr("id is a whole number"));
  EXPECT_THAT(refused("7?why=x&depth=4"), HasSubstr("1 to 3"));
  EXPECT_THAT(refused("7?why=x&depth=1&depth=2"), HasSubstr("depth is given twice"));
  EXPECT_THAT(refused("7?why=x&kind=a,c"), HasSubstr("kind: there is no"));
  EXPECT_THAT(refused("7?why=x&dept=1"), HasSubstr("did you mean depth?"));
  EXPECT_THAT(refused("7?why=x&id=1"), HasSubstr("there is no parameter"));
}

TEST_F(RouterTest, RoleAndScopeAreEachNeeded) {
  const auto put = [&](const char* who) {
    who_ = who;
    version_ = 0;
    return Ask("PUT", "/api/v1/doc", {}, R"({"text":"x"})");
  };
  EXPECT_EQ(put("operator definitions:write").status, 200);
  EXPECT_EQ(put("admin *:write").status, 200);
  EXPECT_THAT(put("viewer *:write").body, HasSubstr("the role operator; ann has viewer"));
  EXPECT_THAT(put("admin definitions:read").body, HasSubstr("definitions:write"));
  EXPECT_EQ(put("admin runs:write").status, 403);
  const auto nobody = put("");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(HeaderOf(nobody, "WWW-Authenticate"), "Bearer");
  EXPECT_THAT(put("gone").body, HasSubstr("the token has expired"));
  EXPECT_EQ(Ask("GET", "/api/v1/openapi.json").status, 200) << "anybody may, even with a bad token";
}

TEST_F(RouterTest, APageOfAnotherSiteChangesNothing) {
  EXPECT_EQ(Ask("POST", "/api/v1/things", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(made_, 0);
  EXPECT_EQ(Ask("POST", "/api/v1/things", {{"Origin", "http://127.0.0.1:4319"}}).status, 201);
}

TEST_F(RouterTest, ABodyIsAsItsSchemaSays) {
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {}, R"({"text":"new"})").status, 200);
  EXPECT_EQ(text_, "new");
  version_ = 0;
  const auto refused = [&](const std::string& body, http::Headers headers = {}) {
    return Ask("PUT", "/api/v1/doc", std::move(headers), body);
  };
  EXPECT_THAT(refused("").body, HasSubstr("the body is missing"));
  EXPECT_THAT(refused("{").body, HasSubstr("no JSON"));
  EXPECT_THAT(refused(R"({"text":5})").body, HasSubstr("body.text: a text is expected"));
  const auto form = refused("text=x", {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(form.status, 415);
  EXPECT_THAT(form.body, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(
      refused(R"({"text":"x"})", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status,
      200);
  EXPECT_THAT(Ask("GET", "/api/v1/doc", {}, "x").body, HasSubstr("takes no body"));
}

TEST_F(RouterTest, AWriteSaysWhatItKnowsWhereSomethingIs) {
  const std::string body = R"({"text":"x"})";
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {{"If-Match", "\"1\""}}, body).status, 412)
      << "nothing is there";
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {}, body).status, 200);
  EXPECT_EQ(expected_, "none");
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {}, body).status, 428);
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {{"If-Match", "\"7\""}}, body).status, 412);
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {{"If-Match", "W/\"1\""}}, body).status, 412);
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {{"If-None-Match", "*"}}, body).status, 412);
  EXPECT_EQ(version_, 1);
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {{"If-Match", "\"7\", \"1\""}}, body).status, 200);
  EXPECT_EQ(expected_, "1");
  EXPECT_EQ(Ask("PUT", "/api/v1/doc", {{"If-Match", "*"}}, body).status, 200);
  EXPECT_EQ(version_, 3);
}

TEST_F(RouterTest, WhoHasTheAnswerIsToldSo) {
  version_ = 3;
  const auto first = Ask("GET", "/api/v1/doc");
  EXPECT_EQ(HeaderOf(first, "ETag"), "\"3\"");
  const auto again = Ask("GET", "/api/v1/doc", {{"If-None-Match", "\"3\""}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(Ask("GET", "/api/v1/doc", {{"If-None-Match", "\"2\""}}).status, 200);
}

TEST_F(RouterTest, OneKeyHasOneEffectAndOneAnswer) {
  const http::Headers key = {{"Idempotency-Key", "k1"}};
  EXPECT_EQ(Ask("POST", "/api/v1/things", key).body, "1");
  const auto again = Ask("POST", "/api/v1/things", key);
  EXPECT_EQ(again.body, "1");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(HeaderOf(again, "Idempotency-Replayed"), "true");
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(Ask("POST", "/api/v1/things").body, "2") << "without a key each is new";
  clock_.Advance(86'401'000'000'000);
  EXPECT_EQ(Ask("POST", "/api/v1/things", key).body, "3") << "a day later it is new";
}

TEST_F(RouterTest, AKeyIsFreeAfterARefusalAndNotAfterAFailure) {
  const http::Headers key = {{"Idempotency-Key", "k1"}};
  fails_with_ = base::Code::kInvalidArgument;
  EXPECT_EQ(Ask("POST", "/api/v1/things", key).status, 400);
  fails_with_ = base::Code::kInternal;
  EXPECT_EQ(Ask("POST", "/api/v1/things", key).status, 500);
  fails_with_ = base::Code::kOk;
  EXPECT_EQ(Ask("POST", "/api/v1/things", key).status, 409)
      << "whether it had an effect is unknown";
  EXPECT_EQ(made_, 2);
}

TEST(Idempotency, AKeyIsForOneRequestOfOneUser) {
  base::FakeClock clock;
  IdempotencyInMemory kept(clock, 2);
  EXPECT_TRUE(kept.Begin({"ann", "k", "a"}).ok());
  EXPECT_EQ(kept.Begin({"ann", "k", "a"}).status().code(), base::Code::kAborted);
  EXPECT_EQ(kept.Begin({"ann", "k", "b"}).status().code(), base::Code::kInvalidArgument);
  EXPECT_TRUE(kept.Begin({"bob", "k", "b"}).ok());
  EXPECT_TRUE(kept.Begin({"bob", "k2", "b"}).ok());
  EXPECT_TRUE(kept.Begin({"ann", "k", "b"}).ok()) << "the oldest went";
}

TEST_F(RouterTest, TheDocumentSaysWhatTheRowsSay) {
  simdjson::dom::parser parser;
  const std::string text = router_.OpenApi();
  simdjson::dom::element document;
  ASSERT_EQ(parser.parse(text).get(document), simdjson::SUCCESS) << text;
  EXPECT_EQ(document["openapi"].get_string().value_unsafe(), "3.1.0");
  const auto at = [&](std::string_view pointer) {
    const auto found = document.at_pointer(pointer);
    EXPECT_EQ(found.error(), simdjson::SUCCESS) << pointer;
    return std::string(simdjson::minify(found.value_unsafe()));
  };
  EXPECT_EQ(at("/paths/~1api~1v1~1doc/put/x-role"), "\"operator\"");
  EXPECT_EQ(at("/paths/~1api~1v1~1doc/put/x-scope"), "\"definitions:write\"");
  EXPECT_EQ(at("/paths/~1api~1v1~1doc/get/operationId"), "\"getDoc\"");
  EXPECT_THAT(at("/paths/~1api~1v1~1doc/put/parameters"), HasSubstr("If-Match"));
  for (const char* status : {"200", "400", "401", "403", "412", "413", "415", "428"}) {
    at("/paths/~1api~1v1~1doc/put/responses/" + std::string(status));
  }
  EXPECT_THAT(at("/paths/~1api~1v1~1things~1{id}/get/parameters"),
              HasSubstr(R"({"name":"id","in":"path","required":true)"));
  EXPECT_THAT(at("/components/schemas/Error/required"), HasSubstr("request_id"));
  EXPECT_EQ(at("/paths/~1api~1v1~1openapi.json/get/security"), "[]");
}

}  // namespace
}  // namespace ronda::api
