#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/status.h"
#include "base/options.h"
#include "cli/command.h"

// Commands that speak to a server.
namespace ronda::cli {

// --server and --token, behind a command's own.
[[nodiscard]] std::vector<base::OptionSpec> ServerOptions(std::vector<base::OptionSpec> more);

// A server and how to be somebody there.
struct ServerPlace {
  std::string url;  // without a '/' at its end
  std::string token;  // empty: none
};
// Where the server is: --server, RONDA_SERVER or the configuration file; else where `ronda login` was; else
// the one that `ronda up` started here. A token of one of the two files goes to its own server only.
// FailedPrecondition when no server is known.
[[nodiscard]] base::Result<ServerPlace> FindServer(const base::Options& options,
                                                   const Context& context);
// What such a file says; no url when there is none, or it cannot be understood.
[[nodiscard]] ServerPlace ReadServerFile(const std::string& path);
// {"url": ..., "token": ...}, readable by the user alone; folders are made.
[[nodiscard]] base::Status WriteServerFile(const std::string& path, const ServerPlace& place);
// $XDG_CONFIG_HOME/ronda/login.json, and $XDG_STATE_HOME/ronda/server.json, which `ronda up` writes.
[[nodiscard]] base::Result<std::string> LoginFile(const Context& context);
[[nodiscard]] base::Result<std::string> RunningServerFile(const Context& context);

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct ApiRequest {
  std::string_view method = "GET";
  std::string path;  // encoded: "/api/v1/users/" + Encoded(name)
  Parameters parameters = {};  // not yet encoded
  std::string body = {};
  std::string content_type = "application/json";  // of a body
  Parameters headers = {};  // If-Match, Idempotency-Key
};

// Asks a server, one request at a time. The answer lives until the next one. One thread.
class ApiClient {
 public:
  explicit ApiClient(ServerPlace place) : place_(std::move(place)) {}
  // The client of a command's server.
  [[nodiscard]] static base::Result<ApiClient> Of(const Invocation& invocation,
                                                  const Context& context);

  // Ok for a status below 300. A server's error comes with its message, hint and the code that goes with
  // its status; Unavailable when nobody answers.
  [[nodiscard]] base::Status Send(const ApiRequest& request);
  // The same, and what came, as JSON.
  [[nodiscard]] base::Result<simdjson::dom::element> Json(const ApiRequest& request);
  [[nodiscard]] base::Result<simdjson::dom::element> Get(std::string path,
                                                         Parameters parameters = {});
  // GETs page after page of a list, and calls `each` with the elements of `member`.
  [[nodiscard]] base::Status EachOf(const std::string& path, Parameters parameters,
                                    std::string_view member,
                                    const std::function<void(simdjson::dom::element)>& each);

  // Of the last answer.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] std::string Header(std::string_view name) const;

  [[nodiscard]] const ServerPlace& place() const { return place_; }

 private:
  [[nodiscard]] base::Status Fetch(const ApiRequest& request, const std::string& url);
  [[nodiscard]] base::Status ErrorOf();

  ServerPlace place_;
  int status_ = 0;
  std::string body_;
  Parameters headers_;
  simdjson::dom::parser parser_;
};

// A piece of a path.
[[nodiscard]] std::string Encoded(std::string_view text);

// A text or a number of an answer; "" and 0 where there is none.
[[nodiscard]] std::string TextOf(simdjson::dom::element object, std::string_view key);
[[nodiscard]] std::int64_t NumberOf(simdjson::dom::element object, std::string_view key);
// A list's elements; none where there is no list.
[[nodiscard]] simdjson::dom::array ListOf(simdjson::dom::element object, std::string_view key);
// Texts of an answer may come from anybody: without what a terminal would obey.
[[nodiscard]] std::string PlainTextOf(simdjson::dom::element object, std::string_view key);

// "--json": prints the API's answer as it is.
[[nodiscard]] base::OptionSpec JsonOption();
// "--reason": why, for the audit.
[[nodiscard]] base::OptionSpec ReasonOption();
// The header that says so; none when it is not given.
[[nodiscard]] Parameters ReasonHeader(const base::Options& options);

// Rows in columns as wide as their widest text, two spaces apart.
void PrintTable(const std::vector<std::vector<std::string>>& rows, std::ostream& out);

}  // namespace ronda::cli
