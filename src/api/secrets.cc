#include "api/secrets.h"

#include <sodium.h>

#include <array>

#include "base/core/check.h"

namespace ronda::api {
namespace {

void Ready() {
  static const int ready = sodium_init();
  CHECK(ready >= 0);
}

// Of a password that nobody has: what is compared with where there is no user.
const std::string& NobodysHash() {
  static const std::string kHash = [] {
    const auto hash = HashPassword(NewSecret(""));
    return hash.ok() ? *hash : std::string();
  }();
  return kHash;
}

}  // namespace

std::string NewSecret(std::string_view prefix) {
  Ready();
  std::array<unsigned char, 32> random;
  randombytes_buf(random.data(), random.size());
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::array<char, sodium_base64_ENCODED_LEN(random.size(), kVariant)> text;
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), kVariant);
  return std::string(prefix) + text.data();
}

std::string NewId() {
  Ready();
  constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  std::string id;
  for (int i = 0; i < 16; ++i) id += kAlphabet[randombytes_uniform(kAlphabet.size())];
  return id;
}

std::string DigestOf(std::string_view text) {
  Ready();
  std::array<unsigned char, crypto_generichash_BYTES> digest;
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  std::array<char, 2 * crypto_generichash_BYTES + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

base::Result<std::string> HashPassword(std::string_view password) {
  Ready();
  std::array<char, crypto_pwhash_STRBYTES> hash;
  if (crypto_pwhash_str(hash.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return base::ResourceExhausted("no memory to hash a password: try again a little later");
  }
  return std::string(hash.data());
}

bool IsPassword(std::string_view hash, std::string_view password) {
  Ready();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  const bool known = !hash.empty() && hash.size() < text.size();
  const std::string& compared = known ? std::string(hash) : NobodysHash();
  compared.copy(text.data(), text.size() - 1);
  return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0 && known;
}

}  // namespace ronda::api
