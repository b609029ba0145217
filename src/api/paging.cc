#include "api/paging.h"

#include <charconv>

namespace ronda::api {
namespace {

constexpr std::int64_t kMostRows = 1000;
constexpr std::size_t kLongestCursor = 2048;

base::Status NoCursor() {
  return base::InvalidArgument("cursor: it is none that was given out; leave it out to begin");
}

}  // namespace

base::Result<std::int64_t> Page::AfterNumber() const {
  std::int64_t number = 0;
  const char* end = after.data() + after.size();
  const auto [at, error] = std::from_chars(after.data(), end, number);
  if (error != std::errc() || at != end) return NoCursor();
  return number;
}

std::vector<Parameter> WithPaging(std::vector<Parameter> own) {
  own.push_back(
      {"limit", "How many, 1 to 1000; 100", schema::Within(schema::Integer(), 1, kMostRows)});
  own.push_back(
      {"cursor", "next of the page before", schema::Within(schema::Text(), {}, kLongestCursor)});
  return own;
}

std::string CursorOf(std::string_view key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string cursor;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    (cursor += kDigits[byte >> 4]) += kDigits[byte & 15];
  }
  return cursor;
}

base::Result<Page> PageOf(const Call& call) {
  Page page{.limit = static_cast<std::int64_t>(call.QueryInteger("limit", 100))};
  const std::string cursor = call.Query("cursor").value_or("");
  if (cursor.size() % 2 != 0) return NoCursor();
  for (std::size_t i = 0; i < cursor.size(); i += 2) {
    unsigned byte = 0;
    const char* at = cursor.data() + i;
    if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2 || byte == 0) return NoCursor();
    page.after += static_cast<char>(byte);
  }
  return page;
}

Schema PageSchema(std::string name, std::string member, Schema item) {
  return schema::Named(
      std::move(name),
      schema::Object({{std::move(member), schema::ListOf(std::move(item))},
                      {"next", schema::Text("The cursor of the next page"), Required::kNo}}));
}

}  // namespace ronda::api
