#include "model/catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "model/reference.h"
#include "model/testing.h"

namespace ronda::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string RequestError(const std::string& with) {
  return LoadSteps("[{id: a, action: http.request, with: {url: /, " + with + "}}]").Said();
}

TEST(Catalog, KnowsTheActionsThatComeWithRonda) {
  EXPECT_THAT(Catalog::BuiltIn().Codes(),
              ::testing::ElementsAre("assert", "http.request", "log", "wait"));
  EXPECT_EQ(Catalog::BuiltIn().Find("http"), nullptr);
}

TEST(Catalog, EveryExampleLoads) {
  for (const ActionSchema& action : Catalog::BuiltIn().all()) {
    const Loaded loaded = LoadText("kind: Scenario\nname: s\nsteps:\n" + action.example);
    EXPECT_THAT(loaded.Said(), IsEmpty()) << action.code;
    EXPECT_EQ(loaded.First<Scenario>().steps.at(0).schema, &action);
  }
}

void ExpectSound(const std::vector<FieldSpec>& specs, const std::string& where) {
  std::set<std::string> names;
  for (const FieldSpec& spec : specs) {
    EXPECT_TRUE(names.insert(spec.name).second) << where << " has " << spec.name << " twice";
    EXPECT_FALSE(spec.description.empty()) << where << '.' << spec.name;
    EXPECT_FALSE(spec.required && spec.default_text.has_value()) << where << '.' << spec.name;
    ExpectSound(spec.fields, where + '.' + spec.name);
  }
}

TEST(Catalog, EveryFieldIsDescribedOnce) {
  for (const ActionSchema& action : Catalog::BuiltIn().all()) {
    ExpectSound(action.params, action.code);
    ExpectSound(action.outputs, action.code);
    for (const auto& exclusive : action.exclusive) {
      for (const std::string& name : exclusive)
        EXPECT_NE(Find(action.params, name), nullptr) << name;
    }
  }
  for (const ObjectSpec& object : Objects()) ExpectSound(object.fields, object.name);
}

TEST(Catalog, EveryDefaultOfAParameterIsOneOfItsValues) {
  for (const ActionSchema& action : Catalog::BuiltIn().all()) {
    for (const FieldSpec& param : action.params) {
      if (!param.default_text.has_value()) continue;
      const Loaded loaded = LoadSteps("[{id: a, action: " + action.code + ", with: {" + param.name +
                                      ": " + *param.default_text + "}}]");
      EXPECT_EQ(loaded.Said().find('"' + param.name + '"'), std::string::npos) << loaded.Said();
    }
  }
}

TEST(Arguments, AreCheckedWhenTheyAreLiterals) {
  EXPECT_THAT(RequestError("redirects: 3, timeout: none, version: 1.1, tls: {verify: true}"),
              IsEmpty());
  EXPECT_THAT(RequestError("metod: POST"), HasSubstr("did you mean \"method\"?"));
  EXPECT_THAT(RequestError("redirects: many"), HasSubstr("\"redirects\" is an int, this is text"));
  EXPECT_THAT(RequestError("redirects: 51"), HasSubstr("at most 50"));
  EXPECT_THAT(RequestError("timeout: soon"), HasSubstr("expected a duration"));
  EXPECT_THAT(RequestError("tls: {verfy: true}"), HasSubstr("did you mean \"verify\"?"));
  EXPECT_THAT(RequestError("basic: {user: a}"), HasSubstr("\"basic\" needs \"password\""));
  EXPECT_THAT(RequestError("version: h3"), HasSubstr("one of: auto, 1.1, h2, h2c"));
  EXPECT_THAT(RequestError("multipart: [{value: x}]"), HasSubstr("needs \"name\""));
  EXPECT_THAT(RequestError("multipart: {name: x}"), HasSubstr("is a list"));
  EXPECT_THAT(RequestError("query: [a]"), HasSubstr("\"query\" is a map"));
  EXPECT_THAT(RequestError("headers: "), HasSubstr("has no value"));
}

TEST(Arguments, TemplatesStandForAnyTypeUnlessTheFieldIsLiteral) {
  EXPECT_THAT(RequestError("query: \"${params.q}\", json: \"${params.body}\""), IsEmpty());
  EXPECT_THAT(RequestError("redirects: \"${params.n}\""), HasSubstr("takes no ${...}"));
  EXPECT_THAT(RequestError("version: \"${params.v}\""), HasSubstr("takes no ${...}"));
}

TEST(Arguments, ThatExcludeOneAnotherAreTold) {
  EXPECT_THAT(RequestError("json: {a: 1}, form: {a: 1}"), HasSubstr("\"form\" excludes \"json\""));
  EXPECT_THAT(LoadSteps("[{id: a, action: wait, with: {for: 1s, min: 1s}}]").Said(),
              HasSubstr("\"min\" excludes \"for\""));
}

TEST(Arguments, ThatAreNeededAreNamedAtTheAction) {
  EXPECT_THAT(LoadSteps("[{id: a, action: assert}]").Said(),
              HasSubstr("3:25: error: assert needs \"that\""));
}

}  // namespace
}  // namespace ronda::model
