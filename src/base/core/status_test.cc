#include "base/core/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace ronda::base {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  return Half(half);
}

TEST(StatusTest, TheFirstErrorIsReturnedUnchanged) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status(), InvalidArgument("odd"));
}

TEST(StatusTest, AResultHoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> r = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = *std::move(r);
  EXPECT_EQ(*taken, 3);
}

TEST(StatusTest, ErrnoKeepsWhatWasTriedAndTheKind) {
  const Status s = FromErrno("open feed.csv", ENOENT);
  EXPECT_EQ(s.code(), Code::kNotFound);
  EXPECT_EQ(s.message(), "open feed.csv: No such file or directory");
}

TEST(StatusTest, HttpAndExitCodesDeriveFromTheCode) {
  EXPECT_EQ(HttpStatusOf(Code::kNotFound), 404);
  EXPECT_EQ(ExitCodeOf(Code::kOk), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(Code::kInvalidArgument), ExitCode::kBadConfig);
  EXPECT_EQ(ExitCodeOf(Code::kUnavailable), ExitCode::kUnreachable);
}

}  // namespace
}  // namespace ronda::base
