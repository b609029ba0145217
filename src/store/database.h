#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/core/status.h"

namespace ronda::store {

// Bytes as a column holds them (BLOB, BYTEA).
struct Bytes {
  std::string bytes;
  bool operator==(const Bytes&) const = default;
};

// What goes into a statement and comes out of a row: NULL, an integer, a real, UTF-8 text, bytes.
// Text without NUL characters; PostgreSQL has none.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Bytes>;

// A row of an answer. Borrowed for the call that it is handed to.
class Row {
 public:
  explicit Row(const std::vector<Value>& values) : values_(values) {}

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] const Value& at(std::size_t column) const { return values_[column]; }
  [[nodiscard]] bool IsNull(std::size_t column) const {
    return std::holds_alternative<std::monostate>(values_[column]);
  }
  // Of another type, or NULL: 0 and "". The schema says which type a column has.
  [[nodiscard]] std::int64_t Int(std::size_t column) const;
  [[nodiscard]] double Real(std::size_t column) const;
  [[nodiscard]] const std::string& Text(std::size_t column) const;
  [[nodiscard]] const std::string& Blob(std::size_t column) const;
  [[nodiscard]] std::optional<std::int64_t> OptionalInt(std::size_t column) const {
    return IsNull(column) ? std::nullopt : std::optional(Int(column));
  }

 private:
  const std::vector<Value>& values_;
};

// Statements in one transaction. SQL is what SQLite 3.40 and PostgreSQL 13 both understand, with
// `$1`, `$2`, ... for values; statements are prepared once a connection.
class Transaction {
 public:
  using Values = std::vector<Value>;
  using EachRow = std::function<void(const Row&)>;

  virtual ~Transaction() = default;
  // How many rows it changed.
  [[nodiscard]] virtual base::Result<std::int64_t> Execute(std::string_view sql,
                                                           const Values& values) = 0;
  [[nodiscard]] virtual base::Status Query(std::string_view sql, const Values& values,
                                           const EachRow& each) = 0;

  // Execute, where the count does not matter.
  [[nodiscard]] base::Status Run(std::string_view sql, const Values& values = {});
  // The first column of the first row, an integer; nothing without a row, or where it is NULL.
  [[nodiscard]] base::Result<std::optional<std::int64_t>> QueryInt(std::string_view sql,
                                                                   const Values& values = {});
};

enum class Engine : std::uint8_t { kSqlite, kPostgres };

// A database of either kind. Thread-safe.
class Database {
 public:
  using Body = std::function<base::Status(Transaction&)>;

  virtual ~Database() = default;

  // "sqlite:PATH" or "postgresql://user@host/name". Opens or makes it, but no tables (Migrate does).
  // Unavailable when it cannot be reached, InvalidArgument for another scheme.
  [[nodiscard]] static base::Result<std::unique_ptr<Database>> Open(const std::string& url);

  // Runs `body` in a transaction that is as if alone (serializable), and commits it if `body` returned
  // ok. The body may be called again when the database asks for it, so it must only touch `transaction`
  // and what it sets anew each time. When the answer to a commit was lost: Unavailable, and it is
  // unknown whether it happened; writes that are keyed or conditional can be repeated.
  // ResourceExhausted: the disk is full; nothing was changed.
  [[nodiscard]] virtual base::Status Write(const Body& body) = 0;
  // Reads one consistent state.
  [[nodiscard]] virtual base::Status Read(const Body& body) = 0;

  [[nodiscard]] virtual Engine engine() const = 0;
  // What the database takes on disk, bytes.
  [[nodiscard]] virtual base::Result<std::int64_t> SizeBytes() = 0;
};

}  // namespace ronda::store
