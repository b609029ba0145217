#include "wire/worker/hub.h"

#include <grpcpp/grpcpp.h>

#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "wire/worker/credentials.h"
#include "wire/worker/worker.grpc.pb.h"

namespace ronda::wire::worker {
namespace {

// Of the metadata `authorization: Bearer TOKEN`; empty without.
std::string_view TokenOf(const grpc::CallbackServerContext& context) {
  static constexpr std::string_view kScheme = "Bearer ";
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return {};
  std::string_view value(found->second.data(), found->second.size());
  if (!value.starts_with(kScheme)) return {};
  return value.substr(kScheme.size());
}

Peer PeerOf(const grpc::CallbackServerContext& context) {
  Peer peer{.address = context.peer(), .certificate = {}};
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return peer;
  for (const grpc::string_ref& name : auth->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME)) {
    peer.certificate.assign(name.data(), name.size());
    break;
  }
  return peer;
}

using Reactor = grpc::ServerBidiReactor<FromWorker, ToWorker>;

// A stream that is refused at once.
class TurnedAway : public Reactor {
 public:
  explicit TurnedAway(const base::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

class Hub::Impl : public Fleet::CallbackService {
 public:
  Impl(HubOptions options, HubEvents& events) : options_(std::move(options)), events_(events) {}

  base::Status Start();
  void Stop();
  bool Send(Session session, ToWorker message);
  void Close(Session session, const base::Status& why);
  [[nodiscard]] int port() const { return port_; }

  Reactor* Attach(grpc::CallbackServerContext* context) override;

 private:
  class Stream;
  void Forget(Session session);

  const HubOptions options_;
  HubEvents& events_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  Session last_ = 0;                               // guarded by mutex_, as the next
  std::unordered_map<Session, Stream*> sessions_;  // each until its OnDone
};

// One session. Deletes itself when gRPC is done with it.
class Hub::Impl::Stream : public Reactor {
 public:
  Stream(Impl& hub, Session session, grpc::CallbackServerContext& context)
      : hub_(hub), session_(session), context_(context) {}

  void Begin() {
    StartSendInitialMetadata();  // a worker sees by this that it was let in
    hub_.events_.OnAttach(session_, PeerOf(context_));
    StartRead(&read_);
  }

  bool Send(ToWorker message) {
    const std::lock_guard lock(mutex_);
    if (ending_) return false;
    const std::size_t bytes = message.ByteSizeLong();
    if (queued_bytes_ + bytes > hub_.options_.queue_bytes) {
      End(base::ResourceExhausted("the worker does not take what it is sent"));
      context_.TryCancel();
      return false;
    }
    queued_bytes_ += bytes;
    queue_.push_back(std::move(message));
    if (!writing_) WriteNext();
    return true;
  }

  void Close(const base::Status& why) {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    End(why);
    if (!writing_) FinishOnce();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      const std::lock_guard lock(mutex_);
      // The worker has nothing more to say, or is gone.
      if (!ending_) {
        End(context_.IsCancelled() ? base::Unavailable("the connection was lost") : base::Ok());
        queue_.clear();
      }
      if (!writing_) FinishOnce();
      return;
    }
    hub_.events_.OnMessage(session_, std::move(read_));
    read_.Clear();
    StartRead(&read_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    queued_bytes_ -= written_bytes_;
    if (!ok && !ending_) End(base::Unavailable("the connection was lost"));
    if (!ok) queue_.clear();
    if (!queue_.empty()) return WriteNext();
    if (ending_) FinishOnce();
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    if (!ending_) End(base::Unavailable("the connection was lost"));
    queue_.clear();
    if (!writing_) FinishOnce();
  }

  void OnDone() override {
    hub_.Forget(session_);  // from here on nobody else has it
    hub_.events_.OnDetach(session_, why_);
    delete this;
  }

 private:
  // All with mutex_ held.
  void End(base::Status why) {
    ending_ = true;
    why_ = std::move(why);
  }
  void WriteNext() {
    writing_ = true;
    written_ = std::move(queue_.front());
    queue_.pop_front();
    written_bytes_ = written_.ByteSizeLong();
    StartWrite(&written_);
  }
  void FinishOnce() {
    if (finished_) return;
    finished_ = true;
    Finish(ToGrpc(why_));
  }

  Impl& hub_;
  const Session session_;
  grpc::CallbackServerContext& context_;
  FromWorker read_;

  std::mutex mutex_;  // guards all below
  std::deque<ToWorker> queue_;
  ToWorker written_;  // on its way
  std::size_t queued_bytes_ = 0;
  std::size_t written_bytes_ = 0;
  bool writing_ = false;
  bool ending_ = false;  // takes no more
  bool finished_ = false;
  base::Status why_;
};

Reactor* Hub::Impl::Attach(grpc::CallbackServerContext* context) {
  if (options_.authorise) {
    const base::Status allowed = options_.authorise(TokenOf(*context));
    if (!allowed.ok()) return new TurnedAway(allowed);
  }
  Stream* stream = nullptr;
  {
    const std::lock_guard lock(mutex_);
    stream = new Stream(*this, ++last_, *context);
    sessions_.emplace(last_, stream);
  }
  stream->Begin();
  return stream;
}

void Hub::Impl::Forget(Session session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(session);
}

bool Hub::Impl::Send(Session session, ToWorker message) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  return found != sessions_.end() && found->second->Send(std::move(message));
}

void Hub::Impl::Close(Session session, const base::Status& why) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) found->second->Close(why);
}

base::Status Hub::Impl::Start() {
  ASSIGN_OR_RETURN(const auto credentials, ServerCredentialsOf(options_.tls));
  const bool six = options_.address.find(':') != std::string::npos;
  const std::string address =
      (six ? "[" + options_.address + "]" : options_.address) + ":" + std::to_string(options_.port);
  grpc::ServerBuilder builder;
  builder.RegisterService(this);
  builder.AddListeningPort(address, credentials, &port_);
  // Two processes on one port would each get a part of the workers.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options_.message_bytes));
  const auto ms = [](std::chrono::milliseconds d) { return static_cast<int>(d.count()); };
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, ms(options_.keepalive));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(options_.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Workers ping as often; gRPC would take that for an attack.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  server_ = builder.BuildAndStart();
  if (server_ != nullptr && port_ != 0) return base::Ok();
  return base::Unavailable("cannot listen for workers on " + address +
                           ": is it in use, or the certificate and key no pair?");
}

void Hub::Impl::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

base::Result<std::unique_ptr<Hub>> Hub::Start(HubOptions options, HubEvents& events) {
  auto impl = std::make_unique<Impl>(std::move(options), events);
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Hub>(new Hub(std::move(impl)));
}

Hub::Hub(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hub::~Hub() { Stop(); }
bool Hub::Send(Session session, ToWorker message) {
  return impl_->Send(session, std::move(message));
}
void Hub::Close(Session session, const base::Status& why) { impl_->Close(session, why); }
void Hub::Stop() { impl_->Stop(); }
std::uint16_t Hub::port() const { return static_cast<std::uint16_t>(impl_->port()); }

}  // namespace ronda::wire::worker
