#include "net/codec/auth.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/core/check.h"
#include "base/core/random.h"

namespace ronda::net {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool Is(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, Lower);
}

std::string Hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char b : bytes) {
    text += kDigits[b >> 4];
    text += kDigits[b & 15];
  }
  return text;
}

std::string HexDigest(const EVP_MD* algorithm, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr) == 1);
  return Hex({digest.data(), size});
}

bool HasControl(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool IsTokenChar(char c) {
  return (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Reads the list of challenges in one header value (RFC 9110, 11.6.1).
class ChallengeReader {
 public:
  struct Item {
    enum class Kind : std::uint8_t { kEnd, kScheme, kParameter, kBad } kind = Kind::kEnd;
    std::string_view name;
    std::string value;
  };

  explicit ChallengeReader(std::string_view text) : text_(text) {}

  Item Next() {
    SkipToElement();
    if (text_.empty()) return {};
    const std::string_view name = TakeToken();
    if (name.empty()) return {Item::Kind::kBad, {}, {}};
    SkipBlanks();
    if (!text_.starts_with('=')) {
      SkipToken68();
      return {Item::Kind::kScheme, name, {}};
    }
    text_.remove_prefix(1);
    SkipBlanks();
    Item item{Item::Kind::kParameter, name, {}};
    if (!text_.starts_with('"')) {
      item.value = TakeToken();
    } else if (!TakeQuoted(item.value)) {
      item.kind = Item::Kind::kBad;
    }
    return item;
  }

 private:
  void SkipBlanks() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t'))
      text_.remove_prefix(1);
  }
  void SkipToElement() {
    while (!text_.empty() &&
           (text_.front() == ' ' || text_.front() == '\t' || text_.front() == ',')) {
      text_.remove_prefix(1);
    }
  }
  std::string_view TakeToken() {
    std::size_t n = 0;
    while (n < text_.size() && IsTokenChar(text_[n])) ++n;
    const std::string_view token = text_.substr(0, n);
    text_.remove_prefix(n);
    return token;
  }
  // "Basic YWJj==" as some schemes have it instead of parameters.
  void SkipToken68() {
    std::size_t n = 0;
    while (n < text_.size() && (IsTokenChar(text_[n]) || text_[n] == '/')) ++n;
    std::size_t end = n;
    while (end < text_.size() && text_[end] == '=') ++end;
    const bool whole = end == text_.size() || text_[end] == ',';
    if (n > 0 && whole) text_.remove_prefix(end);
  }
  bool TakeQuoted(std::string& value) {
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        text_.remove_prefix(i + 1);
        return true;
      }
      if (text_[i] == '\\') ++i;
      if (i == text_.size()) break;
      value += text_[i];
    }
    text_ = {};
    return false;
  }

  std::string_view text_;
};

// One Digest challenge with what decides whether it can be used.
struct Candidate {
  DigestChallenge challenge;
  bool has_realm = false;
  bool has_nonce = false;
  bool has_qop = false;
  bool known = true;

  [[nodiscard]] bool complete() const { return has_realm && has_nonce; }
  [[nodiscard]] bool usable() const {
    return complete() && known && (!has_qop || challenge.qop_auth || challenge.qop_auth_int);
  }
};

void NoteQop(std::string_view list, Candidate& c) {
  c.has_qop = true;
  while (!list.empty()) {
    std::string_view option = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), option.size() + 1));
    const std::size_t begin = std::min(option.find_first_not_of(" \t"), option.size());
    option = option.substr(begin, option.find_last_not_of(" \t") + 1 - begin);
    if (Is(option, "auth")) c.challenge.qop_auth = true;
    if (Is(option, "auth-int")) c.challenge.qop_auth_int = true;
  }
}

void NoteAlgorithm(std::string_view text, Candidate& c) {
  c.challenge.algorithm_text = text;
  constexpr std::string_view kSession = "-sess";
  c.challenge.session =
      text.size() > kSession.size() && Is(text.substr(text.size() - kSession.size()), kSession);
  if (c.challenge.session) text.remove_suffix(kSession.size());
  c.known = Is(text, "md5") || Is(text, "sha-256");
  c.challenge.algorithm =
      Is(text, "sha-256") ? DigestChallenge::Algorithm::kSha256 : DigestChallenge::Algorithm::kMd5;
}

void NoteParameter(ChallengeReader::Item& item, Candidate& c) {
  if (Is(item.name, "realm")) {
    c.challenge.realm = std::move(item.value);
    c.has_realm = true;
  } else if (Is(item.name, "nonce")) {
    c.challenge.nonce = std::move(item.value);
    c.has_nonce = true;
  } else if (Is(item.name, "opaque")) {
    c.challenge.opaque = std::move(item.value);
    c.challenge.has_opaque = true;
  } else if (Is(item.name, "stale")) {
    c.challenge.stale = Is(item.value, "true");
  } else if (Is(item.name, "userhash")) {
    c.challenge.userhash = Is(item.value, "true");
  } else if (Is(item.name, "algorithm")) {
    NoteAlgorithm(item.value, c);
  } else if (Is(item.name, "qop")) {
    NoteQop(item.value, c);
  }
}

void AppendQuoted(std::string_view name, std::string_view value, std::string& out) {
  out.append(", ").append(name).append("=\"");
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string RandomHex() {
  std::array<unsigned char, 16> bytes;
  base::FillEntropy(bytes.data(), bytes.size());
  return Hex(bytes);
}

}  // namespace

std::string Base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

base::Status AppendBasicAuth(std::string_view user, std::string_view password, std::string& out) {
  if (user.find(':') != std::string_view::npos) {
    return base::InvalidArgument("the user name of Basic authentication may not hold a colon");
  }
  if (HasControl(user) || HasControl(password)) {
    return base::InvalidArgument(
        "user name and password of Basic authentication may not hold control characters");
  }
  std::string pair(user);
  out.append("Basic ").append(Base64(pair.append(":").append(password)));
  return base::Ok();
}

base::Result<DigestChallenge> ParseDigestChallenge(std::string_view header) {
  using Kind = ChallengeReader::Item::Kind;
  std::vector<Candidate> candidates;
  bool in_digest = false, bad = false;
  ChallengeReader reader(header);
  for (auto item = reader.Next(); item.kind != Kind::kEnd && !bad; item = reader.Next()) {
    bad = item.kind == Kind::kBad;
    if (item.kind == Kind::kScheme) {
      in_digest = Is(item.name, "digest");
      if (in_digest) candidates.emplace_back();
    } else if (item.kind == Kind::kParameter && in_digest) {
      NoteParameter(item, candidates.back());
    }
  }
  if (candidates.empty()) return base::NotFound("no Digest challenge");

  Candidate* best = nullptr;
  for (Candidate& c : candidates) {
    if (c.usable() && (best == nullptr || c.challenge.algorithm > best->challenge.algorithm)) {
      best = &c;
    }
  }
  if (best != nullptr) return std::move(best->challenge);
  if (bad || std::ranges::none_of(candidates, &Candidate::complete)) {
    return base::InvalidArgument("a Digest challenge without realm or nonce, or broken");
  }
  return base::Unimplemented(
      "a Digest challenge with an algorithm or qop other than MD5, SHA-256, "
      "auth and auth-int");
}

DigestAuth::DigestAuth(std::string user, std::string password)
    : user_(std::move(user)), password_(std::move(password)) {}

bool DigestAuth::Accept(DigestChallenge challenge) {
  const bool again = challenge_.has_value() && nonce_count_ > 0 && !challenge.stale &&
                     challenge_->realm == challenge.realm;
  challenge_ = std::move(challenge);
  nonce_count_ = 0;
  session_ha1_.clear();
  return !again;
}

std::string DigestAuth::Hash(std::string_view text) const {
  const bool sha = challenge_->algorithm == DigestChallenge::Algorithm::kSha256;
  return HexDigest(sha ? EVP_sha256() : EVP_md5(), text);
}

// H(A1), RFC 7616, 3.4.2. That of a -sess algorithm is made once a nonce.
std::string DigestAuth::UserHash(std::string_view cnonce) {
  if (!session_ha1_.empty()) return session_ha1_;
  std::string ha1 = Hash(user_ + ":" + challenge_->realm + ":" + password_);
  if (!challenge_->session) return ha1;
  return session_ha1_ = Hash(ha1 + ":" + challenge_->nonce + ":" + std::string(cnonce));
}

void DigestAuth::AppendAuthorization(std::string_view method, std::string_view uri,
                                     std::string_view body, std::string& out) {
  CHECK(ready());
  const DigestChallenge& c = *challenge_;
  const std::string_view qop = c.qop_auth ? "auth" : c.qop_auth_int ? "auth-int" : "";
  const std::string cnonce = fixed_cnonce_.empty() ? RandomHex() : fixed_cnonce_;
  std::array<char, 9> count;
  std::snprintf(count.data(), count.size(), "%08x", ++nonce_count_);

  std::string a2(method);
  a2.append(":").append(uri);
  if (qop == "auth-int") a2.append(":").append(Hash(body));
  std::string response = UserHash(cnonce);
  response.append(":").append(c.nonce).append(":");
  if (!qop.empty()) {
    response.append(count.data()).append(":").append(cnonce).append(":").append(qop).append(":");
  }
  response.append(Hash(a2));

  out += "Digest username=\"";
  const std::string name = c.userhash ? Hash(user_ + ":" + c.realm) : user_;
  for (const char ch : name) {
    if (ch == '"' || ch == '\\') out += '\\';
    out += ch;
  }
  out += '"';
  AppendQuoted("realm", c.realm, out);
  AppendQuoted("nonce", c.nonce, out);
  AppendQuoted("uri", uri, out);
  if (!c.algorithm_text.empty()) out.append(", algorithm=").append(c.algorithm_text);
  AppendQuoted("response", Hash(response), out);
  if (c.has_opaque) AppendQuoted("opaque", c.opaque, out);
  if (!qop.empty()) {
    out.append(", qop=").append(qop).append(", nc=").append(count.data());
  }
  if (!qop.empty() || c.session) AppendQuoted("cnonce", cnonce, out);
  if (c.userhash) out += ", userhash=true";
}

}  // namespace ronda::net
