#include "apps/ronda/server_options.h"

#include <algorithm>
#include <string>
#include <thread>

#include "apps/ronda/data_folder.h"

namespace ronda::apps {
namespace {

using base::OptionType;

}  // namespace

std::vector<base::OptionSpec> ControlPlaneOptionTable() {
  constexpr auto kRestart = base::NeedsRestart::kYes;
  return {
      {.name = "data",
       .value_name = "DIR",
       .needs_restart = kRestart,
       .description = "The folder of this server: its embedded database, who it is. Made if it is "
                      "missing. Without it, ronda/server in $XDG_STATE_HOME or ~/.local/state.",
       .example = "/var/lib/ronda/server"},
      {.name = "database",
       .value_name = "URL",
       .needs_restart = kRestart,
       .secrecy = base::Secrecy::kSecret,
       .description = "postgresql://USER@HOST/NAME, where several servers share one. Without it, "
                      "SQLite in the data folder.",
       .example = "postgresql://ronda@db.example/ronda"},
      {.name = "listen",
       .value_name = "ADDRESS",
       .default_text = "127.0.0.1",
       .needs_restart = kRestart,
       .description = "The IP address that all ports listen on; 0.0.0.0 for all of this machine. "
                      "Then TLS is a good idea."},
      {.name = "http",
       .type = OptionType::kInt,
       .value_name = "PORT",
       .default_text = "4321",
       .min = "0",
       .max = "65535",
       .needs_restart = kRestart,
       .description = "Where the API is served. 0 takes a free port."},
      {.name = "workers",
       .type = OptionType::kInt,
       .value_name = "PORT",
       .default_text = "4320",
       .min = "0",
       .max = "65535",
       .needs_restart = kRestart,
       .description = "Where workers attach. 0 takes a free port."},
      {.name = "tls-cert",
       .value_name = "FILE",
       .needs_restart = kRestart,
       .description = "A certificate with its chain, PEM: all ports speak TLS."},
      {.name = "tls-key",
       .value_name = "FILE",
       .needs_restart = kRestart,
       .description = "The certificate's key, PEM."},
      {.name = "workers-ca",
       .value_name = "FILE",
       .needs_restart = kRestart,
       .description = "Who signs workers' certificates, PEM: then every worker has to show one."},
  };
}

base::Result<ControlPlaneOptions> ControlPlaneOptionsOf(const base::Options& options,
                                                        const cli::Context& context) {
  ControlPlaneOptions plane;
  ASSIGN_OR_RETURN(plane.folder, DataFolder(options, context, "server"));
  if (options.Has("database")) plane.database_url = options.String("database");
  plane.api.address = plane.workers_address = options.String("listen");
  plane.api.port = static_cast<std::uint16_t>(options.Int("http"));
  plane.api.threads = static_cast<int>(std::max(4u, std::thread::hardware_concurrency()));
  plane.workers_port = static_cast<std::uint16_t>(options.Int("workers"));
  if (options.Has("tls-cert") != options.Has("tls-key"))
    return base::InvalidArgument("--tls-cert and --tls-key belong together");
  if (options.Has("tls-cert")) {
    plane.api.tls = {options.String("tls-cert"), options.String("tls-key")};
    plane.workers_tls.certificate = options.String("tls-cert");
    plane.workers_tls.key = options.String("tls-key");
  }
  if (options.Has("workers-ca")) plane.workers_tls.ca = options.String("workers-ca");
  return plane;
}

}  // namespace ronda::apps
