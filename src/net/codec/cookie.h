#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

// The cookies of one virtual user (RFC 6265, with the name prefixes of 6265bis). One pointer until
// the first cookie comes. Owned by one thread. Times are seconds since 1970.
//
// There is no list of public suffixes: a Domain without an inner dot ("com") is refused unless it
// is the host itself; "co.uk" is not recognised.
class CookieJar {
 public:
  CookieJar();
  ~CookieJar();
  CookieJar(CookieJar&&) noexcept;
  CookieJar& operator=(CookieJar&&) noexcept;

  static constexpr std::size_t kMaxCookies = 3000;  // then the oldest used go
  static constexpr std::size_t kMaxCookiesADomain = 180;
  static constexpr std::size_t kMaxCookieBytes = 4096;  // name and value

  // Where a request goes, or a response came from.
  struct Origin {
    std::string_view host = {};  // lower case, IPv6 without brackets
    std::string_view path = {};  // may carry a query, which is ignored
    bool secure = false;  // https
  };

  // Takes one Set-Cookie value. InvalidArgument says why it was refused (the jar is unchanged
  // then): a foreign domain, a bad prefix, Secure over http, too large, a control character.
  [[nodiscard]] base::Status Set(const Origin& from, std::string_view set_cookie,
                                 std::int64_t now_s);

  // Appends "a=1; b=2" for a request to `to`: longer paths first, then older ones (RFC 6265, 5.4).
  // Returns false, and appends nothing, when there is none.
  bool AppendHeader(const Origin& to, std::int64_t now_s, std::string& out);

  // The value that a request to `to` would carry for `name`.
  [[nodiscard]] std::optional<std::string_view> Get(const Origin& to, std::string_view name,
                                                    std::int64_t now_s) const;
  [[nodiscard]] std::size_t size() const;
  void Clear();
  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Seconds since 1970 of a cookie-date (RFC 6265, 5.1.1), or nothing when it is none.
[[nodiscard]] std::optional<std::int64_t> ParseCookieDate(std::string_view text);

}  // namespace ronda::net
