#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "net/codec/auth.h"

namespace ronda::net {

// A WWW-Authenticate value: an answer to it is itself read back as what was asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  const auto challenge = ParseDigestChallenge(header);
  if (!challenge.ok()) {
    CHECK(!challenge.status().message().empty());
    return 0;
  }
  DigestAuth auth("user", "password");
  CHECK(auth.Accept(*challenge));
  std::string answer;
  auth.AppendAuthorization("GET", "/", "body", answer);
  const auto back = ParseDigestChallenge(answer);
  CHECK(back.ok());
  CHECK(back->realm == challenge->realm && back->nonce == challenge->nonce);
  CHECK(back->opaque == challenge->opaque && back->algorithm == challenge->algorithm);
  CHECK(back->session == challenge->session && back->userhash == challenge->userhash);
  return 0;
}

}  // namespace ronda::net
