#include "wire/worker/link.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/core/random.h"
#include "wire/worker/credentials.h"
#include "wire/worker/worker.grpc.pb.h"

namespace ronda::wire::worker {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A server's address out of its URL.
struct Target {
  std::string url;
  std::string authority;  // "host:port"
  bool secure = false;
};

base::Result<Target> ParseTarget(const std::string& url) {
  Target target{.url = url, .authority = {}, .secure = url.starts_with("https://")};
  std::string_view rest(url);
  if (target.secure) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return base::InvalidArgument("\"" + url + "\" is no server: write http://HOST:PORT, or " +
                                 "https://HOST:PORT with TLS");
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && colon > 0 && colon + 1 < rest.size() &&
                        rest.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  if (!has_port || rest.find('/') != std::string_view::npos) {
    return base::InvalidArgument("\"" + url + "\" names no port of a server for workers: write " +
                                 (target.secure ? "https" : "http") + "://HOST:PORT");
  }
  target.authority = rest;
  return target;
}

grpc::ChannelArguments ArgumentsOf(const LinkOptions& options) {
  const auto ms = [](milliseconds d) { return static_cast<int>(d.count()); };
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ms(options.keepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ms(options.connect_timeout));
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Each attempt is one of its own, not a share of a connection that gRPC remembers as broken.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A fleet's link is no browsing: what http_proxy says is not for it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes));
  return arguments;
}

}  // namespace

class Link::Impl {
 public:
  Impl(LinkOptions options, LinkEvents& events) : options_(std::move(options)), events_(events) {}

  base::Status Start();
  bool Send(FromWorker message);
  void Reset();
  void Stop(milliseconds drain);

 private:
  class Stream;

  void Run();
  // Tries, and returns when the attempt, or the attachment that came of it, is over.
  std::unique_ptr<Stream> Attach(const Target& target);
  void GoOn(const Target& from, const std::string& leader);
  // Waits, unless it is to stop; false then.
  bool Sleep(milliseconds pause);
  [[nodiscard]] milliseconds NextPause(milliseconds last);

  LinkOptions options_;
  LinkEvents& events_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  std::vector<Target> targets_;
  std::thread thread_;
  // Of the link's thread.
  base::Random random_ = base::Random::FromEntropy();
  std::size_t turn_ = 0;
  std::optional<Target> led_to_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;     // guarded by mutex_, as the next
  Stream* stream_ = nullptr;  // while one is attached or tries to
};

// One attempt and the attachment that may come of it. Of the link's thread, which waits in Execute until
// gRPC is done with it.
class Link::Impl::Stream : public grpc::ClientBidiReactor<FromWorker, ToWorker> {
 public:
  Stream(Impl& link, const Target& target, Fleet::Stub& stub) : link_(link), target_(target) {
    if (!link.options_.token.empty())
      context_.AddMetadata("authorization", "Bearer " + link.options_.token);
    stub.async()->Attach(&context_, this);
  }

  // Returns when all is over.
  void Execute() {
    AddHold();  // for Send, until it is to take no more
    StartCall();
    std::unique_lock lock(mutex_);
    // A server that takes the connection and says nothing is none.
    if (!changed_.wait_for(lock, link_.options_.connect_timeout * 2,
                           [this] { return up_ || done_; }))
      context_.TryCancel();
    changed_.wait(lock, [this] { return done_; });
  }

  bool Send(FromWorker message) {
    const std::lock_guard lock(mutex_);
    if (!up_ || ending_) return false;
    const std::size_t bytes = message.ByteSizeLong();
    if (queued_bytes_ + bytes > link_.options_.queue_bytes) return false;
    queued_bytes_ += bytes;
    queue_.push_back(std::move(message));
    if (!writing_) WriteNext();
    return true;
  }

  void Cancel() { context_.TryCancel(); }

  // Takes no more, says what is queued, and ends.
  void Drain() {
    const std::lock_guard lock(mutex_);
    if (!up_) context_.TryCancel();
    End();
  }

  [[nodiscard]] bool was_up() const { return up_; }
  [[nodiscard]] bool led_on() const { return led_on_; }
  [[nodiscard]] const std::string& leader() const { return leader_; }
  [[nodiscard]] const base::Status& why() const { return why_; }

 private:
  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) return Fail();
    {
      const std::lock_guard lock(mutex_);
      up_ = true;
      changed_.notify_all();
    }
    link_.events_.OnUp(target_.url);
    StartRead(&read_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Fail();
    if (read_.has_not_leader()) {
      led_on_ = true;
      leader_ = read_.not_leader().leader();
      context_.TryCancel();
    } else {
      link_.events_.OnMessage(std::move(read_));
    }
    read_.Clear();
    StartRead(&read_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    queued_bytes_ -= written_bytes_;
    failed_ |= !ok;
    if (failed_) queue_.clear();
    if (!queue_.empty()) return WriteNext();
    if (ending_) HalfClose();
  }

  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(mutex_);
    why_ = status.ok() ? base::Unavailable("the server ended the stream") : FromGrpc(status);
    done_ = true;
    changed_.notify_all();  // with the lock: whoever wakes up destroys this
  }

  // All with mutex_ held.
  void WriteNext() {
    writing_ = true;
    written_ = std::move(queue_.front());
    queue_.pop_front();
    written_bytes_ = written_.ByteSizeLong();
    StartWrite(&written_);
  }
  void End() {
    if (std::exchange(ending_, true)) return;
    if (!writing_) HalfClose();
  }
  void HalfClose() {
    if (std::exchange(half_closed_, true)) return;
    if (!failed_) StartWritesDone();
    RemoveHold();
  }

  // The stream is broken, or the server has nothing more to say.
  void Fail() {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    queue_.clear();
    End();
  }

  Impl& link_;
  const Target& target_;
  grpc::ClientContext context_;
  ToWorker read_;
  bool led_on_ = false;
  std::string leader_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<FromWorker> queue_;
  FromWorker written_;  // on its way
  std::size_t queued_bytes_ = 0;
  std::size_t written_bytes_ = 0;
  bool up_ = false;
  bool writing_ = false;
  bool ending_ = false;  // takes no more
  bool failed_ = false;
  bool half_closed_ = false;
  bool done_ = false;
  base::Status why_;
};

base::Status Link::Impl::Start() {
  if (options_.urls.empty()) return base::InvalidArgument("there is no server to attach to");
  for (const std::string& url : options_.urls) {
    ASSIGN_OR_RETURN(Target target, ParseTarget(url));
    targets_.push_back(std::move(target));
  }
  ASSIGN_OR_RETURN(credentials_, ClientCredentialsOf(options_.tls));
  thread_ = std::thread([this] { Run(); });
  return base::Ok();
}

void Link::Impl::Run() {
  // How often in a row a server said that it is not the leader: when all did, there is none for now.
  std::size_t led_on = 0;
  milliseconds pause{0};
  for (;;) {
    const Target target = led_to_ ? *std::exchange(led_to_, std::nullopt) : targets_[turn_];
    const auto began = Clock::now();
    const auto stream = Attach(target);
    if (stream->was_up() && Clock::now() - began > options_.longest_pause) pause = milliseconds(0);
    led_on = stream->led_on() ? led_on + 1 : 0;
    pause = NextPause(pause);
    const bool at_once = led_on > 0 && led_on <= targets_.size();
    if (!at_once) led_on = 0;
    GoOn(target, stream->leader());
    events_.OnDown(stream->was_up() ? LinkEvents::Was::kAttached : LinkEvents::Was::kAttempt,
                   target.url, stream->why(), at_once ? milliseconds(0) : pause);
    if (!Sleep(at_once ? milliseconds(0) : pause)) return;
  }
}

std::unique_ptr<Link::Impl::Stream> Link::Impl::Attach(const Target& target) {
  const auto channel = grpc::CreateCustomChannel(
      target.authority, target.secure ? credentials_ : grpc::InsecureChannelCredentials(),
      ArgumentsOf(options_));
  const auto stub = Fleet::NewStub(channel);
  auto stream = std::make_unique<Stream>(*this, target, *stub);
  {
    const std::lock_guard lock(mutex_);
    stream_ = stream.get();
    if (stopping_) stream->Cancel();
  }
  stream->Execute();
  const std::lock_guard lock(mutex_);
  stream_ = nullptr;
  changed_.notify_all();
  return stream;
}

// Which server is next: the one that was named, else the one after this in the list.
void Link::Impl::GoOn(const Target& from, const std::string& leader) {
  turn_ = (turn_ + 1) % targets_.size();
  if (leader.empty()) return;
  const bool whole = leader.find("://") != std::string::npos;
  auto target = ParseTarget(whole ? leader : (from.secure ? "https://" : "http://") + leader);
  // Never from TLS to plain text.
  if (target.ok() && target->secure == from.secure) led_to_ = *std::move(target);
}

milliseconds Link::Impl::NextPause(milliseconds last) {
  const milliseconds most = std::clamp(last * 2, options_.shortest_pause, options_.longest_pause);
  return most / 2 + milliseconds(random_.Below(static_cast<std::uint64_t>(most.count()) / 2 + 1));
}

bool Link::Impl::Sleep(milliseconds pause) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, pause, [this] { return stopping_; });
}

bool Link::Impl::Send(FromWorker message) {
  const std::lock_guard lock(mutex_);
  return stream_ != nullptr && stream_->Send(std::move(message));
}

void Link::Impl::Reset() {
  const std::lock_guard lock(mutex_);
  if (stream_ != nullptr) stream_->Cancel();
}

void Link::Impl::Stop(milliseconds drain) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    if (stream_ != nullptr) stream_->Drain();
  }
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, drain, [this] { return stream_ == nullptr; });
    if (stream_ != nullptr) stream_->Cancel();
  }
  thread_.join();
}

base::Result<std::unique_ptr<Link>> Link::Start(LinkOptions options, LinkEvents& events) {
  auto impl = std::make_unique<Impl>(std::move(options), events);
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Link>(new Link(std::move(impl)));
}

Link::Link(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Link::~Link() { Stop(milliseconds(0)); }
bool Link::Send(FromWorker message) { return impl_->Send(std::move(message)); }
void Link::Reset() { impl_->Reset(); }
void Link::Stop(milliseconds drain) { impl_->Stop(drain); }

}  // namespace ronda::wire::worker
