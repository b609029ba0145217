#include <gtest/gtest.h>

#include <string>

#include "model/testing.h"

namespace ronda::model {
namespace {

std::string DigestOf(const std::string& text) {
  const Loaded loaded = LoadText(text);
  EXPECT_EQ(loaded.Said(), "");
  return loaded.set.all.empty() ? "" : Digest(*loaded.set.all[0]);
}

const char kFeed[] = "kind: Feed\nname: f\ninline: [{a: 1, b: x}]\n";

TEST(Digest, IsSha256OfTheCanonicalForm) {
  const Loaded loaded = LoadText(kFeed);
  EXPECT_EQ(CanonicalForm(loaded.set.all[0]->raw),
            R"({"inline":[{"a":1,"b":"x"}],"kind":"Feed","name":"f"})");
  // printf '%s' '<the form>' | sha256sum
  EXPECT_EQ(Digest(*loaded.set.all[0]),
            "sha256:d6970a98a969a7cc850bba8ca6607e7731681ac824f3a0df47d88c829aada61a");
}

TEST(Digest, DoesNotDependOnLayoutCommentsOrOrderOfKeys) {
  EXPECT_EQ(DigestOf("# hello\nname: 'f'\ninline:\n- b: \"x\"\n  a: 1 # one\nkind: Feed\n"),
            DigestOf(kFeed));
  EXPECT_EQ(DigestOf("kind: Feed\nname: f\nversion: 1\ninline: [&r {a: 1.0, b: x}]\n"),
            DigestOf("kind: Feed\nname: f\nversion: 1\ninline: [{b: x, a: 1}]\n"));
}

TEST(Digest, ChangesWithEveryMeaning) {
  EXPECT_NE(DigestOf("kind: Feed\nname: f\ninline: [{a: 2, b: x}]\n"), DigestOf(kFeed));
  EXPECT_NE(DigestOf("kind: Feed\nname: f\ninline: [{a: '1', b: x}]\n"), DigestOf(kFeed))
      << "quoted is text";
  EXPECT_NE(DigestOf("kind: Feed\nname: f\ninline: [{a: 1, b: x}, {a: 1, b: x}]\n"),
            DigestOf(kFeed));
}

// Invariant 1: a run overrides a copy; the definition it came from keeps its digest.
TEST(Digest, StaysAfterARunsOverrides) {
  const Loaded loaded = LoadWith("load: {executor: constant-vus, vus: 3, duration: 1s}");
  const Definition& definition = *loaded.set.all.at(0);
  const std::string before = Digest(definition);
  Scenario overlay = *definition.As<Scenario>();
  overlay.plan.loads[0].vus = 500;
  overlay.steps.clear();
  EXPECT_EQ(Digest(definition), before);
  EXPECT_EQ(definition.As<Scenario>()->plan.loads[0].vus, 3);
}

}  // namespace
}  // namespace ronda::model
