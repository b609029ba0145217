#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "engine/report/push.h"
#include "net/http_client.h"

namespace ronda::engine {

// An address that bodies are posted to.
struct PushTarget {
  std::string url;            // without user and password: may be shown
  std::string authorization;  // the header's value, from the URL's userinfo; empty: none
};

// How the path of a push URL is completed.
enum class PathRule : std::uint8_t {
  kAppend,   // OTLP: the signal's path comes after whatever path the URL has
  kDefault,  // remote write: only when the URL has none
};

// "http://collector:4318" with "/v1/traces" is "http://collector:4318/v1/traces". InvalidArgument says
// what is wrong with the URL.
[[nodiscard]] base::Result<PushTarget> ReadPushTarget(std::string_view text, std::string_view path,
                                                      PathRule rule);

// Posts to one target, one body at a time. Made, used and destroyed on the client's thread.
class HttpPoster : public report::Poster, private net::ExchangeHandler {
 public:
  // `client` is borrowed. `on_free` is called after each answer.
  HttpPoster(net::HttpClient& client, PushTarget target, std::function<void()> on_free);
  ~HttpPoster() override;

  void Post(report::PostRequest request, std::function<void(report::PostResult)> done) override;
  // Ends what is under way: it counts as unanswered.
  void Cancel();
  [[nodiscard]] const PushTarget& target() const { return target_; }

 private:
  void OnResponse(const net::HttpResponse& response) override;
  void OnError(const net::ExchangeError& error) override;
  void Done(report::PostResult result);

  net::HttpClient& client_;
  const PushTarget target_;
  std::string url_storage_;
  net::Transport transport_;
  net::HttpRequest request_;
  net::HttpSession session_;
  const std::function<void()> on_free_;
  report::PostRequest post_;
  std::vector<net::HeaderView> headers_;
  std::function<void(report::PostResult)> done_;  // empty: nothing is under way
};

}  // namespace ronda::engine
