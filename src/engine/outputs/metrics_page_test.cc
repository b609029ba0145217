#include "engine/outputs/metrics_page.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/outputs/http_poster.h"

namespace ronda::engine {
namespace {

using testing::HasSubstr;

TEST(ReadScrapeTest, OnlyAWholeRequestForThePageIsOne) {
  EXPECT_EQ(ReadScrape("GET /metrics HTTP/1.1\r\nHost: a\r\n"), Scrape::kIncomplete);
  EXPECT_EQ(ReadScrape("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), Scrape::kMetrics);
  EXPECT_EQ(ReadScrape("GET /metrics?name=x HTTP/1.0\r\n\r\n"), Scrape::kMetrics);
  EXPECT_EQ(ReadScrape("HEAD /metrics HTTP/1.1\r\n\r\n"), Scrape::kHead);
  EXPECT_EQ(ReadScrape("GET / HTTP/1.1\r\n\r\n"), Scrape::kOtherPath);
  EXPECT_EQ(ReadScrape("PUT /metrics HTTP/1.1\r\n\r\n"), Scrape::kOtherMethod);
  for (const char* bad : {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", " / HTTP/1.1\r\n\r\n",
                          "GET /metrics SMTP\r\n\r\n"}) {
    EXPECT_EQ(ReadScrape(bad), Scrape::kMalformed) << bad;
  }
  EXPECT_EQ(ReadScrape(std::string(100'000, 'x')), Scrape::kMalformed);
}

class MetricsPageTest : public testing::Test {
 protected:
  MetricsPageTest() : reactor_(*net::Reactor::Create()) {
    page_ = *MetricsPage::Listen(*reactor_, "0", [this] { ++wanted_; });
  }

  int Connect() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string& at = page_->address();
    unsigned port = 0;
    EXPECT_EQ(sscanf(at.c_str(), "127.0.0.1:%u", &port), 1) << at;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return fd;
  }
  // Sends, lets the page work until `wanted` requests wait for it, answers, and reads to the end.
  std::string Ask(std::string_view request, const std::string& answer) {
    const int fd = Connect();
    EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string got;
    char buffer[65536];
    for (;;) {
      reactor_->RunOnce(net::Reactor::Wait::kNo);
      if (wanted_ > 0) {
        wanted_ = 0;
        page_->Answer(answer);
      }
      const ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n == 0) break;
      if (n > 0) got.append(buffer, static_cast<std::size_t>(n));
    }
    close(fd);
    return got;
  }

  std::unique_ptr<net::Reactor> reactor_;
  std::unique_ptr<MetricsPage> page_;
  int wanted_ = 0;
};

TEST_F(MetricsPageTest, AScrapeGetsTheWholePageHoweverLongItIs) {
  const std::string page(3'000'000, 'm');
  const std::string got = Ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", page);
  EXPECT_THAT(got.substr(0, 200), HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got.substr(0, 200), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n" + page));
}

TEST_F(MetricsPageTest, HeadHasNoBodyAndOtherRequestsAreRefused) {
  EXPECT_TRUE(Ask("HEAD /metrics HTTP/1.1\r\n\r\n", "mm").ends_with("\r\n\r\n"));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\n\r\n", ""), HasSubstr("404"));
  EXPECT_THAT(Ask("POST /metrics HTTP/1.1\r\n\r\n", ""), HasSubstr("405"));
  EXPECT_THAT(Ask("nonsense\r\n\r\n", ""), HasSubstr("400"));
}

TEST_F(MetricsPageTest, AClientThatGoesAwayWhileItWaitsIsForgotten) {
  const int fd = Connect();
  const std::string_view request = "GET /metrics HTTP/1.1\r\n\r\n";
  ASSERT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  while (wanted_ == 0) reactor_->RunOnce(net::Reactor::Wait::kNo);
  close(fd);
  wanted_ = 0;
  for (int i = 0; i < 10; ++i) reactor_->RunOnce(net::Reactor::Wait::kNo);
  page_->Answer("m");
  EXPECT_THAT(Ask("GET /metrics HTTP/1.1\r\n\r\n", "second"), HasSubstr("second"));
}

TEST(MetricsAddressTest, WhatIsNoAddressIsSaid) {
  const auto reactor = *net::Reactor::Create();
  for (const char* bad : {"", "x", "host:1", "127.0.0.1", "127.0.0.1:99999", "[::1:1", ":"}) {
    const auto page = MetricsPage::Listen(*reactor, bad, [] {});
    EXPECT_FALSE(page.ok()) << bad;
  }
  for (const char* good : {"0", ":0", "localhost:0", "127.0.0.1:0"}) {
    const auto page = MetricsPage::Listen(*reactor, good, [] {});
    ASSERT_TRUE(page.ok()) << good << page.status().message();
    EXPECT_THAT((*page)->address(), testing::StartsWith("127.0.0.1:"));
  }
}

TEST(PushTargetTest, ThePathIsCompletedAndThePasswordIsNotShown) {
  const auto url = [](std::string_view text, std::string_view path, PathRule rule) {
    const auto target = ReadPushTarget(text, path, rule);
    return target.ok() ? target->url + " " + target->authorization : target.status().message();
  };
  EXPECT_EQ(url("http://c:4318", "/v1/traces", PathRule::kAppend), "http://c:4318/v1/traces ");
  EXPECT_EQ(url("http://c/v1/traces", "/v1/traces", PathRule::kAppend), "http://c/v1/traces ");
  EXPECT_EQ(url("http://c/otlp/", "/v1/traces", PathRule::kAppend), "http://c/otlp/v1/traces ");
  EXPECT_EQ(url("https://p", "/api/v1/write", PathRule::kDefault), "https://p/api/v1/write ");
  EXPECT_EQ(url("http://p/push?a=b", "/api/v1/write", PathRule::kDefault), "http://p/push?a=b ");
  EXPECT_EQ(url("http://u:p%40@h/x", "/y", PathRule::kDefault), "http://h/x Basic dTpwQA==");
  EXPECT_FALSE(ReadPushTarget("file.txt", "/y", PathRule::kDefault).ok());
}

}  // namespace
}  // namespace ronda::engine
