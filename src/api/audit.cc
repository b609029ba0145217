#include "api/audit.h"

#include "api/paging.h"
#include "api/secrets.h"
#include "api/time_text.h"
#include "base/json_writer.h"
#include "base/text.h"

namespace ronda::api {
namespace {

constexpr std::size_t kLongestReason = 500;

Schema EntrySchema() {
  return schema::Named(
      "AuditEntry", schema::Object({{"id", schema::Integer()},
                                    {"at", schema::Time()},
                                    {"who", schema::Text("The user, or \"ronda\"")},
                                    {"credential", schema::Text("The id of the session or token")},
                                    {"peer", schema::Text("The address that it came from")},
                                    {"action", schema::Text("Such as user.create")},
                                    {"object", schema::Text("Such as user/ann")},
                                    {"before_digest", schema::Text("Empty: there was nothing")},
                                    {"after_digest", schema::Text("Empty: nothing is left")},
                                    {"detail", schema::Text()},
                                    {"reason", schema::Text("X-Reason of the request")},
                                    {"request_id", schema::Text()}}));
}

// UTF-8 without NUL, as the store takes it.
std::string CleanText(std::string_view text) {
  std::string clean;
  base::ForEachCharacter(text, [&](base::Character c, std::string_view bytes) {
    if (c.code != 0) clean += c.good ? bytes : base::kReplacement;
  });
  return clean;
}

void PutEntry(const store::AuditRow& row, base::JsonWriter& json) {
  json.Object().Field("id", row.id).Field("at", TimeText(row.at_ns)).Field("who", row.who);
  json.Field("credential", row.credential).Field("peer", row.peer).Field("action", row.action);
  json.Field("object", row.object).Field("before_digest", row.before_digest);
  json.Field("after_digest", row.after_digest).Field("detail", row.detail);
  json.Field("reason", row.reason).Field("request_id", row.request_id).EndObject();
}

}  // namespace

store::AuditRow AuditOf(const Call& call, const base::Clock& clock, std::string_view action,
                        std::string object, const Change& change) {
  return {.at_ns = static_cast<std::int64_t>(clock.WallNs()),
          .who = call.who.user,
          .credential = call.who.credential,
          .peer = call.request.peer,
          .action = std::string(action),
          .object = std::move(object),
          .before_digest = change.before.empty() ? "" : DigestOf(change.before),
          .after_digest = change.after.empty() ? "" : DigestOf(change.after),
          .detail = change.detail,
          .reason = CleanText(call.request.Header("x-reason").substr(0, kLongestReason)),
          .request_id = call.request.id};
}

void AuditRoutes::AddTo(Router& router) {
  router.Add(
      {.pattern = "/api/v1/audit",
       .summary = "Who changed what, newest first",
       .parameters = WithPaging(
           {{"who", "Only what this user did"},
            {"object", "Only of this object, such as user/ann; user/ is all that begin so"}}),
       .name = "listAudit",
       .access = {Role::kAdmin, Area::kAudit},
       .answers = {{.schema = PageSchema("AuditPage", "entries", EntrySchema())}},
       .answer = [this](const Call& call) { return List(call); }});
}

base::Result<http::Response> AuditRoutes::List(const Call& call) {
  ASSIGN_OR_RETURN(const Page page, PageOf(call));
  store::AuditFilter filter{.who = call.Query("who").value_or(""),
                            .object = call.Query("object").value_or(""),
                            .limit = page.limit + 1};
  if (!page.after.empty()) {
    ASSIGN_OR_RETURN(filter.before_id, page.AfterNumber());
  }
  std::vector<store::AuditRow> rows;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(rows, ListAudit(t, filter));
    return base::Ok();
  }));
  return PageResponse("entries", page, rows, PutEntry,
                      [](const store::AuditRow& row) { return std::to_string(row.id); });
}

}  // namespace ronda::api
