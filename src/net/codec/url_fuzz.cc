#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "net/codec/url.h"

namespace ronda::net {
namespace {

bool Printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// What comes out is fit for a request line and parses to itself.
void CheckUrl(std::string_view text) {
  std::string storage, again;
  const auto url = ParseUrl(text, storage);
  if (!url.ok()) {
    CHECK(!url.status().message().empty());
    return;
  }
  CHECK(Printable(url->target) && url->target.starts_with('/'));
  CHECK(Printable(url->host) && Printable(url->authority) && Printable(url->fragment));
  CHECK(!url->host.empty() && url->port != 0);
  CHECK(url->target.find('#') == std::string_view::npos);
  const std::string built = std::string(url->tls ? "https://" : "http://") +
                            std::string(url->authority) + std::string(url->target);
  const auto same = ParseUrl(built, again);
  CHECK(same.ok() && again.empty());
  CHECK(same->target == url->target && same->host == url->host && same->port == url->port);
  CHECK(same->tls == url->tls && same->ipv6 == url->ipv6);
}

}  // namespace

// Two lines: a base and a reference.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckUrl(text);
  const std::string_view base = text.substr(0, text.find('\n'));
  const std::string_view reference = text.substr(std::min(text.size(), base.size() + 1));
  std::string out, encoded, decoded;
  if (ResolveReference(base, reference, out).ok()) {
    CHECK(out.size() <= base.size() + reference.size() + 8);
    CheckUrl(out);
  }
  AppendPercentEncoded(text, encoded);
  AppendPercentDecoded(encoded, decoded);
  CHECK(decoded == text);
  return 0;
}

}  // namespace ronda::net
