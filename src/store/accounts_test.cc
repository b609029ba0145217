#include "store/accounts.h"

#include <gtest/gtest.h>

#include "store/audit.h"
#include "store/idempotency.h"
#include "store/store_test_util.h"

namespace ronda::store {
namespace {

class AccountsTest : public testing::TestWithParam<Engine> {
 protected:
  AccountsTest() : database_(GetParam()) { EXPECT_TRUE(Migrate(*database_, 1).ok()); }

  // The body is ok.
  void Write(const Database::Body& body) {
    const base::Status written = database_->Write(body);
    ASSERT_TRUE(written.ok()) << written.ToString();
  }
  TestDatabase database_;
};

TEST_P(AccountsTest, AUserChangesOnlyFromTheRevThatIsKnown) {
  Write([](Transaction& t) -> base::Status {
    RETURN_IF_ERROR(InsertUser(t, {.name = "ann", .role = "admin", .password = "h"}));
    EXPECT_EQ(InsertUser(t, {.name = "ann", .role = "viewer"}).code(), base::Code::kAlreadyExists);
    RETURN_IF_ERROR(InsertUser(t, {.name = "bob", .role = "admin", .disabled = true}));
    ASSIGN_OR_RETURN(const auto admins, CountAdmins(t));
    EXPECT_EQ(admins, 1);
    ASSIGN_OR_RETURN(auto ann, FindUser(t, "ann"));
    EXPECT_EQ(ann->password, "h");
    ann->role = "viewer";
    ASSIGN_OR_RETURN(const auto rev, UpdateUser(t, *ann));
    EXPECT_GT(rev, ann->rev);
    EXPECT_EQ(UpdateUser(t, *ann).status().code(), base::Code::kFailedPrecondition);
    EXPECT_EQ(DeleteUser(t, "ann", ann->rev).code(), base::Code::kFailedPrecondition);
    ASSIGN_OR_RETURN(const auto page, ListUsers(t, "ann", 10));
    EXPECT_EQ(page.size(), 1u);
    EXPECT_EQ(page.at(0).name, "bob");
    return base::Ok();
  });
}

TEST_P(AccountsTest, AUsersSessionsAndTokensGoWithHim) {
  Write([](Transaction& t) -> base::Status {
    RETURN_IF_ERROR(InsertUser(t, {.name = "ann", .role = "admin"}));
    RETURN_IF_ERROR(
        InsertSession(t, {.digest = "sd", .id = "s", .user = "ann", .expires_ns = 100}));
    RETURN_IF_ERROR(InsertSession(t, {.digest = "old", .id = "o", .user = "x", .expires_ns = 50}));
    RETURN_IF_ERROR(InsertToken(t, {.id = "t", .digest = "td", .name = "ci", .user = "ann"}));
    RETURN_IF_ERROR(TouchToken(t, "t", 7));
    RETURN_IF_ERROR(RevokeToken(t, "t", 9));
    RETURN_IF_ERROR(RevokeToken(t, "t", 10));
    ASSIGN_OR_RETURN(const auto token, FindTokenByDigest(t, "td"));
    EXPECT_EQ(token->last_used_ns, 7);
    EXPECT_EQ(token->revoked_ns, 9) << "the first time counts";
    RETURN_IF_ERROR(DeleteExpiredSessions(t, 50));
    ASSIGN_OR_RETURN(const auto old, FindSession(t, "old"));
    EXPECT_FALSE(old);
    ASSIGN_OR_RETURN(const auto ann, FindUser(t, "ann"));
    RETURN_IF_ERROR(DeleteUser(t, "ann", ann->rev));
    ASSIGN_OR_RETURN(const auto session, FindSession(t, "sd"));
    EXPECT_FALSE(session);
    ASSIGN_OR_RETURN(const auto tokens, ListTokens(t, "", "", 10));
    EXPECT_TRUE(tokens.empty());
    return base::Ok();
  });
}

TEST_P(AccountsTest, TheAuditIsReadNewestFirstByPage) {
  Write([](Transaction& t) -> base::Status {
    for (const char* object : {"user/ann", "run/1", "user/bob"}) {
      RETURN_IF_ERROR(AppendAudit(t, {.who = "root", .action = "a", .object = object}));
    }
    ASSIGN_OR_RETURN(const auto users, ListAudit(t, {.object = "user/", .limit = 1}));
    EXPECT_EQ(users.size(), 1u);
    EXPECT_EQ(users.at(0).object, "user/bob");
    ASSIGN_OR_RETURN(const auto older,
                     ListAudit(t, {.object = "user/", .before_id = users.at(0).id}));
    EXPECT_EQ(older.size(), 1u);
    EXPECT_EQ(older.at(0).object, "user/ann");
    ASSIGN_OR_RETURN(const auto others, ListAudit(t, {.who = "ann"}));
    EXPECT_TRUE(others.empty());
    return base::Ok();
  });
}

TEST_P(AccountsTest, AnAnswerIsKeptByItsKeyUntilItIsOld) {
  Write([](Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(const auto first, BeginOnce(t, "ann", "k", "r", 1));
    EXPECT_FALSE(first);
    ASSIGN_OR_RETURN(const auto during, BeginOnce(t, "ann", "k", "r", 2));
    EXPECT_EQ(during->status, 0);
    RETURN_IF_ERROR(FinishOnce(t, "ann", "k", {.status = 201, .body = "{}"}));
    ASSIGN_OR_RETURN(const auto after, BeginOnce(t, "ann", "k", "r", 3));
    EXPECT_EQ(after->status, 201);
    EXPECT_EQ(after->body, "{}");
    RETURN_IF_ERROR(DeleteAnswers(t, 2));
    ASSIGN_OR_RETURN(const auto anew, BeginOnce(t, "ann", "k", "r", 4));
    EXPECT_FALSE(anew);
    RETURN_IF_ERROR(ForgetOnce(t, "ann", "k"));
    ASSIGN_OR_RETURN(const auto again, BeginOnce(t, "ann", "k", "r", 5));
    EXPECT_FALSE(again);
    return base::Ok();
  });
}

INSTANTIATE_TEST_SUITE_P(Engines, AccountsTest, testing::ValuesIn(TestEngines()), EngineName);

}  // namespace
}  // namespace ronda::store
