#pragma once

#include <string>
#include <vector>

#include "base/core/status.h"
#include "base/options.h"
#include "cli/command.h"
#include "engine/report/report.h"
#include "model/definitions.h"

namespace ronda::cli {

struct RunDone;

// A report or stream that was asked for: `--out html=report.html`, `outputs: {otlp: ...}`.
struct Output {
  std::string kind;    // one of model::OutputKinds()
  std::string target;  // a file, a URL, an address
};

// The option that both `run` and `bench` have.
[[nodiscard]] base::OptionSpec OutOption();
// Reads its values; what is wrong is said with the nearest right kind.
[[nodiscard]] base::Result<std::vector<Output>> ReadOutputs(const std::vector<std::string>& given);
// The command line's outputs, and those of the definition of kinds that the command line does not
// name. Refuses what cannot work before the load begins: two targets of a kind that has one, a folder
// that is not there.
[[nodiscard]] base::Result<std::vector<Output>> MergeOutputs(
    const std::vector<Output>& given, const std::vector<model::Output>& defined);

// A run that is over, as the reports want it. Borrows from `done`.
[[nodiscard]] engine::report::ReportInput InputOf(const RunDone& done);

enum class Written : std::uint8_t { kAll, kNotAll };
// Writes the report files that were asked for; each that could not be written is an error in the log.
// A file is written whole or not at all: what was there before stays.
[[nodiscard]] Written WriteReports(const std::vector<Output>& outputs,
                                   const engine::report::ReportInput& input, Context& context);

}  // namespace ronda::cli
