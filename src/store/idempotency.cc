#include "store/idempotency.h"

namespace ronda::store {

base::Result<std::optional<StoredAnswer>> BeginOnce(Transaction& t, std::string_view user,
                                                    std::string_view key, std::string_view request,
                                                    std::int64_t now_ns) {
  std::optional<StoredAnswer> found;
  ASSIGN_OR_RETURN(
      const std::int64_t made,
      t.Execute("INSERT INTO idempotency (user_name, idem_key, request, status, headers, body, "
                "created_ns) VALUES ($1, $2, $3, 0, '', '', $4) ON CONFLICT DO NOTHING",
                {std::string(user), std::string(key), std::string(request), now_ns}));
  if (made == 1) return found;
  RETURN_IF_ERROR(t.Query(
      "SELECT request, status, headers, body FROM idempotency WHERE user_name = $1 AND idem_key = "
      "$2",
      {std::string(user), std::string(key)}, [&](const Row& row) {
        found = StoredAnswer{row.Text(0), row.Int(1), row.Text(2), row.Text(3)};
      }));
  return found;
}

base::Status FinishOnce(Transaction& t, std::string_view user, std::string_view key,
                        const StoredAnswer& answer) {
  return t.Run(
      "UPDATE idempotency SET status = $1, headers = $2, body = $3 WHERE user_name = $4 AND "
      "idem_key = $5",
      {answer.status, answer.headers, answer.body, std::string(user), std::string(key)});
}

base::Status ForgetOnce(Transaction& t, std::string_view user, std::string_view key) {
  return t.Run("DELETE FROM idempotency WHERE user_name = $1 AND idem_key = $2",
               {std::string(user), std::string(key)});
}

base::Status DeleteAnswers(Transaction& t, std::int64_t before_ns) {
  return t.Run("DELETE FROM idempotency WHERE created_ns < $1", {before_ns});
}

}  // namespace ronda::store
