#include "net/codec/multipart.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ronda::net {
namespace {

std::string ReadAll(BodySource& body, std::size_t step = 1000) {
  std::string all, buffer(step, '\0');
  for (;;) {
    const auto n = body.Read(buffer);
    if (!n.ok()) return n.status().ToString();
    if (*n == 0) return all;
    all.append(buffer, 0, *n);
  }
}

class TextSource : public BodySource {
 public:
  TextSource(std::string text, bool known) : text_(std::move(text)), known_(known) {}
  std::optional<std::uint64_t> size() const override {
    return known_ ? std::optional<std::uint64_t>(text_.size()) : std::nullopt;
  }
  base::Result<std::size_t> Read(std::span<char> into) override {
    const std::size_t n = std::min<std::size_t>({into.size(), text_.size() - at_, 3});
    std::copy_n(text_.data() + at_, n, into.data());
    at_ += n;
    return n;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
  bool known_;
};

constexpr std::string_view kBody =
    "--AaB03x\r\nContent-Disposition: form-data; name=\"submit-name\"\r\n\r\nLarry\r\n"
    "--AaB03x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"file1.txt\"\r\n"
    "Content-Type: text/plain\r\n\r\n... contents of file1.txt ...\r\n"
    "--AaB03x--\r\n";

TEST(MultipartTest, WritesFieldsAndFilesInAnyPieces) {
  for (const std::size_t step : {1u, 2u, 7u, 50u, 10'000u}) {
    MultipartBody body("AaB03x");
    body.AddField("submit-name", "Larry");
    body.AddFile("files", {.filename = "file1.txt", .content_type = "text/plain"},
                 "... contents of file1.txt ...");
    EXPECT_EQ(body.size(), kBody.size());
    EXPECT_EQ(ReadAll(body, step), kBody);
    EXPECT_EQ(ReadAll(body, step), "");
    ASSERT_TRUE(body.Rewind().ok());
    EXPECT_EQ(ReadAll(body, step), kBody);
  }
}

TEST(MultipartTest, ReadsFilesFromSources) {
  for (const bool known : {true, false}) {
    TextSource source("... contents of file1.txt ...", known);
    MultipartBody body("AaB03x");
    body.AddField("submit-name", "Larry");
    body.AddFile("files", {.filename = "file1.txt", .content_type = "text/plain"}, source);
    EXPECT_EQ(body.size().has_value(), known);
    EXPECT_EQ(ReadAll(body, 11), kBody);
    EXPECT_FALSE(body.Rewind().ok());
  }
}

TEST(MultipartTest, TypesAreTheGivenOnesElseByTheFilesName) {
  MultipartBody body("b");
  body.AddField("meta", "{}", "application/json");
  body.AddFile("cat", {.filename = "cat.PNG"}, "");
  body.AddFile("odd", {.filename = "odd"}, "");
  EXPECT_EQ(ReadAll(body),
            "--b\r\nContent-Disposition: form-data; name=\"meta\"\r\n"
            "Content-Type: application/json\r\n\r\n{}\r\n"
            "--b\r\nContent-Disposition: form-data; name=\"cat\"; filename=\"cat.PNG\"\r\n"
            "Content-Type: image/png\r\n\r\n\r\n"
            "--b\r\nContent-Disposition: form-data; name=\"odd\"; filename=\"odd\"\r\n"
            "Content-Type: application/octet-stream\r\n\r\n\r\n--b--\r\n");
}

TEST(MultipartTest, NamesCannotBreakOutOfTheirQuotes) {
  MultipartBody body("b");
  body.AddFile("a\"b", {.filename = "x\r\ny\".png", .content_type = "bad\r\nX: y"}, "");
  EXPECT_EQ(
      ReadAll(body),
      "--b\r\nContent-Disposition: form-data; name=\"a%22b\"; filename=\"x%0D%0Ay%22.png\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n\r\n--b--\r\n");
}

TEST(MultipartTest, NoPartsIsTheClosingLine) {
  MultipartBody body("b");
  EXPECT_EQ(ReadAll(body), "--b--\r\n");
  EXPECT_EQ(body.content_type(), "multipart/form-data; boundary=\"b\"");
}

TEST(MultipartTest, BoundariesAreAsRfc2046Allows) {
  EXPECT_TRUE(IsBoundary(RandomBoundary()));
  EXPECT_NE(RandomBoundary(), RandomBoundary());
  EXPECT_TRUE(IsBoundary("gc0pJq0M:08jU534c0p"));
  EXPECT_FALSE(IsBoundary(""));
  EXPECT_FALSE(IsBoundary("ends with "));
  EXPECT_FALSE(IsBoundary("a\"b"));
  EXPECT_FALSE(IsBoundary(std::string(71, 'x')));
}

}  // namespace
}  // namespace ronda::net
