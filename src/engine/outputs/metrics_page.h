#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "net/reactor.h"

namespace ronda::engine {

// What a scraper asks for, read from the bytes that have come so far (HTTP/1.x, RFC 9112).
enum class Scrape : std::uint8_t {
  kIncomplete,   // the head is not there yet
  kMetrics,      // GET /metrics
  kHead,         // HEAD /metrics
  kOtherPath,
  kOtherMethod,
  kMalformed,
};
[[nodiscard]] Scrape ReadScrape(std::string_view bytes);

// Serves GET /metrics by HTTP/1.1, a connection for each request, to a few clients at a time. Made,
// used and destroyed on the reactor's thread, or while it does not run.
class MetricsPage {
 public:
  // `address`: "127.0.0.1:9464", "[::1]:9464", "localhost:9464", or a port alone, on loopback; port 0:
  // any that is free. `reactor` is borrowed. `on_wanted` is called when somebody waits for the page.
  [[nodiscard]] static base::Result<std::unique_ptr<MetricsPage>> Listen(
      net::Reactor& reactor, std::string_view address, std::function<void()> on_wanted);
  ~MetricsPage();

  // "127.0.0.1:9464".
  [[nodiscard]] const std::string& address() const;
  // The page, for all that wait.
  void Answer(std::string_view page);

 private:
  struct Impl;
  explicit MetricsPage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::engine
