#include "cli/commands/commands.h"

namespace ronda::cli {

std::vector<Command> BuiltInCommands() {
  return {
      RunCommand(),           BenchCommand(),       ControlCommand(),      ReportCompareCommand(),
      TraceSearchCommand(),   TraceTailCommand(),   TraceShowCommand(),    TraceServicesCommand(),
      TraceLinkCommand(),     TraceRedCommand(),    TraceMapCommand(),     TraceDecodeCommand(),
      TraceExportCommand(),   TraceBackupCommand(), TraceDeleteCommand(),  LoginCommand(),
      LogoutCommand(),        WhoAmICommand(),      TokensCreateCommand(), TokensListCommand(),
      TokensRevokeCommand(),  UsersListCommand(),   UsersAddCommand(),     UsersRoleCommand(),
      UsersPasswordCommand(), UsersRemoveCommand(), AuditCommand(),        ConfigExplainCommand(),
      ApplyCommand(),         DiffCommand(),        GetCommand(),          DeleteCommand(),
      HistoryCommand(),       RollbackCommand(),    StartCommand(),        RunsCommand(),
      RunsShowCommand(),      RunsStopCommand(),    RunsDecideCommand(),   GatesCommand(),
      AnswerCommand(),        PatrolsCommand(),     WorkersCommand(),      HelpCommand(),
      VersionCommand(),       CompletionCommand(),  CompleteCommand(),     ReferenceCommand(),
  };
}

}  // namespace ronda::cli
