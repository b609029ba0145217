#include "net/http1/response_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ronda::net {
namespace {

using Progress = ResponseParser::Progress;
using Code = Http1ErrorCode;

constexpr std::string_view kNginx =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 21 Nov 2025 01:26:00 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: 5\r\nConnection: keep-alive\r\n"
    "ETag: \"65f0-1\"\r\n\r\nhello";

// What a response came to, however it was cut.
struct Outcome {
  int status = 0;
  BodyFraming framing = BodyFraming::kNone;
  bool keep_alive = false;
  std::string reason, content_encoding, body, rest;
  std::vector<std::pair<std::string, std::string>> headers, trailers;
  bool complete = false;
  Code error = Code::kNone;
  std::uint64_t error_offset = 0;

  bool operator==(const Outcome&) const = default;
};

std::vector<std::pair<std::string, std::string>> Copy(std::span<const HeaderView> headers) {
  std::vector<std::pair<std::string, std::string>> copy;
  for (const auto& h : headers) copy.emplace_back(h.name, h.value);
  return copy;
}

// Runs `text` through a parser, `step` bytes at a time, each head attempt at another address.
Outcome Play(ResponseParser& parser, std::string_view text, std::size_t step, ResponseTo to) {
  Outcome o;
  parser.Start(to);
  std::size_t used = 0;
  Progress progress = Progress::kMore;
  std::unique_ptr<std::string> buffer, previous;
  while (progress == Progress::kMore && used < text.size()) {
    used = std::min(text.size(), used + step);
    previous = std::exchange(buffer, std::make_unique<std::string>(text.substr(0, used)));
    buffer->shrink_to_fit();
    progress = parser.ParseHead(*buffer);
  }
  o.error = parser.error().code;
  o.error_offset = parser.error().offset;
  if (progress != Progress::kDone) return o;
  const ResponseHead& head = parser.head();
  o.status = head.status;
  o.framing = head.framing;
  o.keep_alive = head.keep_alive;
  o.reason = head.reason;
  o.content_encoding = head.content_encoding;
  o.headers = Copy(head.headers);

  std::size_t at = head.size;
  for (ResponseParser::Piece piece; !piece.done && !piece.failed;) {
    std::string bytes(text.substr(at, at < used ? used - at : step));
    const bool last = bytes.empty();
    piece = parser.Feed(bytes.data(), bytes.size());
    o.body.append(bytes, 0, piece.body);
    at += piece.consumed;
    o.complete = piece.done;
    if (last && !piece.done) {
      o.complete = parser.Close();
      break;
    }
  }
  o.trailers = Copy(parser.trailers());
  o.error = parser.error().code;
  o.error_offset = parser.error().offset;
  o.rest = text.substr(at);
  return o;
}

Outcome Play(std::string_view text, std::size_t step, ResponseTo to = ResponseTo::kAny,
             Http1Limits limits = {}) {
  ResponseParser parser(limits);
  return Play(parser, text, step, to);
}

// The outcome, which must be the same for every size of the pieces.
Outcome RunAllSplits(std::string_view text, ResponseTo to = ResponseTo::kAny,
                     Http1Limits limits = {}) {
  const Outcome whole = Play(text, text.size(), to, limits);
  for (std::size_t step = 1; step < text.size(); ++step) {
    EXPECT_EQ(Play(text, step, to, limits), whole) << "pieces of " << step << " bytes: " << text;
  }
  return whole;
}

Code ErrorOf(std::string_view text) { return RunAllSplits(text).error; }

TEST(ResponseParserTest, ReadsAWholeResponseAsViewsIntoTheBuffer) {
  ResponseParser parser;
  parser.Start(ResponseTo::kAny);
  ASSERT_EQ(parser.ParseHead(kNginx), Progress::kDone);
  const ResponseHead& head = parser.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.reason, "OK");
  EXPECT_EQ(head.version, HttpVersion::k11);
  EXPECT_EQ(head.framing, BodyFraming::kLength);
  EXPECT_EQ(head.content_length, 5u);
  EXPECT_EQ(head.size, kNginx.size() - 5);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.headers.size(), 6u);
  EXPECT_EQ(head.headers[1].name, "Date");
  EXPECT_EQ(head.headers[5].value, "\"65f0-1\"");
  for (const HeaderView& h : head.headers) {
    EXPECT_GE(h.name.data(), kNginx.data());
    EXPECT_LE(h.value.data() + h.value.size(), kNginx.data() + kNginx.size());
  }
}

TEST(ResponseParserTest, AnySplitAtAnyAddressGivesTheSameResponse) {
  const Outcome o = RunAllSplits(kNginx);
  EXPECT_EQ(o.body, "hello");
  EXPECT_TRUE(o.complete);
  EXPECT_EQ(o.headers[2].second, "application/json");
  EXPECT_EQ(o.rest, "");
}

TEST(ResponseParserTest, BytesBehindTheBodyAreLeft) {
  const Outcome o = Play(std::string(kNginx) + "HTTP/1.1 500 no", 10'000);
  EXPECT_EQ(o.body, "hello");
  EXPECT_EQ(o.rest, "HTTP/1.1 500 no");
}

TEST(ResponseParserTest, ChunksAreJoinedAndTrailersKept) {
  const Outcome o = RunAllSplits(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n1;name=\"a;b\"\r\n \r\n00A  \r\nwide world\r\n0\r\nX-Sum: 7 "
      "\r\nY:\r\n\r\nrest");
  EXPECT_EQ(o.error, Code::kNone);
  EXPECT_EQ(o.body, "hello wide world");
  EXPECT_TRUE(o.complete);
  EXPECT_EQ(o.rest, "rest");
  ASSERT_EQ(o.trailers.size(), 2u);
  EXPECT_EQ(o.trailers[0], std::make_pair(std::string("X-Sum"), std::string("7")));
  EXPECT_EQ(o.trailers[1], std::make_pair(std::string("Y"), std::string()));
}

TEST(ResponseParserTest, WithoutALengthTheBodyEndsWithTheConnection) {
  const Outcome o = RunAllSplits("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nall of this");
  EXPECT_EQ(o.framing, BodyFraming::kUntilClose);
  EXPECT_FALSE(o.keep_alive);
  EXPECT_EQ(o.body, "all of this");
  EXPECT_TRUE(o.complete);
}

TEST(ResponseParserTest, AnEarlyCloseIsAnErrorThatSaysWhere) {
  Outcome o = RunAllSplits("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_EQ(o.error, Code::kClosedEarly);
  EXPECT_EQ(o.error_offset, 44u);
  o = RunAllSplits("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  EXPECT_EQ(o.error, Code::kClosedEarly);
  ResponseParser parser;
  parser.Start(ResponseTo::kAny);
  EXPECT_EQ(parser.ParseHead("HTTP/1.1 20"), Progress::kMore);
  EXPECT_FALSE(parser.Close());
  EXPECT_EQ(parser.error().code, Code::kClosedEarly);
  EXPECT_EQ(parser.error().Message(),
            "the server closed the connection before the response was complete, at byte 11 of the "
            "response");
}

TEST(ResponseParserTest, SomeResponsesHaveNoBodyWhateverTheirHeadersSay) {
  const std::string length = "Content-Length: 5\r\n\r\n";
  for (const std::string status :
       {"100 Continue", "101 Switching", "103 Hints", "204 No", "304 Not"}) {
    const Outcome o =
        Play(std::string("HTTP/1.1 ").append(status).append("\r\n").append(length), 1000);
    EXPECT_EQ(o.framing, BodyFraming::kNone) << status;
    EXPECT_TRUE(o.complete) << status;
  }
  EXPECT_EQ(Play(kNginx, 1000, ResponseTo::kHead).framing, BodyFraming::kNone);
  EXPECT_EQ(Play(kNginx, 1000, ResponseTo::kConnect).framing, BodyFraming::kNone);
  EXPECT_EQ(Play("HTTP/1.1 407 P\r\n" + length, 1000, ResponseTo::kConnect).framing,
            BodyFraming::kLength);
}

TEST(ResponseParserTest, AHeadResponseKeepsTheLengthItSpeaksOf) {
  ResponseParser parser;
  parser.Start(ResponseTo::kHead);
  ASSERT_EQ(parser.ParseHead(kNginx), Progress::kDone);
  EXPECT_EQ(parser.head().content_length, 5u);
}

TEST(ResponseParserTest, InterimResponsesAreFollowedByAnother) {
  ResponseParser parser;
  const std::string text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + std::string(kNginx);
  parser.Start(ResponseTo::kAny);
  ASSERT_EQ(parser.ParseHead(text), Progress::kDone);
  EXPECT_TRUE(parser.head().interim());
  const std::size_t first = parser.head().size;
  parser.Start(ResponseTo::kAny);
  ASSERT_EQ(parser.ParseHead(std::string_view(text).substr(first)), Progress::kDone);
  EXPECT_EQ(parser.head().status, 200);
  EXPECT_FALSE(parser.head().interim());
}

TEST(ResponseParserTest, PersistenceFollowsVersionAndConnection) {
  const auto keeps = [](std::string_view version, std::string_view connection) {
    return Play("HTTP/1." + std::string(version) + " 200 OK\r\nContent-Length: 0\r\nConnection: " +
                    std::string(connection) + "\r\n\r\n",
                1000)
        .keep_alive;
  };
  EXPECT_TRUE(keeps("1", "x"));
  EXPECT_TRUE(keeps("1", "keep-alive"));
  EXPECT_FALSE(keeps("1", "Close"));
  EXPECT_FALSE(keeps("1", "keep-alive, close"));
  EXPECT_FALSE(keeps("0", "x"));
  EXPECT_TRUE(keeps("0", "Keep-Alive"));
  EXPECT_TRUE(keeps("0", "upgrade , keep-alive"));
}

TEST(ResponseParserTest, AChunkedHttp10ResponseIsReadButNotReused) {
  const Outcome o = RunAllSplits(
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(o.body, "x");
  EXPECT_FALSE(o.keep_alive);
}

TEST(ResponseParserTest, LinesMayEndWithALoneLineFeed) {
  const Outcome o = RunAllSplits("HTTP/1.1 200 OK\nA: 1\nContent-Length: 1\n\nx");
  EXPECT_EQ(o.body, "x");
  EXPECT_EQ(o.headers[0].second, "1");
}

TEST(ResponseParserTest, TheReasonMayBeMissing) {
  for (const std::string line : {"HTTP/1.1 200", "HTTP/1.1 200 "}) {
    const Outcome o = RunAllSplits(line + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(o.status, 200) << line;
    EXPECT_EQ(o.reason, "") << line;
    EXPECT_TRUE(o.complete) << line;
  }
}

TEST(ResponseParserTest, BlanksAroundAValueAreNotPartOfIt) {
  const Outcome o = RunAllSplits("HTTP/1.1 204 N\r\nA: \t x y\t \r\nB:\r\nC:   \r\n\r\n");
  EXPECT_EQ(o.headers[0].second, "x y");
  EXPECT_EQ(o.headers[1].second, "");
  EXPECT_EQ(o.headers[2].second, "");
}

TEST(ResponseParserTest, TheContentEncodingIsFound) {
  EXPECT_EQ(RunAllSplits("HTTP/1.1 204 N\r\nContent-encoding: gzip\r\n\r\n").content_encoding,
            "gzip");
  EXPECT_EQ(RunAllSplits("HTTP/1.1 204 N\r\nContent-encodinh: gzip\r\n\r\n").content_encoding, "");
}

TEST(ResponseParserTest, OneLengthSaidTwiceIsOneLength) {
  EXPECT_EQ(Play("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx", 999).body,
            "x");
}

TEST(ResponseParserTest, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const auto header = [&](std::string_view name, std::string_view value) {
    return std::string(ok).append(name).append(": ").append(value).append("\r\n\r\n");
  };
  EXPECT_EQ(ErrorOf(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            Code::kConflictingLength);
  EXPECT_EQ(ErrorOf(ok + "Content-Length: 1, 2\r\n\r\n"), Code::kConflictingLength);
  EXPECT_EQ(ErrorOf(ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Code::kConflictingLength);
  EXPECT_EQ(ErrorOf(ok + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
            Code::kConflictingLength);
  for (const std::string bad :
       {"", "-1", "+1", "1a", "0x1", "1,", "9223372036854775808", "99999999999999999999", "1 1"}) {
    EXPECT_EQ(ErrorOf(header("Content-Length", bad)), Code::kBadContentLength) << bad;
  }
  for (const std::string bad :
       {"", "gzip", "gzip, chunked", "chunked, chunked", "xchunked",
        "chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: identity"}) {
    EXPECT_EQ(ErrorOf(header("Transfer-Encoding", bad)), Code::kBadTransferEncoding) << bad;
  }
  EXPECT_EQ(ErrorOf(ok + "A: 1\rB: 2\r\n\r\n"), Code::kBareCr);
  EXPECT_EQ(ErrorOf(ok + "A: 1\r\n\rX\r\n"), Code::kBareCr);
  EXPECT_EQ(ErrorOf(ok + "A: 1\r\n 2\r\n\r\n"), Code::kFoldedLine);
  EXPECT_EQ(ErrorOf(ok + "A : 1\r\n\r\n"), Code::kBadHeaderName);
  EXPECT_EQ(ErrorOf(ok + ": 1\r\n\r\n"), Code::kBadHeaderName);
  EXPECT_EQ(ErrorOf(ok + "no colon\r\n\r\n"), Code::kBadHeaderName);
  EXPECT_EQ(ErrorOf(ok + std::string("A: 1\0002\r\n\r\n", 10)), Code::kBadHeaderValue);
  EXPECT_EQ(ErrorOf(ok + "A: this is a value that is longer than a vector \x7f\r\n\r\n"),
            Code::kBadHeaderValue);
}

TEST(ResponseParserTest, WhatIsNotHttpIsSaidAtItsFirstByte) {
  const auto offset = [](std::string_view text) { return RunAllSplits(text).error_offset; };
  EXPECT_EQ(ErrorOf("\x16\x03\x01"), Code::kNotHttp);
  EXPECT_EQ(ErrorOf("SSH-2.0-OpenSSH"), Code::kNotHttp);
  EXPECT_EQ(ErrorOf("HTTP/2.0 200 OK\r\n"), Code::kNotHttp);
  EXPECT_EQ(offset("HTTP/2.0 200 OK\r\n"), 5u);
  EXPECT_EQ(ErrorOf("HTTP/1.1 20x OK\r\n"), Code::kBadStatusLine);
  EXPECT_EQ(offset("HTTP/1.1 20x OK\r\n"), 11u);
  EXPECT_EQ(ErrorOf("HTTP/1.1  200 OK\r\n"), Code::kBadStatusLine);
  EXPECT_EQ(ErrorOf("HTTP/1.1 2000 OK\r\n"), Code::kBadStatusLine);
  EXPECT_EQ(ErrorOf("HTTP/1.1 099 OK\r\n"), Code::kBadStatusLine);
  EXPECT_EQ(ErrorOf(std::string("HTTP/1.1 200 O\0\r\n", 17)), Code::kBadStatusLine);
  EXPECT_EQ(ErrorOf("HTTP/1.1 200 O\rK\r\n"), Code::kBareCr);
}

TEST(ResponseParserTest, BadChunksAreRefusedWhereTheyAre) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto error = [&](const std::string& body) {
    const std::string text = head + body;
    const Outcome o = text.size() < 1000 ? RunAllSplits(text) : Play(text, 1000);
    return std::make_pair(o.error, static_cast<int>(o.error_offset - head.size()));
  };
  EXPECT_EQ(error("x\r\n"), std::make_pair(Code::kBadChunkSize, 0));
  EXPECT_EQ(error("\r\n"), std::make_pair(Code::kBadChunkSize, 0));
  EXPECT_EQ(error("-1\r\n"), std::make_pair(Code::kBadChunkSize, 0));
  EXPECT_EQ(error("1 2\r\n"), std::make_pair(Code::kBadChunkSize, 2));
  EXPECT_EQ(error("1000000000000000\r\n"), std::make_pair(Code::kBadChunkSize, 15));
  EXPECT_EQ(error("1\nx\r\n"), std::make_pair(Code::kBadChunkSize, 1));
  EXPECT_EQ(error("1;a\nx\r\n"), std::make_pair(Code::kBadChunkExtension, 3));
  EXPECT_EQ(error("1;" + std::string(5000, 'a')).first, Code::kBadChunkExtension);
  EXPECT_EQ(error("1" + std::string(5000, ' ')).first, Code::kBadChunkExtension);
  EXPECT_EQ(error("1\rx"), std::make_pair(Code::kBareCr, 2));
  EXPECT_EQ(error("1\r\nxy\r\n"), std::make_pair(Code::kBadChunkEnd, 4));
  EXPECT_EQ(error("1\r\nx\ry"), std::make_pair(Code::kBadChunkEnd, 5));
  EXPECT_EQ(error("0\r\nbad trailer\r\n\r\n").first, Code::kBadHeaderName);
  EXPECT_EQ(error("0\r\n a: b\r\n\r\n").first, Code::kFoldedLine);
  EXPECT_EQ(error("0\r\na: b\rc\r\n\r\n").first, Code::kBareCr);
  EXPECT_EQ(error("0\r\na: " + std::string(20'000, 'b')).first, Code::kTrailerTooLarge);
}

TEST(ResponseParserTest, StartForgetsAResponseThatWasCutOff) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string cut : {"5\r\nhe", "5", "1;ext", "0\r\nX: 1\r\nY"}) {
    ResponseParser parser;
    parser.Start(ResponseTo::kAny);
    ASSERT_EQ(parser.ParseHead(head), Progress::kDone);
    std::string body = cut;
    EXPECT_FALSE(parser.Feed(body.data(), body.size()).done);
    parser.Start(ResponseTo::kAny);
    ASSERT_EQ(parser.ParseHead(head), Progress::kDone);
    body = "3\r\nnew\r\n0\r\n\r\n";
    const ResponseParser::Piece piece = parser.Feed(body.data(), body.size());
    EXPECT_TRUE(piece.done) << cut;
    EXPECT_EQ(body.substr(0, piece.body), "new") << cut;
    EXPECT_TRUE(parser.trailers().empty()) << cut;
  }
}

TEST(ResponseParserTest, WhatCameBeforeChangesNothing) {
  const std::string nginx(kNginx);
  std::string longer = nginx;
  longer.replace(longer.find("Length: 5\r\n"), 11, "Length: 6\r\n");
  const std::string texts[] = {
      nginx,
      nginx + "more",
      longer + "!",
      nginx.substr(0, nginx.size() - 7),  // cut off in the head
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nContent-Encoding: br\r\nConnection: keep-alive\r\nContent-Length: "
      "0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nBad\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'x') + "\r\nContent-Length: 0\r\n\r\n"};
  for (const std::string& before : texts) {
    for (const std::string& text : texts) {
      for (const ResponseTo to : {ResponseTo::kAny, ResponseTo::kHead}) {
        for (const std::size_t step : {text.size(), text.size() / 2}) {
          ResponseParser parser;
          Play(parser, before, before.size(), ResponseTo::kAny);
          Outcome outcome = Play(parser, text, step, to);
          if (outcome.framing != BodyFraming::kChunked) outcome.trailers.clear();
          EXPECT_EQ(outcome, Play(text, step, to)) << before << " and then " << text;
        }
      }
    }
  }
}

TEST(ResponseParserTest, AHeadThatRepeatsTheLastIsViewedWhereItIs) {
  const std::string first(kNginx);
  ResponseParser parser;
  parser.Start(ResponseTo::kAny);
  ASSERT_EQ(parser.ParseHead(first), Progress::kDone);
  const std::string second(kNginx);
  parser.Start(ResponseTo::kAny);
  ASSERT_EQ(parser.ParseHead(second), Progress::kDone);
  const auto within = [&](std::string_view view) {
    return view.data() >= second.data() && view.data() < second.data() + second.size();
  };
  EXPECT_TRUE(within(parser.head().reason));
  for (const HeaderView& header : parser.head().headers) {
    EXPECT_TRUE(within(header.name) && within(header.value));
  }
}

TEST(ResponseParserTest, TheHeadHasALimitInBytesAndInLines) {
  const std::string text = "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 0\r\n\r\n";
  const auto size = static_cast<std::uint32_t>(text.size());
  EXPECT_TRUE(RunAllSplits(text, ResponseTo::kAny, {.max_head = size}).complete);
  Outcome o = RunAllSplits(text, ResponseTo::kAny, {.max_head = size - 1});
  EXPECT_EQ(o.error, Code::kHeadTooLarge);
  EXPECT_EQ(o.error_offset, size - 1);
  EXPECT_TRUE(RunAllSplits(text, ResponseTo::kAny, {.max_headers = 3}).complete);
  o = RunAllSplits(text, ResponseTo::kAny, {.max_headers = 2});
  EXPECT_EQ(o.error, Code::kTooManyHeaders);
}

TEST(ResponseParserTest, AHeadMovedByTheCallerIsRebased) {
  std::string here(kNginx);
  ResponseParser parser;
  parser.Start(ResponseTo::kAny);
  ASSERT_EQ(parser.ParseHead(here), Progress::kDone);
  const std::string there = here;
  parser.Rebase(there.data() - here.data());
  here.assign(here.size(), '#');
  EXPECT_EQ(parser.head().reason, "OK");
  EXPECT_EQ(parser.head().headers[0].value, "nginx/1.22.1");
}

TEST(ResponseParserTest, EveryErrorHasItsOwnName) {
  std::vector<std::string_view> names;
  for (int c = 0; c <= static_cast<int>(Code::kClosedEarly); ++c) {
    names.push_back(NameOf(static_cast<Code>(c)));
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  EXPECT_FALSE(names.front().empty());
}

}  // namespace
}  // namespace ronda::net
