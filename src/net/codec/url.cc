#include "net/codec/url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace ronda::net {
namespace {

enum CharClass : std::uint8_t {
  kPathChar = 1,  // may stand in a path, query or fragment as it is (RFC 3986 pchar, '/', '?')
  kHostChar = 2,  // may stand in a name (RFC 3986 reg-name, without %XX)
  kUnreserved = 4,
  kFormChar = 8,  // stays in application/x-www-form-urlencoded
  kAfterAuthority = 16,  // ends the authority
};

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> table{};
  const auto set = [&table](std::string_view chars, unsigned classes) {
    for (const char c : chars)
      table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(classes);
  };
  constexpr std::string_view kAlnum =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  set(kAlnum, kPathChar | kHostChar | kUnreserved | kFormChar);
  set("-._", kPathChar | kHostChar | kUnreserved | kFormChar);
  set("~", kPathChar | kHostChar | kUnreserved);
  set("*", kFormChar);
  set("!$&'()*+,;=", kPathChar | kHostChar);
  set(":@/?", kPathChar);
  // Not in the grammar, yet sent unencoded by browsers and expected so by servers in queries.
  set("[]|^", kPathChar);
  set("/?#", kAfterAuthority);
  return table;
}();

bool Is(char c, CharClass classes) {
  return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

bool All(std::string_view text, CharClass classes) {
  return std::ranges::all_of(text, [classes](char c) { return Is(c, classes); });
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c | 0x20) : c; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void AppendHex(char c, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto u = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[u >> 4];
  out += kDigits[u & 15];
}

bool StartsWithLower(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::ranges::equal(text.substr(0, lower.size()), lower, {}, Lower);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text.substr(0, 120)) quoted += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return quoted + '"';
}

base::Status Bad(std::string_view what, std::string_view shown) {
  std::string message(what);
  return base::InvalidArgument(message.append(": ").append(Quoted(shown)));
}

base::Result<std::uint16_t> ParsePort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    return Bad("port is not a number from 1 to 65535", text);
  }
  return static_cast<std::uint16_t>(port);
}

// Hexadecimal groups, colons, dots of an embedded IPv4 address. No zones: what connects decides
// about the rest.
bool IsIpv6(std::string_view text) {
  return std::ranges::count(text, ':') >= 2 &&
         std::ranges::all_of(text, [](char c) { return HexDigit(c) >= 0 || c == ':' || c == '.'; });
}

// The pieces of "user:password@host:port".
struct Authority {
  std::string_view userinfo, host, host_and_port;
  std::uint16_t port = 0;  // 0: not given
  bool ipv6 = false;
};

base::Result<Authority> ParseAuthority(std::string_view text) {
  Authority a;
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    a.userinfo = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return Bad("IPv6 address without closing bracket", text);
    a.host = text.substr(1, close - 1);
    a.ipv6 = true;
    if (!IsIpv6(a.host)) return Bad("not an IPv6 address", a.host);
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return Bad("text behind the IPv6 address", text);
    a.host_and_port = text.substr(0, close + 1);
  } else {
    const std::size_t colon = text.find(':');
    a.host = text.substr(0, colon);
    a.host_and_port = a.host;
    if (colon != std::string_view::npos) port = text.substr(colon);
    if (a.host.empty()) return base::InvalidArgument("URL without a host");
    if (!All(a.host, kHostChar)) {
      return Bad(
          "host has a character that is not allowed (write an international name as xn--...)",
          a.host);
    }
  }
  if (port.size() > 1) {
    ASSIGN_OR_RETURN(a.port, ParsePort(port.substr(1)));
    a.host_and_port = text;
  }
  return a;
}

// Whether text[i] may stand where it is in a target or fragment; a '%' only before two digits.
bool Fits(std::string_view text, std::size_t i) {
  if (text[i] != '%') return Is(text[i], kPathChar);
  return i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
}

bool AllFits(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (Is(text[i], kPathChar)) [[likely]]
      continue;
    if (!Fits(text, i)) return false;
  }
  return true;
}

// `text` with what does not fit as %XX.
void AppendCorrected(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (Fits(text, i)) {
      out += text[i];
    } else {
      AppendHex(text[i], out);
    }
  }
}

// Generic syntax of RFC 3986, appendix B. Views into the text.
struct Reference {
  std::string_view scheme, authority, path, query, fragment;
  bool has_scheme = false, has_authority = false, has_query = false, has_fragment = false;
};

Reference Split(std::string_view text) {
  Reference r;
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    r.has_fragment = true;
    r.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (const std::size_t mark = text.find('?'); mark != std::string_view::npos) {
    r.has_query = true;
    r.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  const std::size_t colon = text.find_first_of(":/");
  const auto scheme_char = [](char c) {
    return (Lower(c) >= 'a' && Lower(c) <= 'z') || IsDigit(c) || c == '+' || c == '-' || c == '.';
  };
  if (colon != std::string_view::npos && colon > 0 && text[colon] == ':' && !IsDigit(text[0]) &&
      std::ranges::all_of(text.substr(0, colon), scheme_char)) {
    r.has_scheme = true;
    r.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    r.has_authority = true;
    const std::size_t slash = text.find('/', 2);
    r.authority = text.substr(2, slash == std::string_view::npos ? slash : slash - 2);
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
  }
  r.path = text;
  return r;
}

// RFC 3986, 5.2.4, onto the end of `out`.
void AppendWithoutDots(std::string_view path, std::string& out) {
  const std::size_t root = out.size();
  const auto drop_last = [&] { out.resize(std::max(root, std::min(out.size(), out.rfind('/')))); };
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./")) {
      path.remove_prefix(2);
    } else if (path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with("/../")) {
      path.remove_prefix(3);
      if (out.size() > root) drop_last();
    } else if (path == "/..") {
      path = "/";
      if (out.size() > root) drop_last();
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const std::size_t next = path.find('/', 1);
      out += path.substr(0, next);
      path.remove_prefix(next == std::string_view::npos ? path.size() : next);
    }
  }
}

}  // namespace

base::Result<Url> ParseUrl(std::string_view text, std::string& storage) {
  Url url;
  std::size_t at = 0;
  if (StartsWithLower(text, "http://")) {
    at = 7;
  } else if (StartsWithLower(text, "https://")) {
    at = 8;
    url.tls = true;
  } else {
    return Bad("URL must begin with http:// or https://",
               text.substr(0, text.find_first_of("@/?")));
  }
  const std::uint16_t default_port = url.tls ? 443 : 80;
  std::size_t authority_end = at;
  while (authority_end < text.size() && !Is(text[authority_end], kAfterAuthority)) ++authority_end;
  ASSIGN_OR_RETURN(const Authority a, ParseAuthority(text.substr(at, authority_end - at)));
  const std::size_t hash = std::min(text.find('#', authority_end), text.size());
  const std::string_view target = text.substr(authority_end, hash - authority_end);
  const std::string_view fragment = text.substr(std::min(hash + 1, text.size()));

  url.userinfo = a.userinfo;
  url.host = a.host;
  url.ipv6 = a.ipv6;
  url.port = a.port == 0 ? default_port : a.port;
  url.authority = a.host_and_port;
  if (url.port == default_port) {
    url.authority = a.ipv6 ? std::string_view(a.host.data() - 1, a.host.size() + 2) : a.host;
  }
  url.target = target.empty() ? "/" : target;
  url.fragment = fragment;

  const bool upper = std::ranges::any_of(url.host, IsUpper);
  const bool correct = !upper && AllFits(target) && !target.starts_with('?') && AllFits(fragment);
  if (correct) [[likely]]
    return url;

  storage.clear();
  storage.reserve(3 * text.size() + 2);  // views must stay
  std::ranges::transform(url.authority, std::back_inserter(storage), Lower);
  const std::size_t target_at = storage.size();
  if (!target.starts_with('/')) storage += '/';
  AppendCorrected(target, storage);
  const std::size_t fragment_at = storage.size();
  AppendCorrected(fragment, storage);
  const std::string_view all = storage;
  url.authority = all.substr(0, target_at);
  url.host = all.substr(url.ipv6 ? 1 : 0, url.host.size());
  url.target = all.substr(target_at, fragment_at - target_at);
  url.fragment = all.substr(fragment_at);
  return url;
}

base::Status ResolveReference(std::string_view base, std::string_view reference, std::string& out) {
  const Reference b = Split(base), r = Split(reference);
  if (!b.has_scheme) return base::InvalidArgument("base URL is not absolute");
  out.clear();
  out.append(r.has_scheme ? r.scheme : b.scheme).append(":");
  const bool own_authority = r.has_scheme || r.has_authority;
  if (own_authority ? r.has_authority : b.has_authority) {
    out.append("//").append(own_authority ? r.authority : b.authority);
  }
  bool has_query = r.has_query;
  std::string_view query = r.query;
  if (own_authority || r.path.starts_with('/')) {
    AppendWithoutDots(r.path, out);
  } else if (r.path.empty()) {
    out += b.path;
    if (!r.has_query) {
      has_query = b.has_query;
      query = b.query;
    }
  } else {
    std::string merged;
    if (b.has_authority && b.path.empty()) {
      merged = "/";
    } else if (const std::size_t slash = b.path.rfind('/'); slash != std::string_view::npos) {
      merged = b.path.substr(0, slash + 1);
    }
    AppendWithoutDots(merged.append(r.path), out);
  }
  if (has_query) out.append("?").append(query);
  if (r.has_fragment) out.append("#").append(r.fragment);
  return base::Ok();
}

void AppendPercentEncoded(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (Is(c, kUnreserved)) {
      out += c;
    } else {
      AppendHex(c, out);
    }
  }
}

void AppendFormEncoded(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (Is(c, kFormChar)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      AppendHex(c, out);
    }
  }
}

void AppendPercentDecoded(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && Fits(text, i)) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
}

}  // namespace ronda::net
