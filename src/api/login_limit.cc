#include "api/login_limit.h"

namespace ronda::api {
namespace {

constexpr std::uint64_t kWindowNs = 60'000'000'000;
constexpr int kOfOneName = 5;
constexpr int kOfOneAddress = 20;
constexpr std::size_t kMostWindows = 10'000;

std::string NameKey(std::string_view user, std::string_view peer) {
  return std::string(peer) + " " + std::string(user.substr(0, 64));
}

}  // namespace

LoginLimit::Window& LoginLimit::WindowOf(const std::string& key) {
  const std::uint64_t now = clock_.MonotonicNs();
  if (windows_.size() > kMostWindows) {
    std::erase_if(windows_,
                  [&](const auto& each) { return now - each.second.begun_ns > kWindowNs; });
  }
  Window& window = windows_[key];
  if (now - window.begun_ns > kWindowNs) window = {now, 0};
  return window;
}

bool LoginLimit::MayTry(std::string_view user, std::string_view peer) {
  const std::lock_guard lock(mutex_);
  return WindowOf(NameKey(user, peer)).failures < kOfOneName &&
         WindowOf(std::string(peer)).failures < kOfOneAddress;
}

void LoginLimit::Failed(std::string_view user, std::string_view peer) {
  const std::lock_guard lock(mutex_);
  ++WindowOf(NameKey(user, peer)).failures;
  ++WindowOf(std::string(peer)).failures;
}

}  // namespace ronda::api
