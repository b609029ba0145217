#include "net/connection.h"

#include <utility>

namespace ronda::net {

Connection::Connection(ClientCore& core, HttpSession::Impl& session, Origin origin,
                       Established established)
    : core_(core),
      session_(session),
      origin_(std::move(origin)),
      established_(std::move(established)) {
  ++core_.mutable_counters().connections_opened;
  ++core_.mutable_counters().connections_open;
}

Connection::~Connection() = default;

void Connection::Close() {
  if (closed_) return;
  closed_ = true;
  --core_.mutable_counters().connections_open;
  core_.reactor().Forget(fd(), this);
  established_.stream.Close();
  session_.Forget(this);
  core_.Bury(std::unique_ptr<Disposable>(this));
}

}  // namespace ronda::net
