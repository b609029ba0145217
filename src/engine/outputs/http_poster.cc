#include "engine/outputs/http_poster.h"

#include <utility>

#include "base/core/check.h"
#include "net/codec/auth.h"
#include "net/codec/url.h"

namespace ronda::engine {
namespace {

constexpr std::uint64_t kTimeoutNs = 10'000'000'000;
constexpr std::uint64_t kKeptBody = 512;  // of an answer, for its text

}  // namespace

base::Result<PushTarget> ReadPushTarget(std::string_view text, std::string_view path,
                                        PathRule rule) {
  std::string storage;
  ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(text, storage));
  PushTarget target;
  if (!url.userinfo.empty()) {
    const std::size_t colon = std::min(url.userinfo.find(':'), url.userinfo.size());
    std::string user, password;
    net::AppendPercentDecoded(url.userinfo.substr(0, colon), user);
    if (colon < url.userinfo.size())
      net::AppendPercentDecoded(url.userinfo.substr(colon + 1), password);
    RETURN_IF_ERROR(net::AppendBasicAuth(user, password, target.authorization));
  }
  const std::size_t question = std::min(url.target.find('?'), url.target.size());
  std::string own_path(url.target.substr(0, question));
  if (rule == PathRule::kDefault ? own_path == "/" : !own_path.ends_with(path)) {
    if (own_path.back() == '/') own_path.pop_back();
    own_path += path;
  }
  target.url = (url.tls ? "https://" : "http://") + std::string(url.authority) + own_path +
               std::string(url.target.substr(question));
  return target;
}

HttpPoster::HttpPoster(net::HttpClient& client, PushTarget target, std::function<void()> on_free)
    : client_(client), target_(std::move(target)), on_free_(std::move(on_free)) {
  const auto url = net::ParseUrl(target_.url, url_storage_);
  CHECK(url.ok());  // ReadPushTarget made it
  request_.method = "POST";
  request_.tls = url->tls;
  request_.host = url->host;
  request_.port = url->port;
  request_.authority = url->authority;
  request_.target = url->target;
  request_.transport = &transport_;
  request_.timeout_ns = kTimeoutNs;
  request_.keep_body = kKeptBody;
}

HttpPoster::~HttpPoster() { Cancel(); }

void HttpPoster::Post(report::PostRequest request, std::function<void(report::PostResult)> done) {
  CHECK(!done_);
  post_ = std::move(request);
  done_ = std::move(done);
  headers_.assign({{"User-Agent", "ronda"}});
  for (const auto& [name, value] : post_.headers) headers_.push_back({name, value});
  if (!target_.authorization.empty()) headers_.push_back({"Authorization", target_.authorization});
  request_.headers = headers_;
  request_.body = post_.body;
  client_.Send(session_, request_, *this);
}

void HttpPoster::Cancel() {
  if (!done_) return;
  client_.Cancel(session_, *this);
  std::exchange(done_, nullptr)({0, "there was no answer in time"});
}

void HttpPoster::OnResponse(const net::HttpResponse& response) {
  report::PostResult result;
  result.status = response.status;
  if (response.status >= 300) result.error = response.body.substr(0, kKeptBody);
  Done(std::move(result));
}

void HttpPoster::OnError(const net::ExchangeError& error) {
  report::PostResult result;
  result.error = error.detail.empty() ? NameOf(error.kind) : error.detail;
  Done(std::move(result));
}

void HttpPoster::Done(report::PostResult result) {
  std::exchange(done_, nullptr)(std::move(result));
  on_free_();
}

}  // namespace ronda::engine
