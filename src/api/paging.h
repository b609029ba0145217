#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/call.h"
#include "api/route.h"
#include "base/core/status.h"
#include "base/json_writer.h"

// Lists that are read page by page: ?limit= and ?cursor=; `next` is the cursor of the page after, missing on
// the last one. A cursor holds the key of the last row that was shown, so that rows which come or go
// meanwhile move no others.
namespace ronda::api {

struct Page {
  std::int64_t limit = 100;
  std::string after = {};  // the key of the last row of the page before; empty: the first page
  // The key where it is a number; InvalidArgument otherwise.
  [[nodiscard]] base::Result<std::int64_t> AfterNumber() const;
};

// The parameters of a list, with `limit` and `cursor`.
[[nodiscard]] std::vector<Parameter> WithPaging(std::vector<Parameter> own);
// InvalidArgument for a cursor that was never given out.
[[nodiscard]] base::Result<Page> PageOf(const Call& call);
[[nodiscard]] std::string CursorOf(std::string_view key);
// {MEMBER: [...], next: ...}, as a component of that name.
[[nodiscard]] Schema PageSchema(std::string name, std::string member, Schema item);

// A page of `rows`, of which one more than the limit was asked for. `put` writes a row, `key` names it.
template <typename Row, typename Put, typename KeyOf>
http::Response PageResponse(std::string_view member, const Page& page, const std::vector<Row>& rows,
                            Put&& put, KeyOf&& key) {
  const auto limit = static_cast<std::size_t>(page.limit);
  base::JsonWriter json;
  json.Object().Key(member).List();
  for (std::size_t i = 0; i < rows.size() && i < limit; ++i) put(rows[i], json);
  json.EndList();
  if (rows.size() > limit) json.Field("next", CursorOf(key(rows[limit - 1])));
  json.EndObject();
  return {.body = std::move(json.out)};
}

}  // namespace ronda::api
