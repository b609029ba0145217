#include "cli/reference.h"

#include <errno.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "cli/commands/commands.h"

namespace ronda::cli {
namespace {

base::Status Write(const std::string& path, const Page& page) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << page.text;
  out.close();
  return out ? base::Ok() : base::FromErrno(path, errno);
}

base::Status Compare(const std::string& path, const Page& page) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in && text == page.text) return base::Ok();
  return {base::Code::kUnknown,
          fmt::format("{} is not what the binary says: write it anew by 'ronda reference' and the "
                      "folder, and commit it",
                      path)};
}

base::Result<base::ExitCode> Run(const Invocation& invocation, Context&) {
  for (const Page& page : ReferencePages(invocation.commands)) {
    const std::string path = fmt::format("{}/{}", invocation.arguments.front(), page.name);
    RETURN_IF_ERROR(invocation.options.Switch("check") ? Compare(path, page) : Write(path, page));
  }
  return base::ExitCode::kOk;
}

}  // namespace

Command ReferenceCommand() {
  return {.name = "reference",
          .summary = "write the reference pages",
          .description =
              "Writes the pages of docs/reference into a folder, from the same tables "
              "that help and completion use.",
          .examples = "ronda reference docs/reference\nronda reference --check docs/reference",
          .positionals = {{.name = "FOLDER", .description = "Where the pages lie."}},
          .options = {{.name = "check",
                       .type = base::OptionType::kSwitch,
                       .scope = base::OptionScope::kFlagOnly,
                       .description = "Compare instead of writing; exit code 1 when they differ."}},
          .visibility = Visibility::kHidden,
          .run = Run};
}

}  // namespace ronda::cli
