#include "store/sqlite.h"

#include <sqlite3.h>

#include <map>
#include <utility>

#include "store/pool.h"

namespace ronda::store {
namespace {

constexpr int kBusyMs = 10'000;
constexpr std::size_t kReaders = 4;

base::Code CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL: return base::Code::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return base::Code::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return base::Code::kDataLoss;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: return base::Code::kFailedPrecondition;
    case SQLITE_CONSTRAINT: return base::Code::kAlreadyExists;
    case SQLITE_IOERR: return base::Code::kUnavailable;
    default: return base::Code::kInternal;
  }
}

class Connection : public Transaction {
 public:
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  ~Connection() override {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static base::Result<std::unique_ptr<Connection>> Open(const std::string& path) {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    auto connection = std::make_unique<Connection>(handle, path);
    if (code != SQLITE_OK) return connection->Error("open", code);
    sqlite3_busy_timeout(handle, kBusyMs);
    for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                               "PRAGMA foreign_keys=ON", "PRAGMA temp_store=MEMORY"}) {
      RETURN_IF_ERROR(connection->Query(pragma, {}, [](const Row&) {}));
    }
    return connection;
  }

  [[nodiscard]] bool broken() const { return false; }

  base::Result<std::int64_t> Execute(std::string_view sql, const Values& values) override {
    RETURN_IF_ERROR(Query(sql, values, [](const Row&) {}));
    return static_cast<std::int64_t>(sqlite3_changes64(handle_));
  }

  base::Status Query(std::string_view sql, const Values& values, const EachRow& each) override {
    ASSIGN_OR_RETURN(sqlite3_stmt* const statement, Prepared(sql));
    base::Status status = Bind(statement, values);
    while (status.ok()) {
      const int code = sqlite3_step(statement);
      if (code == SQLITE_DONE) break;
      if (code != SQLITE_ROW) {
        status = Error(sql, code);
        break;
      }
      Take(statement);
      each(Row(row_));
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
  }

  base::Status InTransaction(const char* begin, const Database::Body& body) {
    RETURN_IF_ERROR(Query(begin, {}, [](const Row&) {}));
    base::Status status = body(*this);
    if (status.ok()) status = Query("COMMIT", {}, [](const Row&) {});
    // A full disk may have ended the transaction already.
    if (!status.ok() && sqlite3_get_autocommit(handle_) == 0) {
      const base::Status undone = Query("ROLLBACK", {}, [](const Row&) {});
      if (!undone.ok()) return undone;
    }
    return status;
  }

 private:
  base::Status Error(std::string_view what, int code) const {
    return {CodeOf(code), "database " + path_ + ": " + sqlite3_errmsg(handle_) + " (" +
                              std::string(what.substr(0, 200)) + ")"};
  }

  base::Result<sqlite3_stmt*> Prepared(std::string_view sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second;
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return Error(sql, code);
    statements_.emplace(std::string(sql), statement);
    return statement;
  }

  base::Status Bind(sqlite3_stmt* statement, const Values& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string name = "$" + std::to_string(i + 1);
      const int at = sqlite3_bind_parameter_index(statement, name.c_str());
      if (at == 0) continue;  // a value that the statement does not use
      int code = SQLITE_OK;
      if (const auto* n = std::get_if<std::int64_t>(&values[i])) {
        code = sqlite3_bind_int64(statement, at, *n);
      } else if (const auto* real = std::get_if<double>(&values[i])) {
        code = sqlite3_bind_double(statement, at, *real);
      } else if (const auto* text = std::get_if<std::string>(&values[i])) {
        code = sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC,
                                   SQLITE_UTF8);
      } else if (const auto* blob = std::get_if<Bytes>(&values[i])) {
        code = sqlite3_bind_blob64(statement, at, blob->bytes.data(), blob->bytes.size(),
                                   SQLITE_STATIC);
      }
      if (code != SQLITE_OK) return Error("bind", code);
    }
    return base::Ok();
  }

  void Take(sqlite3_stmt* statement) {
    row_.resize(static_cast<std::size_t>(sqlite3_column_count(statement)));
    for (int i = 0; i < static_cast<int>(row_.size()); ++i) {
      Value& value = row_[static_cast<std::size_t>(i)];
      const auto bytes = [&](const void* data) {
        return data == nullptr
                   ? std::string()
                   : std::string(static_cast<const char*>(data),
                                 static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
      };
      switch (sqlite3_column_type(statement, i)) {
        case SQLITE_INTEGER:
          value = static_cast<std::int64_t>(sqlite3_column_int64(statement, i));
          break;
        case SQLITE_FLOAT: value = sqlite3_column_double(statement, i); break;
        case SQLITE_TEXT: value = bytes(sqlite3_column_text(statement, i)); break;
        case SQLITE_BLOB: value = Bytes{bytes(sqlite3_column_blob(statement, i))}; break;
        default: value = std::monostate();
      }
    }
  }

  sqlite3* handle_;
  const std::string path_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
  std::vector<Value> row_;
};

class Sqlite : public Database {
 public:
  explicit Sqlite(std::string path)
      : path_(std::move(path)),
        writer_(1, [this] { return Connection::Open(path_); }),
        readers_(kReaders, [this] { return Connection::Open(path_); }) {}

  base::Status Write(const Body& body) override {
    return writer_.With(
        [&](Connection& connection) { return connection.InTransaction("BEGIN IMMEDIATE", body); });
  }
  base::Status Read(const Body& body) override {
    return readers_.With(
        [&](Connection& connection) { return connection.InTransaction("BEGIN", body); });
  }
  [[nodiscard]] Engine engine() const override { return Engine::kSqlite; }
  base::Result<std::int64_t> SizeBytes() override {
    std::int64_t size = 0;
    RETURN_IF_ERROR(Read([&](Transaction& transaction) -> base::Status {
      ASSIGN_OR_RETURN(const auto pages, transaction.QueryInt("PRAGMA page_count"));
      ASSIGN_OR_RETURN(const auto page, transaction.QueryInt("PRAGMA page_size"));
      size = pages.value_or(0) * page.value_or(0);
      return base::Ok();
    }));
    return size;
  }

 private:
  const std::string path_;
  Pool<Connection> writer_;
  Pool<Connection> readers_;
};

}  // namespace

base::Result<std::unique_ptr<Database>> OpenSqlite(const std::string& path) {
  if (path.empty()) return base::InvalidArgument("sqlite: needs a path");
  // Says now what is wrong with the file, not at the first question.
  auto database = std::make_unique<Sqlite>(path);
  RETURN_IF_ERROR(database->Write([](Transaction& transaction) {
    return transaction.QueryInt("SELECT count(*) FROM sqlite_master").status();
  }));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace ronda::store
