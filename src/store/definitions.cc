#include "store/definitions.h"

namespace ronda::store {
namespace {

constexpr char kHead[] =
    "SELECT d.kind, d.name, d.version, v.digest, d.draft_text, d.draft_digest, d.managed_by, "
    "d.rev, "
    "d.deleted, d.updated_ns, d.updated_by FROM definitions d LEFT JOIN definition_versions v ON "
    "v.kind = d.kind AND v.name = d.name AND v.version = d.version ";

DefinitionHead HeadOf(const Row& row) {
  DefinitionHead head{.kind = row.Text(0),
                      .name = row.Text(1),
                      .version = row.Int(2),
                      .digest = row.Text(3),
                      .draft_text = {},
                      .draft_digest = row.Text(5),
                      .managed_by = row.Text(6),
                      .rev = row.Int(7),
                      .deleted = row.Int(8) != 0,
                      .updated_ns = row.Int(9),
                      .updated_by = row.Text(10)};
  if (!row.IsNull(4)) head.draft_text = row.Text(4);
  return head;
}

}  // namespace

base::Result<std::int64_t> NextOf(Transaction& t, std::string_view counter) {
  const Transaction::Values name = {std::string(counter)};
  RETURN_IF_ERROR(t.Run(
      "INSERT INTO counters (name, value) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET value = "
      "counters.value + 1",
      name));
  ASSIGN_OR_RETURN(const auto value,
                   t.QueryInt("SELECT value FROM counters WHERE name = $1", name));
  return value.value_or(0);
}

base::Result<std::optional<DefinitionHead>> FindDefinition(Transaction& t, std::string_view kind,
                                                           std::string_view name) {
  std::optional<DefinitionHead> found;
  static const std::string kSql = std::string(kHead) + "WHERE d.kind = $1 AND d.name = $2";
  RETURN_IF_ERROR(t.Query(kSql, {std::string(kind), std::string(name)},
                          [&](const Row& row) { found = HeadOf(row); }));
  return found;
}

base::Result<std::vector<DefinitionHead>> ListDefinitions(Transaction& t,
                                                          const DefinitionFilter& filter) {
  std::vector<DefinitionHead> found;
  const auto take = [&](const Row& row) { found.push_back(HeadOf(row)); };
  if (filter.after_rev > 0) {
    static const std::string kSql =
        std::string(kHead) +
        "WHERE d.rev > $1 AND ($2 = '' OR d.kind = $2) ORDER BY d.rev LIMIT $3";
    RETURN_IF_ERROR(t.Query(kSql, {filter.after_rev, filter.kind, filter.limit}, take));
    return found;
  }
  static const std::string kSql =
      std::string(kHead) +
      "WHERE d.deleted = 0 AND ($1 = '' OR d.kind = $1) AND ($2 = '' OR d.name LIKE $3 ESCAPE '!') "
      "AND (d.kind > $4 OR (d.kind = $4 AND d.name > $5)) ORDER BY d.kind, d.name LIMIT $6";
  std::string pattern = "%";
  for (const char c : filter.name_part) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  pattern += '%';
  RETURN_IF_ERROR(t.Query(
      kSql,
      {filter.kind, filter.name_part, pattern, filter.after_kind, filter.after_name, filter.limit},
      take));
  return found;
}

base::Result<std::int64_t> PutDefinition(Transaction& t, const DefinitionHead& head) {
  ASSIGN_OR_RETURN(const std::int64_t rev, NextOf(t, "definitions"));
  RETURN_IF_ERROR(t.Run(
      "INSERT INTO definitions (kind, name, version, draft_text, draft_digest, managed_by, rev, "
      "deleted, updated_ns, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON "
      "CONFLICT "
      "(kind, name) DO UPDATE SET version = excluded.version, draft_text = excluded.draft_text, "
      "draft_digest = excluded.draft_digest, managed_by = excluded.managed_by, rev = excluded.rev, "
      "deleted = excluded.deleted, updated_ns = excluded.updated_ns, updated_by = "
      "excluded.updated_by",
      {head.kind, head.name, head.version,
       head.draft_text ? Value(*head.draft_text) : Value(std::monostate()), head.draft_digest,
       head.managed_by, rev, std::int64_t{head.deleted}, head.updated_ns, head.updated_by}));
  return rev;
}

base::Status InsertVersion(Transaction& t, const DefinitionVersion& version) {
  return t.Run(
      "INSERT INTO definition_versions (kind, name, version, digest, text, source, note, author, "
      "created_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      {version.kind, version.name, version.version, version.digest, version.text, version.source,
       version.note, version.author, version.created_ns});
}

base::Result<std::optional<DefinitionVersion>> FindVersion(Transaction& t, std::string_view kind,
                                                           std::string_view name,
                                                           std::int64_t version) {
  std::optional<DefinitionVersion> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT digest, text, source, note, author, created_ns FROM definition_versions WHERE kind = "
      "$1 AND name = $2 AND version = $3",
      {std::string(kind), std::string(name), version}, [&](const Row& row) {
        found = {.kind = std::string(kind),
                 .name = std::string(name),
                 .version = version,
                 .digest = row.Text(0),
                 .text = row.Text(1),
                 .source = row.Text(2),
                 .note = row.Text(3),
                 .author = row.Text(4),
                 .created_ns = row.Int(5)};
      }));
  return found;
}

base::Result<std::vector<DefinitionVersion>> ListVersions(Transaction& t, std::string_view kind,
                                                          std::string_view name) {
  std::vector<DefinitionVersion> found;
  RETURN_IF_ERROR(
      t.Query("SELECT version, digest, source, note, author, created_ns FROM definition_versions "
              "WHERE kind "
              "= $1 AND name = $2 ORDER BY version DESC",
              {std::string(kind), std::string(name)}, [&](const Row& row) {
                found.push_back({.kind = std::string(kind),
                                 .name = std::string(name),
                                 .version = row.Int(0),
                                 .digest = row.Text(1),
                                 .text = {},
                                 .source = row.Text(2),
                                 .note = row.Text(3),
                                 .author = row.Text(4),
                                 .created_ns = row.Int(5)});
              }));
  return found;
}

base::Status PutRefs(Transaction& t, std::string_view kind, std::string_view name,
                     const std::vector<DefinitionRef>& refs) {
  const Value of_kind = std::string(kind), of_name = std::string(name);
  RETURN_IF_ERROR(
      t.Run("DELETE FROM definition_refs WHERE kind = $1 AND name = $2", {of_kind, of_name}));
  for (const DefinitionRef& ref : refs) {
    RETURN_IF_ERROR(t.Run(
        "INSERT INTO definition_refs (kind, name, ref_kind, ref_name, ref_version) VALUES ($1, "
        "$2, $3, $4, $5) ON CONFLICT DO NOTHING",
        {of_kind, of_name, ref.kind, ref.name, ref.version}));
  }
  return base::Ok();
}

base::Result<std::vector<DefinitionRef>> ReferrersOf(Transaction& t, std::string_view kind,
                                                     std::string_view name) {
  std::vector<DefinitionRef> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT r.kind, r.name, r.ref_version FROM definition_refs r JOIN definitions d ON d.kind = "
      "r.kind AND d.name = r.name WHERE d.deleted = 0 AND r.ref_kind = $1 AND r.ref_name = $2 "
      "ORDER "
      "BY r.kind, r.name",
      {std::string(kind), std::string(name)},
      [&](const Row& row) { found.push_back({row.Text(0), row.Text(1), row.Int(2)}); }));
  return found;
}

base::Status PutSnapshot(Transaction& t, const std::string& digest, const std::string& content,
                         std::int64_t now_ns) {
  return t.Run(
      "INSERT INTO snapshots (digest, content, created_ns) VALUES ($1, $2, $3) ON CONFLICT DO "
      "NOTHING",
      {digest, content, now_ns});
}

base::Result<std::optional<std::string>> FindSnapshot(Transaction& t, const std::string& digest) {
  std::optional<std::string> found;
  RETURN_IF_ERROR(t.Query("SELECT content FROM snapshots WHERE digest = $1", {digest},
                          [&](const Row& row) { found = row.Text(0); }));
  return found;
}

}  // namespace ronda::store
