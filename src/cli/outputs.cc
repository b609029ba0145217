#include "cli/outputs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "cli/scenario_run.h"
#include "model/source.h"

namespace ronda::cli {
namespace {

namespace report = engine::report;

// Kinds whose target is a file.
bool IsFile(std::string_view kind) {
  static constexpr std::array<std::string_view, 7> kFiles = {"html", "json",   "junit",      "csv",
                                                             "text", "ndjson", "csv-samples"};
  return std::ranges::find(kFiles, kind) != kFiles.end();
}

// Kinds that go on while the run does; a run has one of each at most.
bool IsStream(std::string_view kind) {
  return kind == "ndjson" || kind == "csv-samples" || kind == "prometheus" || kind == "otlp" ||
         kind == "metrics";
}

base::Status CheckFile(const Output& output) {
  std::error_code ignored;
  const std::filesystem::path path(output.target);
  const std::string what = "output " + output.kind + "=" + output.target + ": ";
  if (std::filesystem::is_directory(path, ignored))
    return base::InvalidArgument(what + "this is a folder; name a file");
  const std::filesystem::path folder = path.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored))
    return base::NotFound(what + "there is no folder " + folder.string());
  return base::Ok();
}

bool WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(file, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Writes the whole file or says why not. A file gets its name once it is whole; what is no plain file
// (/dev/stdout, a pipe) is written to as it is.
base::Status WriteFile(const std::string& path, const std::string& text) {
  const std::string what = "cannot write " + path;
  struct stat info{};
  const bool there = stat(path.c_str(), &info) == 0;
  const bool plain = !there || S_ISREG(info.st_mode);
  std::error_code ignored;
  // Through a link the file that it points to is meant.
  std::string real = there ? std::filesystem::canonical(path, ignored).string() : path;
  if (real.empty()) real = path;
  const std::string target = plain ? real + ".part-" + std::to_string(getpid()) : path;
  const int flags = plain ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_WRONLY | O_CLOEXEC;
  const int file = open(target.c_str(), flags, there ? info.st_mode & 0777 : 0666);
  if (file < 0) return base::FromErrno(what, errno);
  int why = WriteAll(file, text) ? 0 : errno;
  if (close(file) != 0 && why == 0) why = errno;
  if (why == 0 && plain && std::rename(target.c_str(), real.c_str()) != 0) why = errno;
  if (why == 0) return base::Ok();
  if (plain) (void)unlink(target.c_str());
  return base::FromErrno(what + (there && plain ? " (the file from before is still there)" : ""),
                         why);
}

}  // namespace

base::OptionSpec OutOption() {
  return {.name = "out",
          .letter = 'o',
          .type = base::OptionType::kList,
          .value_name = "KIND=TARGET",
          .scope = base::OptionScope::kFlagOnly,
          .description =
              "A report; may be given several times. To a file at the end: html, json, junit, csv "
              "(a line a second), text. While it runs: ndjson or csv-samples (a line a request) to "
              "a file, prometheus=URL (remote write), otlp=URL (spans), metrics=ADDRESS:PORT (a "
              "page to scrape)."};
}

base::Result<std::vector<Output>> ReadOutputs(const std::vector<std::string>& given) {
  const std::vector<std::string>& kinds = model::OutputKinds();
  std::vector<Output> outputs;
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    const std::string kind = text.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == text.size()) {
      return base::InvalidArgument("--out " + text + ": write KIND=TARGET, e.g. html=report.html");
    }
    if (std::ranges::find(kinds, kind) == kinds.end()) {
      const std::string nearest = model::Nearest(kind, kinds);
      return base::InvalidArgument(
          fmt::format("--out {}: there is no \"{}\"; {}", text, kind,
                      nearest.empty() ? fmt::format("it is one of {}", fmt::join(kinds, ", "))
                                      : fmt::format("did you mean {}?", nearest)));
    }
    outputs.push_back({kind, text.substr(equals + 1)});
  }
  return outputs;
}

base::Result<std::vector<Output>> MergeOutputs(const std::vector<Output>& given,
                                               const std::vector<model::Output>& defined) {
  std::vector<Output> outputs = given;
  for (const model::Output& output : defined) {
    const bool said =
        std::ranges::any_of(given, [&](const Output& o) { return o.kind == output.kind; });
    if (!said) outputs.push_back({output.kind, output.target.text});
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (IsFile(outputs[i].kind)) RETURN_IF_ERROR(CheckFile(outputs[i]));
    for (std::size_t j = 0; j < i; ++j) {
      const bool samples = outputs[i].kind == "ndjson" || outputs[i].kind == "csv-samples";
      const bool both =
          samples && (outputs[j].kind == "ndjson" || outputs[j].kind == "csv-samples");
      if (both || (IsStream(outputs[i].kind) && outputs[i].kind == outputs[j].kind)) {
        return base::InvalidArgument(fmt::format("outputs {}={} and {}={}: a run has one of them",
                                                 outputs[j].kind, outputs[j].target,
                                                 outputs[i].kind, outputs[i].target));
      }
    }
  }
  return outputs;
}

report::ReportInput InputOf(const RunDone& done) {
  report::ReportInput input;
  input.name = done.root->name;
  input.kind = model::NameOf(done.root->kind);
  input.digest = done.digest;
  input.environment = done.environment;
  input.run_id = done.run_id;
  input.version = "ronda " RONDA_VERSION;
  input.single_iteration = done.program->single_iteration;
  input.passed = done.result.passed;
  input.verdict = done.result.verdict;
  input.end = NameOf(done.result.end);
  input.reason = done.result.reason;
  input.start_wall_ns = done.result.start_wall_ns;
  input.duration_ns = done.result.duration_ns;
  input.cpu_ns = done.cpu_ns;
  input.threads = done.result.threads;
  input.warnings = done.result.warnings;
  input.thresholds = done.result.thresholds;
  input.guard_events = done.result.guard_events;
  input.meets = done.result.meets;
  input.load = done.result.load.get();
  input.outer = done.result.outer.get();
  return input;
}

Written WriteReports(const std::vector<Output>& outputs, const report::ReportInput& input,
                     Context& context) {
  Written written = Written::kAll;
  for (const Output& output : outputs) {
    if (IsStream(output.kind)) continue;
    const std::string text = output.kind == "json"    ? report::ReportJson(input)
                             : output.kind == "html"  ? report::ReportHtml(input)
                             : output.kind == "junit" ? report::ReportJUnit(input)
                             : output.kind == "csv"
                                 ? report::ReportCsv(input)
                                 : report::SummaryText(input, report::Paint::kPlain);
    if (const base::Status status = WriteFile(output.target, text); !status.ok()) {
      context.log.Error(status.message());
      written = Written::kNotAll;
    }
  }
  return written;
}

}  // namespace ronda::cli
