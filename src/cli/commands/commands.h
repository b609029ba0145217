#pragma once

#include <vector>

#include "cli/command.h"

namespace ronda::cli {

// Each in the file of this folder that stands beside it.
[[nodiscard]] Command RunCommand();            // run.cc
[[nodiscard]] Command BenchCommand();          // bench.cc
[[nodiscard]] Command ControlCommand();        // control.cc
[[nodiscard]] Command ReportCompareCommand();  // report_compare.cc
[[nodiscard]] Command TraceSearchCommand();    // trace.cc
[[nodiscard]] Command TraceTailCommand();      // trace.cc
[[nodiscard]] Command TraceShowCommand();      // trace.cc
[[nodiscard]] Command TraceServicesCommand();  // trace.cc
[[nodiscard]] Command TraceLinkCommand();      // trace.cc
[[nodiscard]] Command TraceRedCommand();  // trace_red.cc
[[nodiscard]] Command TraceMapCommand();  // trace_red.cc
[[nodiscard]] Command TraceDecodeCommand();    // trace.cc
[[nodiscard]] Command TraceExportCommand();    // trace_keep.cc
[[nodiscard]] Command TraceBackupCommand();    // trace_keep.cc
[[nodiscard]] Command TraceDeleteCommand();    // trace_keep.cc
[[nodiscard]] Command LoginCommand();   // login.cc
[[nodiscard]] Command LogoutCommand();  // login.cc
[[nodiscard]] Command WhoAmICommand();  // login.cc
[[nodiscard]] Command TokensCreateCommand();  // tokens.cc
[[nodiscard]] Command TokensListCommand();    // tokens.cc
[[nodiscard]] Command TokensRevokeCommand();  // tokens.cc
[[nodiscard]] Command UsersListCommand();      // users.cc
[[nodiscard]] Command UsersAddCommand();       // users.cc
[[nodiscard]] Command UsersRoleCommand();      // users.cc
[[nodiscard]] Command UsersPasswordCommand();  // users.cc
[[nodiscard]] Command UsersRemoveCommand();    // users.cc
[[nodiscard]] Command AuditCommand();          // audit.cc
[[nodiscard]] Command ApplyCommand();  // definitions.cc
[[nodiscard]] Command DiffCommand();  // definitions.cc
[[nodiscard]] Command GetCommand();  // definitions.cc
[[nodiscard]] Command DeleteCommand();  // definitions.cc
[[nodiscard]] Command HistoryCommand();  // definitions.cc
[[nodiscard]] Command RollbackCommand();  // definitions.cc
[[nodiscard]] Command StartCommand();  // runs.cc
[[nodiscard]] Command RunsCommand();  // runs.cc
[[nodiscard]] Command RunsShowCommand();  // runs.cc
[[nodiscard]] Command RunsStopCommand();  // runs.cc
[[nodiscard]] Command RunsDecideCommand();  // runs.cc
[[nodiscard]] Command GatesCommand();  // runs.cc
[[nodiscard]] Command AnswerCommand();  // runs.cc
[[nodiscard]] Command PatrolsCommand();  // runs.cc
[[nodiscard]] Command WorkersCommand();  // runs.cc
[[nodiscard]] Command HelpCommand();           // help.cc
[[nodiscard]] Command VersionCommand();        // version.cc
[[nodiscard]] Command ConfigExplainCommand();  // config_explain.cc
[[nodiscard]] Command CompletionCommand();     // completion.cc
[[nodiscard]] Command CompleteCommand();       // complete.cc
[[nodiscard]] Command ReferenceCommand();      // reference.cc

// Every command of the binary, in the order of help.
[[nodiscard]] std::vector<Command> BuiltInCommands();

}  // namespace ronda::cli
