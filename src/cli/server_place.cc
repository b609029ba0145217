// Which server a command speaks to, and the files that remember it.
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/api_client.h"

namespace ronda::cli {
namespace {

constexpr std::size_t kLargestFile = 64u << 10;

base::Result<std::string> InHome(const Context& context, const char* variable,
                                 std::string_view otherwise, std::string_view file) {
  const char* folder = context.getenv(variable);
  if (folder != nullptr && *folder == '/')
    return std::string(folder) + "/ronda/" + std::string(file);
  const char* home = context.getenv("HOME");
  if (home == nullptr || *home == 0) {
    return base::FailedPrecondition("$HOME is not set: where is what ronda remembers?");
  }
  return std::string(home) + "/" + std::string(otherwise) + "/ronda/" + std::string(file);
}

std::string WithoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

std::vector<base::OptionSpec> ServerOptions(std::vector<base::OptionSpec> more) {
  more.push_back({.name = "server",
                  .type = base::OptionType::kString,
                  .value_name = "URL",
                  .description =
                      "The server. Without it, the one of `ronda login`, or that `ronda up` "
                      "started on this machine.",
                  .example = "https://ronda.example:4319"});
  more.push_back({.name = "token",
                  .type = base::OptionType::kString,
                  .secrecy = base::Secrecy::kSecret,
                  .description = "The token that the server wants."});
  return more;
}

ServerPlace ReadServerFile(const std::string& path) {
  ServerPlace place;
  const auto text = base::ReadFile(path, kLargestFile);
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  if (!text.ok() || parser.parse(*text).get(json) != simdjson::SUCCESS) return place;
  place.url = WithoutSlash(TextOf(json, "url"));
  place.token = TextOf(json, "token");
  return place;
}

base::Result<std::string> LoginFile(const Context& context) {
  return InHome(context, "XDG_CONFIG_HOME", ".config", "login.json");
}

base::Result<std::string> RunningServerFile(const Context& context) {
  return InHome(context, "XDG_STATE_HOME", ".local/state", "server.json");
}

base::Result<ServerPlace> FindServer(const base::Options& options, const Context& context) {
  ServerPlace place;
  if (options.Has("server")) place.url = WithoutSlash(options.String("server"));
  for (const auto& file : {LoginFile(context), RunningServerFile(context)}) {
    const ServerPlace known = file.ok() ? ReadServerFile(*file) : ServerPlace();
    if (known.url.empty() || (!place.url.empty() && place.url != known.url)) continue;
    place = known;
    break;
  }
  if (options.Has("token")) place.token = options.String("token");
  if (!place.url.empty()) return place;
  return base::FailedPrecondition(
      "no server is known: start `ronda up`, log in with `ronda login URL`, or say --server URL");
}

base::Status WriteServerFile(const std::string& path, const ServerPlace& place) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  base::JsonWriter json;
  json.Object().Field("url", place.url).Field("token", place.token).EndObject();
  json.out += '\n';
  return base::WritePrivateFile(path, json.out);
}

}  // namespace ronda::cli
