#include "store/database.h"

#include "store/postgres.h"
#include "store/sqlite.h"

namespace ronda::store {
namespace {

const std::string kNoText;

}  // namespace

std::int64_t Row::Int(std::size_t column) const {
  const auto* value = std::get_if<std::int64_t>(&values_[column]);
  return value == nullptr ? 0 : *value;
}

double Row::Real(std::size_t column) const {
  if (const auto* value = std::get_if<double>(&values_[column])) return *value;
  return static_cast<double>(Int(column));
}

const std::string& Row::Text(std::size_t column) const {
  const auto* value = std::get_if<std::string>(&values_[column]);
  return value == nullptr ? kNoText : *value;
}

const std::string& Row::Blob(std::size_t column) const {
  const auto* value = std::get_if<Bytes>(&values_[column]);
  return value == nullptr ? kNoText : value->bytes;
}

base::Status Transaction::Run(std::string_view sql, const Values& values) {
  return Execute(sql, values).status();
}

base::Result<std::optional<std::int64_t>> Transaction::QueryInt(std::string_view sql,
                                                                const Values& values) {
  std::optional<std::int64_t> found;
  bool first = true;
  RETURN_IF_ERROR(Query(sql, values, [&](const Row& row) {
    if (first) found = row.OptionalInt(0);
    first = false;
  }));
  return found;
}

base::Result<std::unique_ptr<Database>> Database::Open(const std::string& url) {
  if (url.starts_with("sqlite:")) return OpenSqlite(url.substr(7));
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) return OpenPostgres(url);
  return base::InvalidArgument("a database is sqlite:PATH or postgresql://USER@HOST/NAME, not \"" +
                               url.substr(0, url.find(':')) + ":...\"");
}

}  // namespace ronda::store
