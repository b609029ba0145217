#include <ostream>

#include "apps/ronda/traces.h"
#include "trace/ingest/restore.h"

namespace ronda::apps {
namespace {

base::Result<base::ExitCode> Restore(const cli::Invocation& invocation, cli::Context& context) {
  const std::string& from = invocation.arguments[0];
  const std::string& to = invocation.arguments[1];
  ASSIGN_OR_RETURN(const auto restored, trace::ingest::Restore(from, to));
  context.out << restored.spans << " spans and " << restored.log_records << " log records, "
              << restored.files << " files, " << restored.bytes << " bytes\nronda traces --data "
              << to << '\n';
  return base::ExitCode::kOk;
}

}  // namespace

cli::Command TracesRestoreCommand() {
  return {
      .name = "traces restore",
      .summary = "make a data folder of a backup",
      .description =
          "Copies a backup (`ronda trace backup`), or the data folder of a `ronda traces` that "
          "does not run, to a folder that is empty or missing. Everything is read and its "
          "checksums compared first; a segment that is damaged is named, and nothing is copied.",
      .examples = "ronda traces restore /var/lib/ronda/traces/backups/monday /srv/traces",
      .positionals = {{.name = "BACKUP", .description = "The folder to copy."},
                      {.name = "DIR", .description = "Where to; then --data of ronda traces."}},
      .run = Restore};
}

}  // namespace ronda::apps
