#include "store/postgres.h"

#include <libpq-fe.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <thread>
#include <utility>

#include "store/pool.h"

namespace ronda::store {
namespace {

constexpr std::size_t kConnections = 8;
constexpr int kAttempts = 50;  // of a transaction that others were in the way of

// Type numbers of PostgreSQL's catalogue (pg_type.dat).
constexpr Oid kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700,
              kFloat8 = 701, kNumeric = 1700;

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

std::string Trimmed(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

// serialization_failure, deadlock_detected
bool IsConflict(std::string_view state) { return state == "40001" || state == "40P01"; }

base::Code CodeOf(std::string_view state) {
  if (IsConflict(state)) return base::Code::kAborted;
  if (state.starts_with("23")) return base::Code::kAlreadyExists;  // a constraint
  if (state.starts_with("53")) return base::Code::kResourceExhausted;  // disk full, memory
  if (state.starts_with("57") || state.starts_with("08")) return base::Code::kUnavailable;
  if (state.starts_with("28")) return base::Code::kPermissionDenied;
  if (state.starts_with("22")) return base::Code::kInvalidArgument;
  return base::Code::kInternal;
}

class Connection : public Transaction {
 public:
  explicit Connection(PGconn* handle) : handle_(handle) {}
  ~Connection() override { PQfinish(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static base::Result<std::unique_ptr<Connection>> Open(const std::string& url) {
    // What is not in the URL: a server that is away is noticed within seconds.
    const char* keys[] = {"dbname",
                          "connect_timeout",
                          "keepalives_idle",
                          "keepalives_interval",
                          "keepalives_count",
                          "tcp_user_timeout",
                          "application_name",
                          "client_encoding",
                          nullptr};
    const char* values[] = {url.c_str(), "3", "5", "2", "3", "6000", "ronda", "UTF8", nullptr};
    auto connection = std::make_unique<Connection>(PQconnectdbParams(keys, values, 1));
    if (PQstatus(connection->handle_) != CONNECTION_OK) {
      return base::Unavailable("database: " + Trimmed(PQerrorMessage(connection->handle_)));
    }
    PQsetNoticeProcessor(connection->handle_, [](void*, const char*) {}, nullptr);
    return connection;
  }

  [[nodiscard]] bool broken() const { return PQstatus(handle_) != CONNECTION_OK; }
  // The last transaction failed because others were in its way.
  [[nodiscard]] bool conflict() const { return conflict_; }

  base::Result<std::int64_t> Execute(std::string_view sql, const Values& values) override {
    ASSIGN_OR_RETURN(const ResultPtr result, Send(sql, values));
    const std::string_view count = PQcmdTuples(result.get());
    std::int64_t rows = 0;
    std::from_chars(count.data(), count.data() + count.size(), rows);
    return rows;
  }

  base::Status Query(std::string_view sql, const Values& values, const EachRow& each) override {
    ASSIGN_OR_RETURN(const ResultPtr result, Send(sql, values));
    const int columns = PQnfields(result.get());
    row_.resize(static_cast<std::size_t>(columns));
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      for (int column = 0; column < columns; ++column) {
        row_[static_cast<std::size_t>(column)] = ValueAt(result.get(), row, column);
      }
      each(Row(row_));
    }
    return base::Ok();
  }

  base::Status InTransaction(const char* begin, const Database::Body& body) {
    conflict_ = false;
    RETURN_IF_ERROR(Plain(begin));
    base::Status status = body(*this);
    if (status.ok()) {
      status = Plain("COMMIT");
      if (!status.ok() && broken()) {
        return base::Unavailable(
            "database: the connection broke at the commit: whether it was made "
            "is unknown (" +
            status.message() + ")");
      }
    }
    if (!status.ok() && !broken() && PQtransactionStatus(handle_) != PQTRANS_IDLE) {
      const base::Status undone = Plain("ROLLBACK");
      if (!undone.ok()) return undone;
    }
    return status;
  }

  base::Status Plain(const char* sql) {
    const ResultPtr result(PQexec(handle_, sql));
    return StatusOf(result.get(), sql);
  }

 private:
  base::Status StatusOf(const PGresult* result, std::string_view sql) {
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return base::Ok();
    const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state != nullptr && IsConflict(state)) conflict_ = true;
    const base::Code code = broken()           ? base::Code::kUnavailable
                            : state == nullptr ? base::Code::kInternal
                                               : CodeOf(state);
    return {code, "database: " + Trimmed(PQerrorMessage(handle_)) + " (" +
                      std::string(sql.substr(0, 200)) + ")"};
  }

  // The name under which the statement is prepared on this connection.
  base::Result<std::string> Prepared(std::string_view sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second;
    std::string name = "s" + std::to_string(statements_.size());
    const std::string text(sql);
    const ResultPtr result(PQprepare(handle_, name.c_str(), text.c_str(), 0, nullptr));
    RETURN_IF_ERROR(StatusOf(result.get(), sql));
    statements_.emplace(text, name);
    return name;
  }

  base::Result<ResultPtr> Send(std::string_view sql, const Values& values) {
    ASSIGN_OR_RETURN(const std::string name, Prepared(sql));
    std::vector<std::string> texts(values.size());
    std::vector<const char*> pointers(values.size(), nullptr);
    std::vector<int> lengths(values.size(), 0), formats(values.size(), 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Value& value = values[i];
      if (std::holds_alternative<std::monostate>(value)) continue;
      if (const auto* n = std::get_if<std::int64_t>(&value)) texts[i] = std::to_string(*n);
      if (const auto* text = std::get_if<std::string>(&value)) texts[i] = *text;
      if (const auto* real = std::get_if<double>(&value)) {
        char buffer[32];
        const auto end = std::to_chars(buffer, buffer + sizeof buffer, *real);
        texts[i].assign(buffer, end.ptr);
      }
      pointers[i] = texts[i].c_str();
      if (const auto* blob = std::get_if<Bytes>(&value)) {
        pointers[i] = blob->bytes.data();
        lengths[i] = static_cast<int>(blob->bytes.size());
        formats[i] = 1;
      }
    }
    ResultPtr result(PQexecPrepared(handle_, name.c_str(), static_cast<int>(values.size()),
                                    pointers.data(), lengths.data(), formats.data(), 0));
    RETURN_IF_ERROR(StatusOf(result.get(), sql));
    return result;
  }

  static Value ValueAt(const PGresult* result, int row, int column) {
    if (PQgetisnull(result, row, column) == 1) return std::monostate();
    const char* text = PQgetvalue(result, row, column);
    const int length = PQgetlength(result, row, column);
    switch (PQftype(result, column)) {
      case kBool: return static_cast<std::int64_t>(text[0] == 't');
      case kInt8:
      case kInt4:
      case kInt2: {
        std::int64_t n = 0;
        std::from_chars(text, text + length, n);
        return n;
      }
      case kFloat4:
      case kFloat8: return std::strtod(text, nullptr);
      case kNumeric: {  // what sum() of integers gives
        std::int64_t n = 0;
        const auto end = std::from_chars(text, text + length, n);
        if (end.ptr == text + length) return n;
        return std::strtod(text, nullptr);
      }
      case kBytea: {
        std::size_t size = 0;
        unsigned char* bytes = PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size);
        Bytes value{std::string(reinterpret_cast<const char*>(bytes), size)};
        PQfreemem(bytes);
        return value;
      }
      default: return std::string(text, static_cast<std::size_t>(length));
    }
  }

  PGconn* handle_;
  bool conflict_ = false;
  std::map<std::string, std::string, std::less<>> statements_;
  std::vector<Value> row_;
};

class Postgres : public Database {
 public:
  explicit Postgres(std::string url)
      : url_(std::move(url)), pool_(kConnections, [this] { return Connection::Open(url_); }) {}

  base::Status Write(const Body& body) override {
    return Repeated("BEGIN ISOLATION LEVEL SERIALIZABLE", body);
  }
  base::Status Read(const Body& body) override {
    return Repeated("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", body);
  }
  [[nodiscard]] Engine engine() const override { return Engine::kPostgres; }
  base::Result<std::int64_t> SizeBytes() override {
    std::int64_t size = 0;
    RETURN_IF_ERROR(Read([&](Transaction& transaction) -> base::Status {
      ASSIGN_OR_RETURN(const auto bytes,
                       transaction.QueryInt("SELECT pg_database_size(current_database())"));
      size = bytes.value_or(0);
      return base::Ok();
    }));
    return size;
  }

 private:
  base::Status Repeated(const char* begin, const Body& body) {
    base::Status status;
    bool stale = false;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      bool began = false, conflict = false;
      status = pool_.With([&](Connection& connection) {
        const base::Status done = connection.InTransaction(begin, [&](Transaction& transaction) {
          began = true;
          return body(transaction);
        });
        conflict = connection.conflict();
        return done;
      });
      if (status.ok()) return status;
      // A kept connection of a server that was restarted fails at BEGIN: nothing was done.
      if (!began && !stale && status.code() == base::Code::kUnavailable) {
        stale = true;
        continue;
      }
      if (!conflict) return status;
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + attempt));
    }
    return base::Unavailable("a transaction was in others' way too often: " + status.message());
  }

  const std::string url_;
  Pool<Connection> pool_;
};

}  // namespace

base::Result<std::unique_ptr<Database>> OpenPostgres(const std::string& url) {
  auto database = std::make_unique<Postgres>(url);
  RETURN_IF_ERROR(database->Read(
      [](Transaction& transaction) { return transaction.QueryInt("SELECT 1").status(); }));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace ronda::store
