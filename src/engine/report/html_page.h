#pragma once

#include <string>
#include <string_view>

// Private to this room.
namespace ronda::engine::report {

// A whole page around `body`, with style and, where there is `data` (JSON), the script that draws it.
// It fetches nothing, and its content security policy forbids to.
[[nodiscard]] std::string HtmlPage(std::string_view title, const std::string& body,
                                   const std::string& data);

}  // namespace ronda::engine::report
