#include <fmt/format.h>

#include <ostream>
#include "cli/commands/commands.h"
#include "cli/scenario_run.h"

namespace ronda::cli {
namespace {
base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  RunRequest request;
  for (const std::string& path : invocation.arguments) {
    ASSIGN_OR_RETURN(auto source, ReadSource(path));
    request.sources.push_back(std::move(source));
  }
  const auto slash = invocation.arguments.front().rfind('/');
  request.folder = slash == std::string::npos ? "." : invocation.arguments.front().substr(0, slash);
  request.options.on_log = [&](auto level, auto text) { context.log.Info(std::string(level) + " " + std::string(text)); };
  ASSIGN_OR_RETURN(const RunDone done, ExecuteRun(std::move(request), context));
  const auto& t = done.result.load->totals();
  context.out << fmt::format("requests {} failed {} verdict {}\n", t.all.requests, t.all.failed, done.result.verdict);
  for (const auto* g : done.result.load->Failures()) context.out << g->count << " x " << g->message << "\n" << (g->example ? g->example->detail : "") << "\n";
  return done.result.exit_code();
}
}
Command RunCommand() { return {.name="run",.summary="run a scenario or drill",.description="x",.examples="ronda run buy.yaml",.positionals={{.name="FILE",.arity=Arity::kAtLeastOne,.description="x"}},.run=Run}; }
}
