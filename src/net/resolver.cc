#include "net/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace ronda::net {
namespace {

constexpr int kMaxThreads = 4;

int FamilyOf(char digit) { return digit == '4' ? AF_INET : digit == '6' ? AF_INET6 : AF_UNSPEC; }

struct Answer {
  std::vector<SocketAddress> addresses;
  std::string error;
};

// `key`: family digit and name.
Answer LookUp(const std::string& key) {
  addrinfo hints{};
  hints.ai_family = FamilyOf(key[0]);
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string name = key.substr(1);
  const int failure = getaddrinfo(name.c_str(), nullptr, &hints, &found);
  Answer answer;
  if (failure != 0) {
    answer.error = "cannot resolve \"" + name +
                   "\": " + (failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure));
    return answer;
  }
  for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
    if (item->ai_family != AF_INET && item->ai_family != AF_INET6) continue;
    SocketAddress address;
    memcpy(&address.v6, item->ai_addr, std::min<std::size_t>(item->ai_addrlen, sizeof address.v6));
    answer.addresses.push_back(address);
  }
  freeaddrinfo(found);
  if (answer.addresses.empty()) answer.error = "\"" + name + "\" has no IPv4 or IPv6 address";
  return answer;
}

}  // namespace

// Lookups to do and the way back. A helper thread holds a reference of its own, so that a lookup
// that hangs delays nobody's end.
struct Resolver::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> queue;  // guarded by mutex, as all below
  Resolver* resolver = nullptr;   // null once it is gone
  int threads = 0;
  int idle = 0;

  static void Work(const std::shared_ptr<Shared>& self) {
    std::unique_lock lock(self->mutex);
    for (;;) {
      while (self->queue.empty() && self->resolver != nullptr) {
        ++self->idle;
        self->changed.wait(lock);
        --self->idle;
      }
      if (self->resolver == nullptr) return;
      std::string key = std::move(self->queue.front());
      self->queue.pop_front();
      lock.unlock();
      Answer answer = LookUp(key);
      lock.lock();
      if (self->resolver == nullptr) return;
      self->resolver->reactor_.Post([self, key = std::move(key), answer = std::move(answer)]() {
        // On the reactor's thread, which is the one that destroys the resolver.
        if (self->resolver != nullptr) {
          self->resolver->OnAnswer(key, answer.addresses, answer.error);
        }
      });
    }
  }
};

ResolveWaiter::~ResolveWaiter() { Withdraw(); }

void ResolveWaiter::Withdraw() {
  if (waiting_in_ != nullptr) std::erase(*std::exchange(waiting_in_, nullptr), this);
}

Resolver::Resolver(Reactor& reactor, std::uint64_t ttl_ns)
    : reactor_(reactor), ttl_ns_(ttl_ns), shared_(std::make_shared<Shared>()) {
  shared_->resolver = this;
}

Resolver::~Resolver() {
  for (auto& [key, entry] : entries_) {
    for (ResolveWaiter* waiter : entry.waiters) waiter->waiting_in_ = nullptr;
  }
  const std::lock_guard lock(shared_->mutex);
  shared_->resolver = nullptr;
  shared_->changed.notify_all();
}

bool Resolver::Resolve(std::string_view host, std::uint16_t port, const Transport& transport,
                       std::vector<SocketAddress>& addresses, ResolveWaiter& waiter) {
  addresses.clear();
  if (!transport.resolve.empty()) {
    if (auto address = ResolveOverride(transport.resolve, host, port)) {
      addresses.push_back(*address);
      return true;
    }
  }
  if (auto literal = SocketAddress::Parse(host, 0)) {
    addresses.push_back(*literal);
    return true;
  }
  key_.assign(1, transport.family == Transport::Family::kV4   ? '4'
                 : transport.family == Transport::Family::kV6 ? '6'
                                                              : '0');
  key_.append(host);
  Entry& entry = entries_[key_];
  if (!entry.addresses.empty() && reactor_.now_ns() < entry.expires_ns) {
    HandOut(entry, addresses);
    return true;
  }
  entry.waiters.push_back(&waiter);
  waiter.waiting_in_ = &entry.waiters;
  if (entry.waiters.size() > 1) return false;  // asked already
  const std::lock_guard lock(shared_->mutex);
  shared_->queue.push_back(key_);
  if (shared_->idle < static_cast<int>(shared_->queue.size()) && shared_->threads < kMaxThreads) {
    ++shared_->threads;
    std::thread([shared = shared_] { Shared::Work(shared); }).detach();
  }
  shared_->changed.notify_one();
  return false;
}

void Resolver::OnAnswer(const std::string& key, const std::vector<SocketAddress>& addresses,
                        const std::string& error) {
  Entry& entry = entries_[key];
  const auto keep_family = [&](bool preferred) {
    for (const SocketAddress& address : addresses) {
      const bool of_first = address.family() == addresses.front().family();
      if (of_first == preferred) entry.addresses.push_back(address);
    }
  };
  entry.addresses.clear();
  keep_family(true);
  entry.preferred = entry.addresses.size();
  keep_family(false);
  entry.expires_ns = reactor_.Fresh() + ttl_ns_;
  std::vector<SocketAddress> handed_out;
  // The last becomes the first: taking from the front of many thousands would cost their square.
  std::ranges::reverse(entry.waiters);
  while (!entry.waiters.empty()) {
    ResolveWaiter* waiter = entry.waiters.back();
    entry.waiters.pop_back();
    waiter->waiting_in_ = nullptr;
    HandOut(entry, handed_out);
    waiter->OnResolved(handed_out, error);
  }
}

// The preferred family is the one getaddrinfo put first (RFC 6724); families alternate (RFC 8305),
// and within a family every call starts with the next address.
void Resolver::HandOut(Entry& entry, std::vector<SocketAddress>& addresses) {
  addresses.clear();
  if (entry.addresses.empty()) return;
  const std::size_t firsts = entry.preferred;
  const std::size_t seconds = entry.addresses.size() - firsts;
  const std::size_t turn = entry.turn++;
  for (std::size_t i = 0; i < std::max(firsts, seconds); ++i) {
    if (i < firsts) addresses.push_back(entry.addresses[(i + turn) % firsts]);
    if (i < seconds) addresses.push_back(entry.addresses[firsts + (i + turn) % seconds]);
  }
}

base::Status CheckResolveEntry(std::string_view entry) {
  const std::size_t host = entry.find(':');
  const std::size_t port = host == std::string_view::npos ? host : entry.find(':', host + 1);
  const auto wrong = [&](std::string_view why) {
    return base::InvalidArgument("\"" + std::string(entry) + "\": " + std::string(why) +
                                 "; write host:port:address, e.g. shop.test:443:127.0.0.1");
  };
  if (host == 0 || port == std::string_view::npos) return wrong("a part is missing");
  const std::string_view number = entry.substr(host + 1, port - host - 1);
  std::uint16_t parsed = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parsed);
  if (number != "*" && (error != std::errc() || end != number.data() + number.size()))
    return wrong("the port is no number");
  std::string_view ip = entry.substr(port + 1);
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  if (!SocketAddress::Parse(ip, parsed)) return wrong("what it gives is no address");
  return base::Ok();
}

std::optional<SocketAddress> ResolveOverride(const std::vector<std::string>& entries,
                                             std::string_view host, std::uint16_t port) {
  for (const std::string& text : entries) {
    const std::string_view entry = text;
    if (entry.size() <= host.size() || entry[host.size()] != ':') continue;
    if (strncasecmp(entry.data(), host.data(), host.size()) != 0) continue;
    const std::string_view rest = entry.substr(host.size() + 1);
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) continue;
    std::uint16_t entry_port = 0;
    std::from_chars(rest.data(), rest.data() + colon, entry_port);
    if (rest.substr(0, colon) != "*" && entry_port != port) continue;
    std::string_view ip = rest.substr(colon + 1);
    if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
    if (auto address = SocketAddress::Parse(ip, port)) return address;
  }
  return std::nullopt;
}

}  // namespace ronda::net
