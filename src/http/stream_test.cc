#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "http/http_test_util.h"

namespace ronda::http {
namespace {

// Hands the stream of the one request to the test, and says when it is gone.
class Producer {
 public:
  explicit Producer(StreamOptions options = {}) : options_(std::move(options)) {}

  void Handle(const Request&, const Reply& reply) {
    reply({.content_type = "text/event-stream",
           .stream =
               [this](Stream stream) {
                 stream.OnGone([this] {
                   const std::lock_guard lock(mutex_);
                   gone_ = true;
                   changed_.notify_all();
                 });
                 const std::lock_guard lock(mutex_);
                 stream_ = std::move(stream);
                 changed_.notify_all();
               },
           .stream_options = options_});
  }
  Stream AwaitStream() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stream_.has_value(); });
    return *stream_;
  }
  void AwaitGone() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return gone_; });
  }
  std::unique_ptr<Server> Serve(const ServerOptions& options = {}) {
    auto server = Server::Start(
        options, [this](const Request& request, const Reply& reply) { Handle(request, reply); });
    EXPECT_TRUE(server.ok());
    return *std::move(server);
  }

 private:
  StreamOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Stream> stream_;
  bool gone_ = false;
};

constexpr const char* kGet = "GET /events HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(HttpStream, EventsComeWhenTheyAreWrittenByAnyThread) {
  Producer producer;
  const auto server = producer.Serve();
  Client client(*server);
  client.Send(kGet);
  Stream stream = producer.AwaitStream();
  EXPECT_NE(client.ReadUntil("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  std::thread([&] { stream.Write(TextOf({.data = "one", .id = "1"})); }).join();
  client.ReadUntil("data: one\n\n");
  std::thread([&] { stream.Write(TextOf({.data = "two", .type = "run"})); }).join();
  EXPECT_NE(client.ReadUntil("data: two\n\n").find("event: run\n"), std::string::npos);
  stream.End();
  EXPECT_TRUE(client.ReadAll().ends_with("\r\n0\r\n\r\n"));
  producer.AwaitGone();
  EXPECT_EQ(stream.Write("late"), Stream::Written::kGone);
}

TEST(HttpStream, AnOlderClientGetsTheBytesUntilTheConnectionEnds) {
  Producer producer;
  const auto server = producer.Serve();
  Client client(*server);
  client.Send("GET /events HTTP/1.0\r\n\r\n");
  Stream stream = producer.AwaitStream();
  stream.Write("all of it");
  stream.End();
  EXPECT_TRUE(client.ReadAll().ends_with("\r\n\r\nall of it"));
}

TEST(HttpStream, ASilentStreamBeats) {
  Producer producer({.heartbeat = std::chrono::milliseconds(1)});
  const auto server = producer.Serve();
  Client client(*server);
  client.Send(kGet);
  client.ReadUntil(":\n\n\r\n3\r\n:\n\n");
  Stream stream = producer.AwaitStream();
  stream.Write("data: x\n\n");
  EXPECT_NE(client.ReadUntil("data: x\n\n").find("data: x"), std::string::npos);
}

TEST(HttpStream, AClientThatLeavesIsNoticedWithoutAWrite) {
  Producer producer({.heartbeat_text = ""});
  const auto server = producer.Serve();
  {
    Client client(*server);
    client.Send(kGet);
    producer.AwaitStream();
  }
  producer.AwaitGone();
  Stream stream = producer.AwaitStream();
  EXPECT_TRUE(stream.gone());
  EXPECT_EQ(stream.Write("x"), Stream::Written::kGone);
}

TEST(HttpStream, AClientThatDoesNotReadFillsItsOwnBoundAndNoMore) {
  Producer producer({.pending_bytes = 100'000});
  const auto server = producer.Serve();
  Client slow(*server);
  slow.Send(kGet);
  Stream stream = producer.AwaitStream();
  EXPECT_EQ(stream.Write(std::string(100'001, 'x')), Stream::Written::kFull);
  // The kernel's buffers fill first; then nothing is sent any more, and the bound counts.
  const std::string block(50'000, 'x');
  std::size_t taken = 0;
  for (auto last = Stream::Written::kYes; last == Stream::Written::kYes && taken < 1u << 30;) {
    last = stream.Write(block);
    if (last == Stream::Written::kYes) taken += block.size();
  }
  EXPECT_LT(taken, 1u << 30);
  stream.End();
  EXPECT_GE(slow.ReadAll().size(), taken) << "what was taken is sent";
}

TEST(HttpStream, StopSendsWhatWasWrittenAndEnds) {
  Producer producer;
  const auto server = producer.Serve();
  Client client(*server);
  client.Send(kGet);
  Stream stream = producer.AwaitStream();
  stream.Write("the last words");
  server->Stop();
  producer.AwaitGone();
  EXPECT_EQ(stream.Write("x"), Stream::Written::kGone);
  const std::string all = client.ReadAll();
  EXPECT_NE(all.find("the last words"), std::string::npos);
  EXPECT_TRUE(all.ends_with("0\r\n\r\n"));
}

TEST(HttpStream, AHandleOutlivesItsServer) {
  Producer producer;
  std::optional<Stream> stream;
  {
    const auto server = producer.Serve();
    Client client(*server);
    client.Send(kGet);
    stream = producer.AwaitStream();
  }
  EXPECT_TRUE(stream->gone());
  EXPECT_EQ(stream->Write("x"), Stream::Written::kGone);
  bool called = false;
  stream->OnGone([&] { called = true; });
  EXPECT_TRUE(called);
}

TEST(HttpStream, AnEventIsWrittenSoThatItsDataComesBackWhole) {
  EXPECT_EQ(TextOf({.data = "{}"}), "data: {}\n\n");
  EXPECT_EQ(TextOf({.data = "a\r\nb\n\nc", .type = "t", .id = "1\n2"}),
            "id: 12\nevent: t\ndata: a\ndata: b\ndata: \ndata: c\n\n");
  EXPECT_EQ(TextOf({.data = ""}), "data: \n\n");
}

}  // namespace
}  // namespace ronda::http
