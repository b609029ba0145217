#include "net/http1/request_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ronda::net {
namespace {

using Body = RequestHead::Body;

std::string Write(const RequestHead& head, RequestFacts* facts = nullptr) {
  std::string out;
  const auto result = AppendRequestHead(head, out);
  if (!result.ok()) return result.status().ToString();
  if (facts != nullptr) *facts = *result;
  return out;
}

TEST(RequestWriterTest, WritesLineHostAndHeadersInOrder) {
  const std::vector<HeaderView> headers = {{"Accept", "*/*"}, {"X-Empty", ""}};
  const std::vector<HeaderView> more = {{"Cookie", "a=1"}};
  EXPECT_EQ(Write({.method = "POST",
                   .target = "/a?b=c",
                   .authority = "shop:8080",
                   .headers = headers,
                   .more_headers = more,
                   .body = Body::kLength,
                   .content_length = 12345}),
            "POST /a?b=c HTTP/1.1\r\nHost: shop:8080\r\nAccept: */*\r\nX-Empty: \r\nCookie: a=1\r\n"
            "Content-Length: 12345\r\n\r\n");
}

TEST(RequestWriterTest, AppendsBehindWhatIsThere) {
  std::string out = "before";
  ASSERT_TRUE(AppendRequestHead({.authority = "h"}, out).ok());
  EXPECT_EQ(out, "beforeGET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(RequestWriterTest, WritesAbsoluteFormChunkedAndClose) {
  EXPECT_EQ(Write({.method = "PUT",
                   .target_prefix = "http://h:1",
                   .authority = "h:1",
                   .body = Body::kChunked,
                   .close = true}),
            "PUT http://h:1/ HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n");
}

TEST(RequestWriterTest, TheCallersOwnHeadersReplaceOurs) {
  const std::vector<HeaderView> headers = {{"host", "other"},
                                           {"content-length", "7"},
                                           {"connection", "upgrade, close"},
                                           {"Expect", "100-Continue"}};
  RequestFacts facts;
  EXPECT_EQ(Write({.authority = "h",
                   .headers = headers,
                   .body = Body::kLength,
                   .content_length = 5,
                   .close = true},
                  &facts),
            "GET / HTTP/1.1\r\nhost: other\r\ncontent-length: 7\r\nconnection: upgrade, close\r\n"
            "Expect: 100-Continue\r\n\r\n");
  EXPECT_TRUE(facts.close);
  EXPECT_TRUE(facts.expect_continue);
  EXPECT_TRUE(facts.own_length);
  EXPECT_FALSE(facts.own_transfer_encoding);
}

TEST(RequestWriterTest, OwnTransferEncodingSuppressesBothLengths) {
  const std::vector<HeaderView> headers = {{"Transfer-Encoding", "chunked"}};
  for (const Body body : {Body::kLength, Body::kChunked}) {
    RequestFacts facts;
    EXPECT_EQ(Write({.authority = "h", .headers = headers, .body = body}, &facts),
              "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_TRUE(facts.own_transfer_encoding);
  }
}

TEST(RequestWriterTest, RefusesWhatWouldSplitTheRequest) {
  using namespace std::string_view_literals;
  const auto refuses = [](const RequestHead& head) {
    std::string out = "kept";
    const auto result = AppendRequestHead(head, out);
    EXPECT_EQ(out, result.ok() ? out : "kept");
    return !result.ok() && result.status().code() == base::Code::kInvalidArgument;
  };
  for (const auto bad : {"a\rb"sv, "a\nb"sv, "a\0b"sv}) {
    const std::vector<HeaderView> value = {{"X", bad}}, name = {{bad, "v"}};
    EXPECT_TRUE(refuses({.headers = value}));
    EXPECT_TRUE(refuses({.more_headers = value}));
    EXPECT_TRUE(refuses({.headers = name}));
    EXPECT_TRUE(refuses({.method = bad}));
    EXPECT_TRUE(refuses({.target = bad}));
    EXPECT_TRUE(refuses({.target_prefix = bad}));
    EXPECT_TRUE(refuses({.authority = bad}));
  }
  const std::vector<HeaderView> colon = {{"X:", "v"}}, empty = {{"", "v"}}, tab = {{"X", "a\tb"}};
  EXPECT_TRUE(refuses({.headers = colon}));
  EXPECT_TRUE(refuses({.headers = empty}));
  EXPECT_TRUE(refuses({.target = "/a b"}));
  EXPECT_TRUE(refuses({.target = ""}));
  EXPECT_TRUE(refuses({.method = ""}));
  EXPECT_FALSE(refuses({.headers = tab}));
}

TEST(RequestWriterTest, TheMessageNamesTheHeaderButNotItsValue) {
  const std::vector<HeaderView> headers = {{"Authorization", "secret\r\nX: y"}};
  const std::string message = Write({.headers = headers});
  EXPECT_NE(message.find("Authorization"), std::string::npos);
  EXPECT_EQ(message.find("secret"), std::string::npos);
}

TEST(RequestWriterTest, ChunkSizesAreHexadecimal) {
  std::string out;
  AppendChunkHead(0xAF31, out);
  EXPECT_EQ(out, "af31\r\n");
}

}  // namespace
}  // namespace ronda::net
