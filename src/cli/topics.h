#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ronda::cli {

// A text that `ronda help NAME` prints: a page of docs/help or docs/formats, embedded at build.
struct Topic {
  std::string_view name;   // the file's name without .md: "exit-codes"
  std::string_view title;  // its first heading
  std::string_view text;   // Markdown
};

// By name. A page of docs/help hides one of docs/formats with the same name.
[[nodiscard]] const std::vector<Topic>& Topics();
// Null when there is none of that name.
[[nodiscard]] const Topic* FindTopic(std::string_view name);
[[nodiscard]] std::vector<std::string> TopicNames();

}  // namespace ronda::cli
