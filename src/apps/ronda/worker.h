#pragma once

#include <string>

#include "base/core/status.h"
#include "cli/command.h"

namespace ronda::apps {

// `ronda worker`: attaches to a server and executes what it is given.
[[nodiscard]] cli::Command WorkerCommand();
// `ronda stop --all --local`: interrupts what the workers of this machine execute, without any server.
[[nodiscard]] cli::Command StopCommand();

// Where the workers of this user have their local sockets, a file each.
[[nodiscard]] std::string WorkerSocketFolder(const cli::Context& context);

}  // namespace ronda::apps
