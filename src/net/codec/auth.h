#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"

namespace ronda::net {

[[nodiscard]] std::string Base64(std::string_view bytes);

// Appends "Basic ..." (RFC 7617, UTF-8). InvalidArgument when the user name holds a colon or either
// a control character.
[[nodiscard]] base::Status AppendBasicAuth(std::string_view user, std::string_view password,
                                           std::string& out);

// A Digest challenge out of WWW-Authenticate or Proxy-Authenticate (RFC 7616, 3.3).
struct DigestChallenge {
  enum class Algorithm : std::uint8_t { kMd5, kSha256 };
  std::string realm, nonce, opaque;
  Algorithm algorithm = Algorithm::kMd5;
  std::string algorithm_text;  // as the server wrote it; empty when it did not
  bool session = false;  // -sess
  bool has_opaque = false;
  bool stale = false;
  bool userhash = false;
  bool qop_auth = false, qop_auth_int = false;  // neither: RFC 2069
};

// Finds the best Digest challenge in the value of one header field, which may hold several
// challenges of several schemes (RFC 9110, 11.6.1): SHA-256 before MD5. NotFound when there is
// none, InvalidArgument when it is broken, Unimplemented for an algorithm or qop that we do not
// have.
[[nodiscard]] base::Result<DigestChallenge> ParseDigestChallenge(std::string_view header);

// Answers one server's challenges for one user; keeps the nonce and counts its uses. Owned by one
// thread.
class DigestAuth {
 public:
  DigestAuth(std::string user, std::string password);

  // A new challenge came. False when it is the same refusal again (not stale): the password is
  // wrong.
  [[nodiscard]] bool Accept(DigestChallenge challenge);
  // True once there is a challenge: requests may carry an answer in advance.
  [[nodiscard]] bool ready() const { return challenge_.has_value(); }

  // Appends the value of Authorization: "Digest ...". `uri` is the request target; `body` is used
  // by auth-int only.
  void AppendAuthorization(std::string_view method, std::string_view uri, std::string_view body,
                           std::string& out);

  // The client nonce: random unless a test sets it.
  void SetClientNonce(std::string cnonce) { fixed_cnonce_ = std::move(cnonce); }

 private:
  [[nodiscard]] std::string Hash(std::string_view text) const;
  [[nodiscard]] std::string UserHash(std::string_view cnonce);

  std::string user_, password_;
  std::optional<DigestChallenge> challenge_;
  std::uint32_t nonce_count_ = 0;
  std::string fixed_cnonce_;
  std::string session_ha1_;  // of a -sess algorithm, once a nonce was used
};

}  // namespace ronda::net
