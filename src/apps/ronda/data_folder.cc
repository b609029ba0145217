#include "apps/ronda/data_folder.h"

namespace ronda::apps {

base::Result<std::string> DataFolder(const base::Options& options, const cli::Context& context,
                                     std::string_view role) {
  if (options.Has("data")) return options.String("data");
  const auto variable = [&](const char* name) {
    const char* value = context.getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string folder = "/ronda/" + std::string(role);
  if (const std::string state = variable("XDG_STATE_HOME"); state.starts_with('/'))
    return state + folder;
  const std::string home = variable("HOME");
  if (home.empty()) return base::FailedPrecondition("neither --data nor $HOME is set");
  return home + "/.local/state" + folder;
}

}  // namespace ronda::apps
