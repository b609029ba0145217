#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "model/expression_json.h"
#include "model/functions.h"

namespace ronda::model {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

enum class Digest { kMd5, kSha1, kSha256, kSha512 };

// Fetched once: looking an algorithm up at each use takes OpenSSL locks.
const EVP_MD* MdOf(Digest digest) {
  static const std::array<const EVP_MD*, 4> kDigests = {
      EVP_MD_fetch(nullptr, "MD5", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
      EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_fetch(nullptr, "SHA512", nullptr)};
  return kDigests[static_cast<std::size_t>(digest)];
}

const EVP_MD* MdNamed(std::string_view name) {
  if (name == "md5") return MdOf(Digest::kMd5);
  if (name == "sha1") return MdOf(Digest::kSha1);
  if (name == "sha256") return MdOf(Digest::kSha256);
  if (name == "sha512") return MdOf(Digest::kSha512);
  return nullptr;
}

bool EmitHex(const Call& call, std::span<const unsigned char> bytes, Value& out) {
  char* text = call.NewText(bytes.size() * 2);
  if (text == nullptr) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = kHexDigits[bytes[i] >> 4];
    text[2 * i + 1] = kHexDigits[bytes[i] & 15];
  }
  out = Value::String({text, bytes.size() * 2});
  return true;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

template <Digest kDigest>
bool Hash(const Call& call, Value& out) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  const std::string_view text = call.String(0);
  if (!call.Charge(text.size() / 16)) return false;
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_DigestInit_ex2(context.get(), MdOf(kDigest), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), bytes, &size) != 1) {
    return call.Fail("this machine's OpenSSL does not allow the algorithm");
  }
  return EmitHex(call, {bytes, size}, out);
}

bool Hmac(const Call& call, Value& out) {
  const EVP_MD* md = MdNamed(call.String(0));
  if (md == nullptr)
    return call.Fail("the algorithm has to be 'md5', 'sha1', 'sha256' or 'sha512'");
  const std::string_view key = call.String(1);
  const std::string_view text = call.String(2);
  if (!call.Charge(text.size() / 16)) return false;
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (HMAC(md, key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes,
           &size) == nullptr) {
    return call.Fail("this machine's OpenSSL does not allow the algorithm");
  }
  return EmitHex(call, {bytes, size}, out);
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum class Padding { kNo, kYes };

bool EncodeBase64(const Call& call, std::string_view alphabet, Padding padding, Value& out) {
  const std::string_view text = call.String(0);
  char* begin = call.NewText((text.size() + 2) / 3 * 4);
  if (begin == nullptr) return false;
  char* end = begin;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const std::size_t bytes = std::min<std::size_t>(3, text.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < bytes ? static_cast<unsigned char>(text[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) {
      if (j <= bytes) {
        *end++ = alphabet[group >> (18 - 6 * j) & 63];
      } else if (padding == Padding::kYes) {
        *end++ = '=';
      }
    }
  }
  out = Value::String({begin, static_cast<std::size_t>(end - begin)});
  return true;
}

bool DecodeBase64(const Call& call, std::string_view alphabet, Value& out) {
  std::string_view text = call.String(0);
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  char* begin = call.NewText(text.size());
  if (begin == nullptr) return false;
  char* end = begin;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t six = alphabet.find(c);
    if (six == std::string_view::npos) return call.Fail("the text is no base64");
    bits = bits << 6 | static_cast<std::uint32_t>(six);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *end++ = static_cast<char>(bits >> count);
  }
  if (text.size() % 4 == 1 || (bits & ((1u << count) - 1)) != 0)
    return call.Fail("the text is no base64");
  out = Value::String({begin, static_cast<std::size_t>(end - begin)});
  return true;
}

bool Base64Encode(const Call& call, Value& out) {
  return EncodeBase64(call, kBase64, Padding::kYes, out);
}
bool Base64Decode(const Call& call, Value& out) { return DecodeBase64(call, kBase64, out); }
bool Base64UrlEncode(const Call& call, Value& out) {
  return EncodeBase64(call, kBase64Url, Padding::kNo, out);
}
bool Base64UrlDecode(const Call& call, Value& out) { return DecodeBase64(call, kBase64Url, out); }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool HexEncode(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  return EmitHex(call, {reinterpret_cast<const unsigned char*>(text.data()), text.size()}, out);
}

bool HexDecode(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  if (text.size() % 2 != 0) return call.Fail("the text is no hex");
  char* bytes = call.NewText(text.size() / 2);
  if (bytes == nullptr) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return call.Fail("the text is no hex");
    bytes[i / 2] = static_cast<char>(high << 4 | low);
  }
  out = Value::String({bytes, text.size() / 2});
  return true;
}

// RFC 3986's unreserved characters.
bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool UrlEncode(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  char* begin = call.NewText(text.size() * 3);
  if (begin == nullptr) return false;
  char* end = begin;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      *end++ = c;
      continue;
    }
    *end++ = '%';
    *end++ = "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
    *end++ = "0123456789ABCDEF"[c & 15];
  }
  out = Value::String({begin, static_cast<std::size_t>(end - begin)});
  return true;
}

bool UrlDecode(const Call& call, Value& out) {
  const std::string_view text = call.String(0);
  char* begin = call.NewText(text.size());
  if (begin == nullptr) return false;
  char* end = begin;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      *end++ = text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) return call.Fail("a % is not followed by two hex digits");
    *end++ = static_cast<char>(high << 4 | low);
    i += 2;
  }
  out = Value::String({begin, static_cast<std::size_t>(end - begin)});
  return true;
}

bool ParseJsonText(const Call& call, Value& out) {
  if (!call.Charge(call.String(0).size())) return false;
  std::string_view why;
  return ParseJson(call.String(0), call.arena(), out, why) || call.Fail("the text is no JSON");
}

bool ToJson(const Call& call, Value& out) {
  thread_local std::string text;  // keeps its memory from call to call
  text.clear();
  AppendJson(call[0], text);
  char* copy = call.NewText(text.size());
  if (copy == nullptr) return false;
  std::copy(text.begin(), text.end(), copy);
  out = Value::String({copy, text.size()});
  return true;
}

bool RandomString(const Call& call, Value& out) {
  base::Random* random = call.context().random;
  if (random == nullptr) return call.Fail("there is no randomness here");
  const std::string_view alphabet =
      call.Or(1, Value::String("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
          .AsString();
  if (alphabet.empty()) return call.Fail("the alphabet is empty");
  if (call[0].AsInt() < 0) return call.Fail("the length is negative");
  const auto size = static_cast<std::size_t>(call[0].AsInt());
  char* text = call.NewText(size);
  if (text == nullptr) return false;
  for (std::size_t i = 0; i < size; ++i) text[i] = alphabet[random->Below(alphabet.size())];
  out = Value::String({text, size});
  return true;
}

// RFC 9562, version 4.
bool Uuid(const Call& call, Value& out) {
  base::Random* random = call.context().random;
  if (random == nullptr) return call.Fail("there is no randomness here");
  const std::uint64_t high = ((*random)() & ~0xf000ull) | 0x4000;
  const std::uint64_t low = ((*random)() & ~(3ull << 62)) | (2ull << 62);
  char* text = call.NewText(36);
  if (text == nullptr) return false;
  char* end = text;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *end++ = '-';
    const std::uint64_t half = digit < 16 ? high : low;
    *end++ = kHexDigits[half >> (60 - 4 * (digit % 16)) & 15];
  }
  out = Value::String({text, 36});
  return true;
}

}  // namespace

void AddEncodingFunctions(std::vector<Function>& table) {
  const Parameter text{"text", kStringMask};
  std::string_view group = "Hashes and encodings";
  const auto add = [&](std::string_view name, std::vector<Parameter> parameters, TypeMask result,
                       bool (*call)(const Call&, Value&), std::string_view summary,
                       Purity purity = Purity::kPure) {
    table.push_back({name, group, std::move(parameters), result, purity, call, summary});
  };
  add("md5", {text}, kStringMask, Hash<Digest::kMd5>, "MD5, in hex");
  add("sha1", {text}, kStringMask, Hash<Digest::kSha1>, "SHA-1, in hex");
  add("sha256", {text}, kStringMask, Hash<Digest::kSha256>, "SHA-256, in hex");
  add("sha512", {text}, kStringMask, Hash<Digest::kSha512>, "SHA-512, in hex");
  add("hmac", {{"algorithm", kStringMask}, {"key", kStringMask}, text}, kStringMask, Hmac,
      "HMAC (RFC 2104) in hex; the algorithm is 'md5', 'sha1', 'sha256' or 'sha512'");
  add("hexEncode", {text}, kStringMask, HexEncode, "the text's bytes in lower-case hex");
  add("hexDecode", {text}, kStringMask, HexDecode, "the bytes that hex names");
  add("base64Encode", {text}, kStringMask, Base64Encode, "base64 (RFC 4648), padded");
  add("base64Decode", {text}, kStringMask, Base64Decode, "the bytes; padding may be missing");
  add("base64UrlEncode", {text}, kStringMask, Base64UrlEncode, "base64url (RFC 4648), not padded");
  add("base64UrlDecode", {text}, kStringMask, Base64UrlDecode, "the bytes; padding may be there");
  add("urlEncode", {text}, kStringMask, UrlEncode,
      "percent-encoded but for letters, digits and `-._~`");
  add("urlDecode", {text}, kStringMask, UrlDecode, "percent-decoded; `+` is a space");
  add("parseJson", {text}, kAnyType, ParseJsonText, "the value that JSON text holds");
  add("toJson", {{"x", kAnyType}}, kStringMask, ToJson, "the value as JSON; durations as seconds");
  group = "Random text";
  add("uuid", {}, kStringMask, Uuid, "a random UUID (version 4)", Purity::kImpure);
  add("randomString", {{"length", kIntMask}, {"alphabet", kStringMask, ParameterKind::kOptional}},
      kStringMask, RandomString, "random letters and digits, or bytes of the alphabet",
      Purity::kImpure);
}

}  // namespace ronda::model
