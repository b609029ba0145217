#include "net/codec/cookie.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <vector>

namespace ronda::net {
namespace {

constexpr std::int64_t kSession = std::numeric_limits<std::int64_t>::max();

struct Cookie {
  std::string name, value, domain, path;
  std::int64_t expires_s = kSession;
  std::uint64_t created = 0;
  std::uint64_t used = 0;
  bool host_only = true;
  bool secure = false;
};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), Lower);
  return lower;
}

bool Is(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, Lower);
}

bool StartsWith(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && Is(text.substr(0, lower.size()), lower);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && u != '\t') || u == 0x7f;
  });
}

bool IsAddress(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         std::ranges::all_of(host, [](char c) { return IsDigit(c) || c == '.'; });
}

// RFC 6265, 5.1.3.
bool DomainMatches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !IsAddress(host);
}

std::string_view WithoutQuery(std::string_view path) {
  return path.substr(0, path.find_first_of("?#"));
}

// RFC 6265, 5.1.4.
std::string_view DefaultPath(std::string_view path) {
  path = WithoutQuery(path);
  const std::size_t slash = path.rfind('/');
  return !path.starts_with('/') || slash == 0 ? "/" : path.substr(0, slash);
}

bool PathMatches(std::string_view request, std::string_view path) {
  return request.starts_with(path) &&
         (request.size() == path.size() || path.ends_with('/') || request[path.size()] == '/');
}

bool GoesTo(const Cookie& cookie, const CookieJar::Origin& to, std::int64_t now_s) {
  return cookie.expires_s > now_s && (to.secure || !cookie.secure) &&
         (cookie.host_only ? to.host == cookie.domain : DomainMatches(to.host, cookie.domain)) &&
         PathMatches(WithoutQuery(to.path), cookie.path);
}

// What Set-Cookie says (RFC 6265, 5.2), before anything is judged.
struct Parsed {
  std::string_view name, value, domain, path;
  std::optional<std::int64_t> expires_s, max_age_s;
  bool secure = false;
};

std::optional<std::int64_t> ParseMaxAge(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || !std::ranges::all_of(text, IsDigit)) return std::nullopt;
  constexpr std::int64_t kEnough = 1'000'000'000'000;
  std::int64_t age = 0;
  for (const char c : text) age = std::min(kEnough, age * 10 + (c - '0'));
  return negative ? -age : age;
}

void NoteAttribute(std::string_view attribute, Parsed& parsed) {
  const std::size_t equals = attribute.find('=');
  const std::string_view name = Trim(attribute.substr(0, equals));
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : Trim(attribute.substr(equals + 1));
  if (Is(name, "expires")) {
    if (const auto date = ParseCookieDate(value)) parsed.expires_s = date;
  } else if (Is(name, "max-age")) {
    if (const auto age = ParseMaxAge(value)) parsed.max_age_s = age;
  } else if (Is(name, "domain")) {
    parsed.domain = value.starts_with('.') ? value.substr(1) : value;
  } else if (Is(name, "path")) {
    parsed.path = value;
  } else if (Is(name, "secure")) {
    parsed.secure = true;
  }
}

base::Result<Parsed> Parse(std::string_view text) {
  if (HasControl(text)) return base::InvalidArgument("cookie with a control character");
  Parsed parsed;
  const std::size_t end = std::min(text.find(';'), text.size());
  const std::string_view pair = text.substr(0, end);
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return base::InvalidArgument("cookie without '='");
  parsed.name = Trim(pair.substr(0, equals));
  parsed.value = Trim(pair.substr(equals + 1));
  if (parsed.name.empty()) return base::InvalidArgument("cookie without a name");
  if (parsed.name.size() + parsed.value.size() > CookieJar::kMaxCookieBytes) {
    return base::InvalidArgument("cookie larger than 4096 bytes");
  }
  for (std::string_view rest = text.substr(end); !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view attribute = rest.substr(0, rest.find(';'));
    NoteAttribute(attribute, parsed);
    rest.remove_prefix(attribute.size());
  }
  return parsed;
}

base::Status CheckPrefix(const Parsed& parsed, bool secure_origin) {
  const bool host = StartsWith(parsed.name, "__host-");
  if (!host && !StartsWith(parsed.name, "__secure-")) return base::Ok();
  if (!parsed.secure || !secure_origin) {
    return base::InvalidArgument("a __Secure- or __Host- cookie needs Secure and https");
  }
  if (host && (parsed.path != "/" || !parsed.domain.empty())) {
    return base::InvalidArgument("a __Host- cookie needs Path=/ and no Domain");
  }
  return base::Ok();
}

// Fills domain and host_only (RFC 6265, 5.3, steps 4 to 6).
base::Status PutDomain(std::string_view host, std::string_view domain, Cookie& cookie) {
  cookie.domain = domain.empty() ? std::string(host) : LowerCase(domain);
  cookie.host_only = domain.empty() || cookie.domain == host;
  if (cookie.domain == host) {
    const bool single = cookie.domain.find('.') == std::string::npos;
    cookie.host_only = domain.empty() || single || IsAddress(host);
    return base::Ok();
  }
  if (!DomainMatches(host, cookie.domain)) {
    return base::InvalidArgument("cookie for the foreign domain \"" + cookie.domain + "\"");
  }
  if (cookie.domain.find('.') == std::string::npos) {
    return base::InvalidArgument("cookie for the whole of \"" + cookie.domain + "\"");
  }
  return base::Ok();
}

bool Same(const Cookie& a, const Cookie& b) {
  return a.name == b.name && a.domain == b.domain && a.path == b.path && a.host_only == b.host_only;
}

}  // namespace

struct CookieJar::Impl {
  // In the order in which they are sent: longer paths first, then older ones.
  std::vector<Cookie> cookies;
  std::uint64_t clock = 0;

  void Insert(Cookie cookie);
  void MakeRoom(std::string_view domain);
};

void CookieJar::Impl::Insert(Cookie cookie) {
  const auto at = std::ranges::upper_bound(cookies, cookie, [](const Cookie& a, const Cookie& b) {
    return a.path.size() != b.path.size() ? a.path.size() > b.path.size() : a.created < b.created;
  });
  cookies.insert(at, std::move(cookie));
}

// The cookie used least recently goes, of the domain that is full or of all.
void CookieJar::Impl::MakeRoom(std::string_view domain) {
  const auto of_domain = [&](const Cookie& c) { return c.domain == domain; };
  const bool full =
      static_cast<std::size_t>(std::ranges::count_if(cookies, of_domain)) >= kMaxCookiesADomain;
  if (!full && cookies.size() < kMaxCookies) return;
  auto oldest = cookies.end();
  for (auto it = cookies.begin(); it != cookies.end(); ++it) {
    if (full && !of_domain(*it)) continue;
    if (oldest == cookies.end() || it->used < oldest->used) oldest = it;
  }
  cookies.erase(oldest);
}

CookieJar::CookieJar() = default;
CookieJar::~CookieJar() = default;
CookieJar::CookieJar(CookieJar&&) noexcept = default;
CookieJar& CookieJar::operator=(CookieJar&&) noexcept = default;

base::Status CookieJar::Set(const Origin& from, std::string_view set_cookie, std::int64_t now_s) {
  ASSIGN_OR_RETURN(const Parsed parsed, Parse(set_cookie));
  RETURN_IF_ERROR(CheckPrefix(parsed, from.secure));
  if (parsed.secure && !from.secure) {
    return base::InvalidArgument("a Secure cookie over plain http");
  }
  Cookie cookie;
  RETURN_IF_ERROR(PutDomain(from.host, parsed.domain, cookie));
  cookie.name = parsed.name;
  cookie.value = parsed.value;
  cookie.path = parsed.path.starts_with('/') ? parsed.path : DefaultPath(from.path);
  cookie.secure = parsed.secure;
  if (parsed.max_age_s.has_value()) {
    cookie.expires_s = *parsed.max_age_s <= 0 ? std::numeric_limits<std::int64_t>::min()
                                              : now_s + *parsed.max_age_s;
  } else if (parsed.expires_s.has_value()) {
    cookie.expires_s = *parsed.expires_s;
  }

  if (impl_ == nullptr) impl_ = std::make_unique<Impl>();
  auto& cookies = impl_->cookies;
  std::erase_if(cookies, [now_s](const Cookie& c) { return c.expires_s <= now_s; });
  cookie.created = cookie.used = ++impl_->clock;
  const auto old = std::ranges::find_if(cookies, [&](const Cookie& c) { return Same(c, cookie); });
  if (old != cookies.end()) {
    if (old->secure && !from.secure) {
      return base::InvalidArgument("a cookie set over https cannot be replaced over http");
    }
    cookie.created = old->created;
    cookies.erase(old);
  }
  if (cookie.expires_s <= now_s) return base::Ok();
  impl_->MakeRoom(cookie.domain);
  impl_->Insert(std::move(cookie));
  return base::Ok();
}

bool CookieJar::AppendHeader(const Origin& to, std::int64_t now_s, std::string& out) {
  if (impl_ == nullptr) return false;
  bool any = false;
  for (Cookie& cookie : impl_->cookies) {
    if (!GoesTo(cookie, to, now_s)) continue;
    if (any) out += "; ";
    out.append(cookie.name).append("=").append(cookie.value);
    cookie.used = ++impl_->clock;
    any = true;
  }
  return any;
}

std::optional<std::string_view> CookieJar::Get(const Origin& to, std::string_view name,
                                               std::int64_t now_s) const {
  if (impl_ == nullptr) return std::nullopt;
  for (const Cookie& cookie : impl_->cookies) {
    if (cookie.name == name && GoesTo(cookie, to, now_s)) return cookie.value;
  }
  return std::nullopt;
}

std::size_t CookieJar::size() const { return impl_ == nullptr ? 0 : impl_->cookies.size(); }
void CookieJar::Clear() { impl_.reset(); }

namespace {

// Takes up to `most` digits off the front; nothing when there are less than `least`, or more.
std::optional<int> TakeNumber(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t n = 0;
  int value = 0;
  for (; n < text.size() && n <= most && IsDigit(text[n]); ++n)
    value = value * 10 + (text[n] - '0');
  if (n < least || n > most) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

struct Time {
  int hour = 0, minute = 0, second = 0;
};

std::optional<Time> ParseTime(std::string_view token) {
  const auto hour = TakeNumber(token, 1, 2);
  if (!hour || !token.starts_with(':')) return std::nullopt;
  token.remove_prefix(1);
  const auto minute = TakeNumber(token, 1, 2);
  if (!minute || !token.starts_with(':')) return std::nullopt;
  token.remove_prefix(1);
  const auto second = TakeNumber(token, 1, 2);
  if (!second) return std::nullopt;
  return Time{*hour, *minute, *second};
}

std::optional<unsigned> ParseMonth(std::string_view token) {
  constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                        "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (StartsWith(token, kMonths[i])) return i + 1;
  }
  return std::nullopt;
}

// RFC 6265, 5.1.1.
bool IsDateDelimiter(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) ||
         (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

std::string_view NextDateToken(std::string_view& text) {
  while (!text.empty() && IsDateDelimiter(text.front())) text.remove_prefix(1);
  std::size_t n = 0;
  while (n < text.size() && !IsDateDelimiter(text[n])) ++n;
  const std::string_view token = text.substr(0, n);
  text.remove_prefix(n);
  return token;
}

}  // namespace

std::optional<std::int64_t> ParseCookieDate(std::string_view text) {
  std::optional<Time> time;
  std::optional<int> day, year;
  std::optional<unsigned> month;
  for (std::string_view token = NextDateToken(text); !token.empty(); token = NextDateToken(text)) {
    std::string_view rest = token;
    if (!time) {
      time = ParseTime(token);
      if (time) continue;
    }
    if (!day) {
      day = TakeNumber(rest, 1, 2);
      if (day) continue;
    }
    if (!month) {
      month = ParseMonth(token);
      if (month) continue;
    }
    if (!year) year = TakeNumber(rest, 2, 4);
  }
  if (!time || !day || !month || !year) return std::nullopt;
  if (*year >= 70 && *year <= 99) *year += 1900;
  if (*year >= 0 && *year <= 69) *year += 2000;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{*month},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *year < 1601 || time->hour > 23 || time->minute > 59 || time->second > 59) {
    return std::nullopt;
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return std::int64_t{days} * 86'400 + time->hour * 3600 + time->minute * 60 + time->second;
}

}  // namespace ronda::net
