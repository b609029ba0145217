#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "http/http_test_util.h"

namespace ronda::http {
namespace {

void Echo(Request request, const Reply& reply) {
  reply({.content_type = "text/plain",
         .body = request.method + " " + std::string(request.path()) + "|" +
                 std::string(request.query()) + "|" + request.body});
}

std::unique_ptr<Server> Serve(const ServerOptions& options, Handler handler = Echo) {
  auto server = Server::Start(options, std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status().ToString();
  return *std::move(server);
}

TEST(HttpServer, AConnectionCarriesRequestAfterRequestWholeOrChunked) {
  const auto server = Serve({});
  Client client(*server);
  client.Send("POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_NE(client.ReadUntil("|abc").find("POST /a|x=1|abc"), std::string::npos);
  client.Send(
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nde\r\n1\r\nf\r\n0\r\n\r\n");
  EXPECT_NE(client.ReadUntil("|def").find("POST /b||def"), std::string::npos);
}

TEST(HttpServer, ASenderThatAsksFirstIsToldToContinue) {
  const auto server = Serve({});
  Client client(*server);
  client.Send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_NE(client.ReadUntil("100 Continue\r\n\r\n").find("100 Continue"), std::string::npos);
  client.Send("ok");
  EXPECT_NE(client.ReadUntil("|ok").find("200 OK"), std::string::npos);
}

TEST(HttpServer, ABodyPastTheLimitIsRefusedAndTheSenderSeesIt) {
  const auto server = Serve({.body_bytes = 1000});
  for (const std::string& head : {std::string("Content-Length: 100000\r\n\r\n"),
                                  std::string("Transfer-Encoding: chunked\r\n\r\n186a0\r\n")}) {
    Client client(*server);
    client.Send("POST / HTTP/1.1\r\nHost: h\r\n" + head + std::string(100'000, 'x'));
    EXPECT_NE(client.ReadAll().find("413 Payload Too Large"), std::string::npos) << head;
  }
}

TEST(HttpServer, AHeaderPastTheLimitAndNoHttpAreRefused) {
  const auto server = Serve({.header_bytes = 1024});
  Client large(*server);
  large.Send("GET / HTTP/1.1\r\nX: " + std::string(5000, 'x') + "\r\n\r\n");
  EXPECT_NE(large.ReadAll().find("HTTP/1.1 431"), std::string::npos);
  Client broken(*server);
  broken.Send("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_NE(broken.ReadAll().find("HTTP/1.1 400"), std::string::npos);
}

TEST(HttpServer, WithoutTheTokenNobodyIsServed) {
  const auto server = Serve({.bearer_token = "secret"});
  for (const char* header : {"", "Authorization: Bearer wrong1\r\n", "Authorization: x\r\n"}) {
    Client client(*server);
    client.Send(std::string("GET / HTTP/1.1\r\nHost: h\r\n") + header + "\r\n");
    EXPECT_NE(client.ReadAll().find("401 Unauthorized"), std::string::npos) << header;
  }
  Client client(*server);
  client.Send("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: bearer secret\r\n\r\n");
  EXPECT_NE(client.ReadUntil("GET /").find("200 OK"), std::string::npos);
}

// Answers when the test says so.
class Gate {
 public:
  void Handle(Request request, Reply reply) {
    const std::lock_guard lock(mutex_);
    request_ = std::move(request);
    reply_ = std::move(reply);
    came_.notify_all();
  }
  void AwaitRequest() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return reply_ != nullptr; });
  }
  void Answer() {
    const std::lock_guard lock(mutex_);
    request_.memory.Release();
    reply_({.body = "answered"});
    reply_ = nullptr;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  Request request_;
  Reply reply_;
};

TEST(HttpServer, WithoutMemoryARequestIsSentAwayAndLaterServed) {
  base::ByteBudget memory(100);
  Gate gate;
  const auto server = Serve({.memory = &memory},
                            [&](Request q, Reply r) { gate.Handle(std::move(q), std::move(r)); });
  const std::string request =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\n\r\n" + std::string(60, 'x');
  Client first(*server);
  first.Send(request);
  gate.AwaitRequest();
  EXPECT_EQ(memory.used(), 60u);
  Client second(*server);
  second.Send(request);
  const std::string refused = second.ReadAll();
  EXPECT_NE(refused.find("429 Too Many Requests"), std::string::npos);
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  gate.Answer();
  EXPECT_NE(first.ReadUntil("answered").find("200 OK"), std::string::npos);
  EXPECT_EQ(memory.used(), 0u);
  Client third(*server);
  third.Send(request);
  gate.AwaitRequest();
  gate.Answer();
  EXPECT_NE(third.ReadUntil("answered").find("200 OK"), std::string::npos);
}

TEST(HttpServer, StopWaitsForAnswersAndClosesWhatIsIdle) {
  Gate gate;
  const auto server =
      Serve({}, [&](Request q, Reply r) { gate.Handle(std::move(q), std::move(r)); });
  Client idle(*server), busy(*server);
  busy.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  gate.AwaitRequest();
  std::thread stop([&] { server->Stop(); });
  EXPECT_EQ(idle.ReadAll(), "");  // closed: the server has begun to stop
  gate.Answer();
  stop.join();
  const std::string answer = busy.ReadAll();
  EXPECT_NE(answer.find("answered"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST(HttpServer, EveryAnswerCarriesTheRequestsId) {
  const auto server = Serve({}, [](const Request& request, const Reply& reply) {
    reply({.body = "[" + request.id + "] from " + request.peer});
  });
  Client client(*server);
  client.Send("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine-7\r\n\r\n");
  const std::string named = client.ReadUntil("127.0.0.1");
  EXPECT_NE(named.find("[mine-7]"), std::string::npos);
  EXPECT_NE(named.find("X-Request-Id: mine-7\r\n"), std::string::npos);
  Client other(*server);
  other.Send("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: no id\r\n\r\n");
  const std::string own = other.ReadUntil("127.0.0.1");
  EXPECT_EQ(own.find("no id"), std::string::npos);
  const std::size_t at = own.find('[') + 1;
  const std::string id = own.substr(at, own.find(']') - at);
  EXPECT_NE(own.find("X-Request-Id: " + id + "\r\n"), std::string::npos) << own;
  Client broken(*server);
  broken.Send("nothing\r\n\r\n");
  EXPECT_NE(broken.ReadAll().find("X-Request-Id: "), std::string::npos);
}

TEST(HttpServer, AHeadRequestGetsTheHeadAlone) {
  const auto server = Serve({});
  Client client(*server);
  client.Send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string both = client.ReadUntil("GET /b||");
  EXPECT_NE(both.find("Content-Length: 9\r\n"), std::string::npos) << both;
  EXPECT_EQ(both.find("HEAD /a"), std::string::npos);
}

TEST(HttpServer, AnAddressInUseIsSaid) {
  const auto server = Serve({});
  const auto second = Server::Start({.port = server->port()}, Echo);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), base::Code::kUnavailable);
  EXPECT_NE(second.status().message().find(std::to_string(server->port())), std::string::npos);
}

}  // namespace
}  // namespace ronda::http
