#include "net/codec/auth.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ronda::net {
namespace {

// RFC 7616, 3.9.1.
constexpr std::string_view kSha256Challenge =
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
constexpr std::string_view kMd5Challenge =
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
constexpr std::string_view kClientNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

std::string Answer(std::string_view challenge, std::string_view password = "Circle of Life",
                   std::string_view cnonce = kClientNonce, std::string_view body = "") {
  const auto parsed = ParseDigestChallenge(challenge);
  if (!parsed.ok()) return parsed.status().ToString();
  DigestAuth auth("Mufasa", std::string(password));
  auth.SetClientNonce(std::string(cnonce));
  EXPECT_TRUE(auth.Accept(*parsed));
  std::string out;
  auth.AppendAuthorization("GET", "/dir/index.html", body, out);
  return out;
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// RFC 7617, 2 and 2.1.
TEST(AuthTest, BasicAsInRfc7617) {
  std::string out;
  ASSERT_TRUE(AppendBasicAuth("Aladdin", "open sesame", out).ok());
  EXPECT_EQ(out, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  out.clear();
  ASSERT_TRUE(AppendBasicAuth("test", "123\xc2\xa3", out).ok());
  EXPECT_EQ(out, "Basic dGVzdDoxMjPCow==");
  EXPECT_FALSE(AppendBasicAuth("a:b", "c", out).ok());
  EXPECT_FALSE(AppendBasicAuth("a", "b\nc", out).ok());
}

TEST(AuthTest, Base64OfKnownText) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
}

TEST(AuthTest, DigestAsInRfc7616) {
  EXPECT_EQ(Answer(kSha256Challenge),
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
            "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", "
            "algorithm=SHA-256, "
            "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
            "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001, "
            "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\"");
  EXPECT_TRUE(Has(Answer(kMd5Challenge), "response=\"8ca523f5e9506fed4657c9700eebdbec\""));
}

TEST(AuthTest, OfSeveralChallengesTheBestIsTaken) {
  const std::string both = std::string(kMd5Challenge) + ", Basic realm=\"x\", Negotiate YWJj==, " +
                           std::string(kSha256Challenge) + ", NTLM";
  EXPECT_EQ(Answer(both), Answer(kSha256Challenge));
  EXPECT_EQ(Answer("Negotiate, Digest algorithm=SHA-512-256, realm=\"a\", nonce=\"b\", " +
                   std::string(kMd5Challenge)),
            Answer(kMd5Challenge));
}

// RFC 2617, 3.5, with and without its qop (then RFC 2069).
TEST(AuthTest, OlderDigests) {
  constexpr std::string_view kOld =
      "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
      "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
  EXPECT_TRUE(
      Has(Answer(std::string(kOld) + ", qop=\"auth,auth-int\"", "Circle Of Life", "0a4f113b"),
          "response=\"6629fae49393a05397450978507c4ef1\""));
  const std::string plain = Answer(kOld, "Circle Of Life");
  EXPECT_TRUE(Has(plain, "response=\"670fd8c2df070c60b045671b8b24ff02\"")) << plain;
  EXPECT_FALSE(Has(plain, "qop"));
  EXPECT_FALSE(Has(plain, "cnonce"));
}

// Figures made by an independent implementation of RFC 7616, 3.4.2 and 3.4.3.
TEST(AuthTest, SessionAlgorithmsAndBodies) {
  constexpr std::string_view kRest = ", realm=\"r\", nonce=\"n\"";
  EXPECT_TRUE(Has(Answer("Digest algorithm=MD5-sess, qop=auth" + std::string(kRest), "p", "c"),
                  "response=\"b7d3aedaa7e5fc933d4166d0246eeccf\""));
  EXPECT_TRUE(
      Has(Answer("Digest algorithm=SHA-256, qop=auth-int" + std::string(kRest), "p", "c", "body"),
          "response=\"9a08d1bfee4bb6cb21bba2e9362e2eecaf8063894aef13fd3af6a0aca64b3daf\", "
          "qop=auth-int"));
  EXPECT_TRUE(Has(Answer("Digest algorithm=SHA-256, userhash=true, qop=auth" + std::string(kRest)),
                  "username=\"8ec3e1d647d8bd2ae7115a19b5155727c083dd356e9e6fa526b1188461f18acf\""));
}

TEST(AuthTest, EveryUseOfANonceIsCounted) {
  DigestAuth auth("Mufasa", "Circle of Life");
  EXPECT_FALSE(auth.ready());
  ASSERT_TRUE(auth.Accept(*ParseDigestChallenge(kMd5Challenge)));
  std::string first, second;
  auth.AppendAuthorization("GET", "/", "", first);
  auth.AppendAuthorization("GET", "/", "", second);
  EXPECT_TRUE(Has(first, "nc=00000001"));
  EXPECT_TRUE(Has(second, "nc=00000002"));
  EXPECT_NE(first.substr(first.find("cnonce")), second.substr(second.find("cnonce")));
}

TEST(AuthTest, ARefusedAnswerIsNotGivenAgainUnlessTheNonceWasStale) {
  DigestAuth auth("Mufasa", "wrong");
  ASSERT_TRUE(auth.Accept(*ParseDigestChallenge(kMd5Challenge)));
  std::string out;
  auth.AppendAuthorization("GET", "/", "", out);
  EXPECT_TRUE(auth.Accept(*ParseDigestChallenge(std::string(kMd5Challenge) + ", stale=TRUE")));
  auth.AppendAuthorization("GET", "/", "", out);
  EXPECT_FALSE(auth.Accept(*ParseDigestChallenge(kMd5Challenge)));
}

TEST(AuthTest, QuotedValuesAreUnquotedAndQuotedAgain) {
  const std::string out = Answer("Digest realm=\"a \\\"b\\\\\", nonce=\"n\", nonsense=1");
  EXPECT_TRUE(Has(out, "realm=\"a \\\"b\\\\\""));
}

TEST(AuthTest, AParameterGivenTwiceCountsTheLastTime) {
  const auto challenge = ParseDigestChallenge(
      "Digest realm=a, nonce=b, algorithm=MD5-sess, algorithm=SHA-256, realm=c");
  ASSERT_TRUE(challenge.ok());
  EXPECT_EQ(challenge->algorithm, DigestChallenge::Algorithm::kSha256);
  EXPECT_FALSE(challenge->session);
  EXPECT_EQ(challenge->realm, "c");
}

TEST(AuthTest, ChallengesThatCannotBeAnsweredSayWhy) {
  EXPECT_TRUE(Answer("Basic realm=\"x\"").starts_with("not-found"));
  EXPECT_TRUE(Answer("").starts_with("not-found"));
  EXPECT_TRUE(Answer("Digest realm=\"x\"").starts_with("invalid-argument"));
  EXPECT_TRUE(Answer("Digest realm=\"x").starts_with("invalid-argument"));
  EXPECT_TRUE(Answer("Digest realm=\"x\", nonce=\"y\", algorithm=SHA-512-256")
                  .starts_with("unimplemented"));
  EXPECT_TRUE(
      Answer("Digest realm=\"x\", nonce=\"y\", qop=\"token\"").starts_with("unimplemented"));
}

}  // namespace
}  // namespace ronda::net
