#include "engine/program/feed_table.h"

#include <simdjson.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "engine/program/value_plan.h"

namespace ronda::engine {
namespace {

std::string Place(const std::string& source, int line) {
  return source + ":" + std::to_string(line);
}

model::Value FromJson(simdjson::dom::element element, model::Arena& arena) {
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE: return {};
    case simdjson::dom::element_type::BOOL: return model::Value::Bool(bool(element));
    case simdjson::dom::element_type::INT64: return model::Value::Int(std::int64_t(element));
    case simdjson::dom::element_type::UINT64:
      return model::Value::Float(static_cast<double>(std::uint64_t(element)));
    case simdjson::dom::element_type::DOUBLE: return model::Value::Float(double(element));
    case simdjson::dom::element_type::STRING:
      return model::Value::String(arena.Copy(std::string_view(element)));
    case simdjson::dom::element_type::ARRAY: {
      const simdjson::dom::array array = element;
      const auto items = arena.AllocateArray<model::Value>(array.size());
      std::size_t i = 0;
      for (const simdjson::dom::element item : array) items[i++] = FromJson(item, arena);
      return model::Value::List(items);
    }
    case simdjson::dom::element_type::OBJECT: {
      const simdjson::dom::object object = element;
      const auto members = arena.AllocateArray<model::Member>(object.size());
      std::size_t i = 0;
      for (const auto field : object)
        members[i++] = {arena.Copy(field.key), FromJson(field.value, arena)};
      return model::Value::Map(members);
    }
  }
  return {};
}

// One record of a CSV text from `at` on; `line` counts the lines it spans.
base::Result<std::vector<std::string>> ReadRecord(std::string_view text, std::size_t& at,
                                                  char delimiter, int& line,
                                                  const std::string& source) {
  std::vector<std::string> fields(1);
  const int first_line = line;
  bool quoted = false;
  bool closed = false;  // behind a closing quote
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c != '"') {
        line += c == '\n' ? 1 : 0;
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += '"';
        ++at;
      } else {
        quoted = false;
        closed = true;
      }
      continue;
    }
    if (closed && c != delimiter && c != '\r' && c != '\n') {
      return base::InvalidArgument(Place(source, line) +
                                   ": text behind a quoted field; write a quote inside it as \"\"");
    }
    if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == delimiter) {
      fields.emplace_back();
      closed = false;
    } else if (c == '\n') {
      ++at;
      ++line;
      return fields;
    } else if (c != '\r' || at + 1 >= text.size() || text[at + 1] != '\n') {
      fields.back() += c;
    }
  }
  if (quoted) {
    return base::InvalidArgument(Place(source, first_line) +
                                 ": a quoted field is never closed; end it with '\"'");
  }
  return fields;
}

// The line on which each item of a JSON array begins. The text has been parsed: it is well-formed.
std::vector<int> LinesOfRows(std::string_view text) {
  std::vector<int> lines;
  int line = 1;
  int depth = 0;
  bool quoted = false;
  bool wanted = false;  // the next thing on the first level is an item
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '\n') ++line;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (wanted && depth == 1 && c != ']') {
      lines.push_back(line);
      wanted = false;
    }
    if (c == '"') quoted = true;
    if (c == '[' || c == '{') wanted |= depth++ == 0;
    if (c == ']' || c == '}') --depth;
    if (c == ',' && depth == 1) wanted = true;
  }
  return lines;
}

}  // namespace

base::Result<std::unique_ptr<FeedTable>> FeedTable::Load(const std::string& name,
                                                         const model::Feed& feed,
                                                         const std::string& folder, Share process) {
  if (feed.file.empty()) return Parse(name, feed, {}, "feed " + name, process);
  const std::filesystem::path path = std::filesystem::path(feed.file).is_absolute()
                                         ? std::filesystem::path(feed.file)
                                         : std::filesystem::path(folder) / feed.file;
  const auto text = base::ReadFile(path.string());
  if (!text.ok()) {
    return base::Status(text.status().code(),
                        "feed " + name + ": " + std::string(text.status().message()) +
                            "; `file:` is taken relative to the file that names it");
  }
  return Parse(name, feed, *text, path.string(), process);
}

base::Result<std::unique_ptr<FeedTable>> FeedTable::Parse(const std::string& name,
                                                          const model::Feed& feed,
                                                          std::string_view text,
                                                          const std::string& source,
                                                          Share process) {
  auto table = std::make_unique<FeedTable>();
  table->name_ = name;
  table->pick_ = feed.pick;
  table->on_end_ = feed.on_end;
  table->per_user_ = feed.take == model::Feed::Take::kUser;
  table->secret_ = feed.secret;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  if (feed.file.empty()) {
    RETURN_IF_ERROR(table->ReadInline(feed));
  } else if (feed.format == model::Feed::Format::kCsv) {
    RETURN_IF_ERROR(table->ReadCsv(text, feed, source));
  } else {
    RETURN_IF_ERROR(table->ReadJson(text, source));
  }
  RETURN_IF_ERROR(table->Finish(source, process, feed.shard));
  return table;
}

base::Status FeedTable::ReadCsv(std::string_view text, const model::Feed& feed,
                                const std::string& source) {
  std::size_t at = 0;
  int line = 1;
  columns_ = feed.columns;
  if (columns_.empty()) {
    ASSIGN_OR_RETURN(columns_, ReadRecord(text, at, feed.delimiter, line, source));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].empty()) {
        return base::InvalidArgument(Place(source, 1) + ": column " + std::to_string(i + 1) +
                                     " of the header has no name");
      }
      if (std::find(columns_.begin(), columns_.begin() + static_cast<std::ptrdiff_t>(i),
                    columns_[i]) != columns_.begin() + static_cast<std::ptrdiff_t>(i)) {
        return base::InvalidArgument(Place(source, 1) + ": two columns are called \"" +
                                     columns_[i] + "\"");
      }
    }
  }
  while (at < text.size()) {
    const int record_line = line;
    ASSIGN_OR_RETURN(const std::vector<std::string> fields,
                     ReadRecord(text, at, feed.delimiter, line, source));
    if (fields.size() == 1 && fields[0].empty()) continue;  // an empty line
    if (fields.size() != columns_.size()) {
      return base::InvalidArgument(Place(source, record_line) + ": " +
                                   std::to_string(fields.size()) + " fields where the header has " +
                                   std::to_string(columns_.size()) +
                                   "; quote a field that holds the delimiter");
    }
    for (const std::string& field : fields)
      cells_.push_back(model::Value::String(memory_.Copy(field)));
    ++rows_;
  }
  return base::Ok();
}

base::Status FeedTable::ReadJson(std::string_view text, const std::string& source) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  const auto add = [&](simdjson::dom::element row, int number) -> base::Status {
    std::vector<model::Member> members;
    simdjson::dom::object object;
    if (row.get(object) != simdjson::SUCCESS) {
      members.push_back({"value", FromJson(row, memory_)});
    } else {
      for (const auto field : object)
        members.push_back({memory_.Copy(field.key), FromJson(field.value, memory_)});
    }
    return AddRow(std::move(members), source, number);
  };
  simdjson::dom::element root;
  if (parser.parse(padded).get(root) == simdjson::SUCCESS && root.is_array()) {
    const std::vector<int> lines = LinesOfRows(text);
    std::size_t number = 0;
    for (const simdjson::dom::element row : simdjson::dom::array(root)) {
      RETURN_IF_ERROR(add(row, number < lines.size() ? lines[number] : 1));
      ++number;
    }
    return base::Ok();
  }
  simdjson::dom::document_stream stream;
  if (parser.parse_many(padded, std::max<std::size_t>(text.size() + 64, 1'000'000)).get(stream) !=
      simdjson::SUCCESS) {
    return base::InvalidArgument(source + ": neither a JSON array nor one JSON object a line");
  }
  int line = 1;
  std::size_t counted = 0;
  for (auto document = stream.begin(); document != stream.end(); ++document) {
    const std::size_t at = std::min(document.current_index(), text.size());
    line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                        text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted = at;
    simdjson::dom::element row;
    if (const auto error = (*document).get(row); error != simdjson::SUCCESS) {
      return base::InvalidArgument(Place(source, line) + ": feed " + name_ +
                                   ": this is no JSON: " + simdjson::error_message(error));
    }
    RETURN_IF_ERROR(add(row, line));
  }
  if (stream.truncated_bytes() > 0) {
    line = 1 + static_cast<int>(std::count(text.begin(),
                                           text.end() - static_cast<std::ptrdiff_t>(std::min(
                                                            stream.truncated_bytes(), text.size())),
                                           '\n'));
    return base::InvalidArgument(Place(source, line) + ": feed " + name_ +
                                 ": the last object is not complete");
  }
  return base::Ok();
}

base::Status FeedTable::ReadInline(const model::Feed& feed) {
  for (const model::Node& row : feed.rows) {
    std::vector<model::Member> members;
    if (row.kind == model::Node::Kind::kMap) {
      for (const auto& [key, value] : row.members) {
        members.push_back({memory_.Copy(key.scalar), LiteralOf(value, memory_)});
      }
    } else {
      members.push_back({"value", LiteralOf(row, memory_)});
    }
    RETURN_IF_ERROR(AddRow(std::move(members), row.where.source ? row.where.source->name : "inline",
                           row.where.line));
  }
  return base::Ok();
}

base::Status FeedTable::AddRow(std::vector<model::Member> row, const std::string& source,
                               int line) {
  if (rows_ == 0 && columns_.empty()) {
    for (const model::Member& member : row) columns_.emplace_back(member.key);
  }
  for (const std::string& column : columns_) {
    const auto found = std::ranges::find(row, std::string_view(column), &model::Member::key);
    cells_.push_back(found == row.end() ? model::Value() : found->value);
  }
  for (const model::Member& member : row) {
    if (std::ranges::find(columns_, member.key) == columns_.end()) {
      return base::InvalidArgument(Place(source, line) + ": feed " + name_ + ": this row has \"" +
                                   std::string(member.key) + "\", which the first row has not");
    }
  }
  ++rows_;
  return base::Ok();
}

base::Status FeedTable::Finish(const std::string& source, Share process, bool shard) {
  if (rows_ == 0) return base::InvalidArgument(source + ": feed " + name_ + " has no rows");
  if (!shard || process.count == 1) return base::Ok();
  std::vector<model::Value> kept;
  std::uint32_t rows = 0;
  for (std::uint32_t row = process.index; row < rows_; row += process.count, ++rows) {
    const auto from = cells_.begin() + static_cast<std::ptrdiff_t>(row * columns_.size());
    kept.insert(kept.end(), from, from + static_cast<std::ptrdiff_t>(columns_.size()));
  }
  if (rows == 0) {
    return base::InvalidArgument("feed " + name_ + ": " + std::to_string(rows_) +
                                 " rows are too few for " + std::to_string(process.count) +
                                 " processes");
  }
  cells_ = std::move(kept);
  rows_ = rows;
  return base::Ok();
}

std::optional<std::uint32_t> FeedTable::Column(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - columns_.begin());
}

bool FeedTable::IsSecret(std::string_view column) const {
  static constexpr std::string_view kTelling[] = {"pass",   "password", "passwd", "pwd", "pin",
                                                  "secret", "token",    "apikey", "key"};
  if (std::ranges::find(secret_, column) != secret_.end()) return true;
  std::string plain;  // apiKey, api_key, API-KEY
  for (const char c : column) {
    if (c != '_' && c != '-') plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return std::ranges::find(kTelling, plain) != std::end(kTelling);
}

FeedTable::Taken FeedTable::Take(base::Random& random) {
  using enum Taken::Kind;
  if (pick_ == model::Feed::Pick::kRandom)
    return {kRow, static_cast<std::uint32_t>(random.Below(rows_))};
  const bool recycle = on_end_ == model::Feed::OnEnd::kRecycle;
  if (recycle && !unique()) {
    const std::uint64_t n = next_.fetch_add(1, std::memory_order_relaxed);
    return {kRow, static_cast<std::uint32_t>(n % rows_)};
  }
  // Every row once; looked at first, so that those who ask again and again do not count on for ever.
  if (next_.load(std::memory_order_relaxed) < rows_) {
    const std::uint64_t n = next_.fetch_add(1, std::memory_order_relaxed);
    if (n < rows_) return {kRow, static_cast<std::uint32_t>(n)};
  }
  if (!recycle || per_user_) return {kEnd, 0};
  const std::lock_guard lock(mutex_);
  if (returned_.empty()) return {kBusy, 0};
  const std::uint32_t row = returned_.front();
  returned_.pop_front();
  return {kRow, row};
}

void FeedTable::Return(std::uint32_t row) {
  if (!unique() || on_end_ != model::Feed::OnEnd::kRecycle) return;
  const std::lock_guard lock(mutex_);
  returned_.push_back(row);
}

}  // namespace ronda::engine
