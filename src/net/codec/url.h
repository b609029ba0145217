#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

// An http or https URL, taken apart. Views into the text that was parsed, into the caller's
// storage, or into literals.
struct Url {
  bool tls = false;
  std::string_view userinfo;  // as written, percent-encoded; empty when absent
  std::string_view host;  // lower case; an IPv6 literal without its brackets
  bool ipv6 = false;
  std::uint16_t port = 80;
  std::string_view authority;  // as Host wants it: no userinfo, no default port, IPv6 in brackets
  std::string_view target;  // path and query, at least "/"
  std::string_view fragment;  // without '#'
};

// Parses an absolute URL (RFC 3986). Plain ASCII text with a lower-case host gives views into
// `text` and allocates nothing; otherwise the corrected text is made in `storage` (a space, a
// control or non-ASCII character, and what is forbidden in a path or query is percent-encoded;
// existing %XX stays; a host becomes lower case). InvalidArgument says what is wrong and where.
[[nodiscard]] base::Result<Url> ParseUrl(std::string_view text, std::string& storage);

// Resolves `reference` against the absolute URL `base` (RFC 3986, 5.2, strict) and writes the
// result to `out`, which the arguments must not view. For a redirect whose Location has no fragment
// the caller appends that of the first URL (RFC 9110, 10.2.2).
[[nodiscard]] base::Status ResolveReference(std::string_view base, std::string_view reference,
                                            std::string& out);

// Appends `text` with everything but unreserved characters (RFC 3986, 2.3) as %XX.
void AppendPercentEncoded(std::string_view text, std::string& out);
// Appends `text` as application/x-www-form-urlencoded wants it (WHATWG URL, 5.2): space as '+'.
void AppendFormEncoded(std::string_view text, std::string& out);
// Appends `text` with %XX undone; a '%' without two hexadecimal digits stays.
void AppendPercentDecoded(std::string_view text, std::string& out);

}  // namespace ronda::net
