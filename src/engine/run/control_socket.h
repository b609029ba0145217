#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "net/reactor.h"

namespace ronda::engine {

// A unix socket by which a running load is controlled (docs/formats/control-socket.md): a line is a
// command, a line of JSON answers it. The file is the user's only (0600) and goes with the object.
// Lives on one reactor thread.
class ControlSocket {
 public:
  // Answers a command: a line of JSON without the line's end.
  using Handle = std::function<std::string(std::string_view command)>;

  // FailedPrecondition when a live process listens there already; a stale file is replaced.
  [[nodiscard]] static base::Result<std::unique_ptr<ControlSocket>> Listen(net::Reactor& reactor,
                                                                           const std::string& path,
                                                                           Handle handle);
  ~ControlSocket();

 private:
  struct Impl;
  explicit ControlSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Sends one command to the socket at `path` and returns the answer. Blocks for at most 5 s. NotFound
// when nothing listens there.
[[nodiscard]] base::Result<std::string> SendControlCommand(const std::string& path,
                                                           std::string_view command);

}  // namespace ronda::engine
