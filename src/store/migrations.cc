#include "store/migrations.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "model/load.h"
#include "store/schema_texts.h"

namespace ronda::store {
namespace {

// Statements of a migration for this engine, without comments.
std::vector<std::string> StatementsOf(std::string_view sql, Engine engine) {
  std::vector<std::string> statements;
  std::string current;
  while (!sql.empty()) {
    const std::size_t end = sql.find('\n');
    std::string_view line = sql.substr(0, end);
    sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
    line = line.substr(0, line.find("--"));
    (current += line) += '\n';
    if (line.find(';') == std::string_view::npos) continue;
    constexpr std::string_view kBytes = "{bytes}";
    for (std::size_t at; (at = current.find(kBytes)) != std::string::npos;) {
      current.replace(at, kBytes.size(), engine == Engine::kSqlite ? "BLOB" : "BYTEA");
    }
    current.erase(current.find(';'));
    statements.push_back(std::move(current));
    current.clear();
  }
  return statements;
}

base::Status MakeVersionTable(Database& database) {
  return database.Write([](Transaction& transaction) {
    return transaction.Run(
        "CREATE TABLE IF NOT EXISTS schema_versions (number BIGINT PRIMARY KEY, name TEXT NOT "
        "NULL, "
        "digest TEXT NOT NULL, applied_ns BIGINT NOT NULL)");
  });
}

// The digest under which `number` was made; nothing when it was not.
base::Result<std::optional<std::string>> DigestOf(Transaction& transaction, int number) {
  std::optional<std::string> digest;
  RETURN_IF_ERROR(transaction.Query("SELECT digest FROM schema_versions WHERE number = $1",
                                    {std::int64_t{number}},
                                    [&](const Row& row) { digest = row.Text(0); }));
  return digest;
}

base::Status Apply(Transaction& transaction, const Migration& migration, Engine engine,
                   std::uint64_t now_ns) {
  const std::string digest = model::DigestOfText(migration.sql);
  // One server at a time, whatever the isolation says of tables that are only being made.
  if (engine == Engine::kPostgres) {
    RETURN_IF_ERROR(
        transaction.Query("SELECT pg_advisory_xact_lock(7206563)", {}, [](const Row&) {}));
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> done, DigestOf(transaction, migration.number));
  if (done == digest) return base::Ok();
  if (done) {
    return base::FailedPrecondition(fmt::format(
        "the database's schema step {} ({}) is not the one of this version of ronda: it "
        "was made by another build; restore a backup that this version made",
        migration.number, migration.name));
  }
  for (const std::string& statement : StatementsOf(migration.sql, engine)) {
    RETURN_IF_ERROR(transaction.Run(statement));
  }
  return transaction.Run("INSERT INTO schema_versions VALUES ($1, $2, $3, $4)",
                         {std::int64_t{migration.number}, std::string(migration.name), digest,
                          static_cast<std::int64_t>(now_ns)});
}

}  // namespace

const std::vector<Migration>& Migrations() {
  static const std::vector<Migration> kMigrations = {
      {1, "control", kSchemaControl},
      {2, "accounts", kSchemaAccounts},
  };
  return kMigrations;
}

base::Result<int> SchemaVersion(Database& database) {
  RETURN_IF_ERROR(MakeVersionTable(database));
  std::optional<std::int64_t> number;
  RETURN_IF_ERROR(database.Read([&](Transaction& transaction) -> base::Status {
    ASSIGN_OR_RETURN(number, transaction.QueryInt("SELECT max(number) FROM schema_versions"));
    return base::Ok();
  }));
  return static_cast<int>(number.value_or(0));
}

base::Status Migrate(Database& database, std::uint64_t now_ns, int up_to) {
  ASSIGN_OR_RETURN(const int version, SchemaVersion(database));
  const int newest = Migrations().back().number;
  if (version > newest) {
    return base::FailedPrecondition(
        fmt::format("the database's schema is {}, newer than this version of ronda knows ({}): use "
                    "the newer ronda, or restore a backup from before it",
                    version, newest));
  }
  for (const Migration& migration : Migrations()) {
    if (up_to != 0 && migration.number > up_to) break;
    RETURN_IF_ERROR(database.Write([&](Transaction& transaction) {
      return Apply(transaction, migration, database.engine(), now_ns);
    }));
  }
  return base::Ok();
}

}  // namespace ronda::store
