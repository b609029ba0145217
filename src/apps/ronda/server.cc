#include "apps/ronda/server.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include "apps/ronda/control_plane.h"
#include "apps/ronda/end_signals.h"
#include "apps/ronda/server_options.h"
#include "base/options.h"
#include "cli/api_client.h"

namespace ronda::apps {
namespace {

base::Result<base::ExitCode> Server(const cli::Invocation& invocation, cli::Context& context) {
  ASSIGN_OR_RETURN(const ControlPlaneOptions options,
                   ControlPlaneOptionsOf(invocation.options, context));
  EndSignals signals;
  ASSIGN_OR_RETURN(const auto plane, ControlPlane::Start(options, context.clock, context.log));
  context.out << "API      " << plane->url() << "\nworkers  "
              << (options.workers_tls.certificate.empty() ? "http://" : "https://")
              << options.workers_address << ':' << plane->workers_port() << "\nkept in  "
              << options.folder << '\n';
  if (!plane->first_token().empty()) {
    context.out << "token    " << plane->first_token()
                << "\n         of the user admin; it is not shown again\n";
  }
  context.out << std::flush;
  signals.Await();
  plane->Stop();
  return base::ExitCode::kOk;
}

}  // namespace

cli::Command ServerCommand() {
  return {.name = "server",
          .summary = "plan, dispatch and answer: the API and the control plane",
          .description =
              "Keeps definitions, starts runs by schedule and event, hands them to workers and "
              "keeps what became of them, until Ctrl-C or SIGTERM. Prints its addresses and, the "
              "first time, the token of the first admin. Several servers may share a PostgreSQL "
              "database: one leads, another takes over within seconds. `ronda up` starts a server "
              "together with a worker and a trace back end.",
          .examples =
              "ronda server\n"
              "ronda server --database postgresql://ronda@db/ronda --listen 10.0.0.5",
          .options = ControlPlaneOptionTable(),
          .run = Server};
}

}  // namespace ronda::apps
