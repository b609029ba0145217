// Sends the reference set to an OTLP/HTTP receiver and says what the receiver answered and when.
//
//   trace_client --port P [--spans 1000000] [--seed 1] [--rate 0] [--connections 2] [--gzip 0]
//                [--sample 500]
//
// --rate is spans a second, 0 as fast as it goes. A request that is sent away with 429 or 503 comes again
// after 20 ms. Prints one JSON object: what was acknowledged, the times from a request's first byte to its
// answer, `sample` trace ids and as many values of order.id, all of spans that were acknowledged. Ends
// with 1 when anything else than 200 was answered.

#include <arpa/inet.h>
#include <libdeflate.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "../common.h"
#include "base/core/ids.h"
#include "reference_set.h"
#include "wire/otlp/decode.h"

namespace ronda::bench {
namespace {

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "trace_client: %s\n", what);
  std::exit(1);
}

// Requests on their way from the one who makes them to those who send; a few at a time.
class Queue {
 public:
  explicit Queue(std::size_t most) : most_(most) {}
  void Push(ReferenceSet::Request request) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return requests_.size() < most_; });
    requests_.push_back(std::move(request));
    changed_.notify_all();
  }
  // False at the end.
  bool Pop(ReferenceSet::Request& request) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !requests_.empty() || ended_; });
    if (requests_.empty()) return false;
    request = std::move(requests_.front());
    requests_.pop_front();
    changed_.notify_all();
    return true;
  }
  void End() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ReferenceSet::Request> requests_;
  bool ended_ = false;
};

class Connection {
 public:
  explicit Connection(int port) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      Fail("nobody listens there");
    }
    const int one = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The status of the answer.
  int Post(std::string_view body, bool gzip) {
    std::string request =
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n";
    if (gzip) request += "Content-Encoding: gzip\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    request += body;
    for (std::size_t at = 0; at < request.size();) {
      const ssize_t sent = send(socket_, request.data() + at, request.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) Fail("the connection ended while a request was sent");
      at += static_cast<std::size_t>(sent);
    }
    return Answer();
  }

 private:
  int Answer() {
    std::size_t head = 0;
    while ((head = in_.find("\r\n\r\n")) == std::string::npos) Receive();
    std::size_t length = 0;
    for (std::size_t at = 0; at < head; at = in_.find("\r\n", at + 2)) {
      const char* line = in_.c_str() + (at == 0 ? 0 : at + 2);
      if (strncasecmp(line, "content-length:", 15) == 0)
        length = std::strtoul(line + 15, nullptr, 10);
    }
    while (in_.size() < head + 4 + length) Receive();
    const auto status = static_cast<int>(std::strtol(in_.c_str() + sizeof "HTTP/1.1", nullptr, 10));
    in_.erase(0, head + 4 + length);
    return status;
  }
  void Receive() {
    char bytes[4096];
    const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) Fail("the connection ended before an answer");
    in_.append(bytes, static_cast<std::size_t>(got));
  }

  int socket_ = -1;
  std::string in_;
};

std::string Gzip(libdeflate_compressor* compressor, std::string_view bytes) {
  std::string out(libdeflate_gzip_compress_bound(compressor, bytes.size()), '\0');
  out.resize(
      libdeflate_gzip_compress(compressor, bytes.data(), bytes.size(), out.data(), out.size()));
  return out;
}

struct Counts {
  std::uint64_t spans = 0, requests = 0, sent_away = 0, refused = 0;
  std::vector<double> ms;
};

void Send(int port, bool gzip, Queue& queue, Counts& counts) {
  Connection connection(port);
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(1);
  ReferenceSet::Request request;
  while (queue.Pop(request)) {
    if (gzip) request.bytes = Gzip(compressor, request.bytes);
    const std::uint64_t start = NowNs();
    int status = 0;
    while ((status = connection.Post(request.bytes, gzip)) == 429 || status == 503) {
      ++counts.sent_away;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    counts.ms.push_back(static_cast<double>(NowNs() - start) / 1e6);
    if (status != 200) {
      ++counts.refused;
      continue;
    }
    ++counts.requests;
    counts.spans += request.spans;
  }
  libdeflate_free_compressor(compressor);
}

// Trace ids and values of order.id, of requests taken here and there.
class Sample {
 public:
  explicit Sample(std::size_t most) : most_(most) {}
  void Take(const ReferenceSet::Request& request) {
    if (!decoder_.DecodeTraces(request.bytes, batch_).ok()) Fail("the set is malformed");
    const auto& span = batch_.spans[random_.Below(batch_.spans.size())];
    Put(base::ToHex(span.trace), ids_);
    for (const auto& attribute : batch_.attributes) {
      if (attribute.key() != "order.id") continue;
      Put(std::string(attribute.value().bytes()), orders_);
      break;
    }
  }
  void Print(const char* name) const {
    const auto& list = std::string_view(name) == "ids" ? ids_ : orders_;
    std::printf(",\"%s\":[", name);
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::printf("%s\"%s\"", i == 0 ? "" : ",", list[i].c_str());
    }
    std::printf("]");
  }

 private:
  // Every one so far is as likely to be in the list (Vitter's algorithm R, near enough).
  void Put(std::string text, std::vector<std::string>& list) {
    if (list.size() < most_) {
      list.push_back(std::move(text));
    } else if (random_.Below(8) == 0) {
      list[random_.Below(most_)] = std::move(text);
    }
  }

  const std::size_t most_;
  SplitMix random_{11};
  wire::otlp::Decoder decoder_{wire::otlp::Limits()};
  wire::otlp::SpanBatch batch_;
  std::vector<std::string> ids_, orders_;
};

}  // namespace
}  // namespace ronda::bench

int main(int argc, char** argv) {
  using namespace ronda::bench;
  const Flags flags(argc, argv);
  const int port = flags.Int("--port", 0);
  if (port == 0) Fail("--port is missing");
  const auto spans = static_cast<std::uint64_t>(flags.Number("--spans", 1'000'000));
  const double rate = flags.Number("--rate", 0);
  const auto connections = static_cast<std::size_t>(std::max(1, flags.Int("--connections", 2)));
  Sample sample(static_cast<std::size_t>(std::max(1, flags.Int("--sample", 500))));

  ReferenceSet set(static_cast<std::uint64_t>(flags.Int("--seed", 1)));
  Queue queue(2 * connections);
  std::vector<Counts> counts(connections);
  std::vector<std::thread> senders;
  for (Counts& each : counts) {
    senders.emplace_back(
        [&, gzip = flags.Int("--gzip", 0) != 0] { Send(port, gzip, queue, each); });
  }
  const std::uint64_t start = NowNs();
  std::uint64_t made = 0;
  for (std::uint64_t i = 0; made < spans; ++i) {
    ReferenceSet::Request request = set.Next();
    if (i % 16 == 0) sample.Take(request);
    if (rate > 0) {
      const auto due = start + static_cast<std::uint64_t>(static_cast<double>(made) / rate * 1e9);
      const std::uint64_t now = NowNs();
      if (due > now) std::this_thread::sleep_for(std::chrono::nanoseconds(due - now));
    }
    made += request.spans;
    queue.Push(std::move(request));
  }
  queue.End();
  for (std::thread& sender : senders) sender.join();
  const double seconds = static_cast<double>(NowNs() - start) / 1e9;

  Counts all;
  for (Counts& each : counts) {
    all.spans += each.spans;
    all.requests += each.requests;
    all.sent_away += each.sent_away;
    all.refused += each.refused;
    all.ms.insert(all.ms.end(), each.ms.begin(), each.ms.end());
  }
  std::ranges::sort(all.ms);
  const auto at = [&](double q) {
    return all.ms[std::min(all.ms.size() - 1,
                           static_cast<std::size_t>(q * static_cast<double>(all.ms.size())))];
  };
  std::printf(
      "{\"spans\":%lu,\"requests\":%lu,\"refused\":%lu,\"sent_away\":%lu,\"seconds\":%.3f,"
      "\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f,\"ack_max_ms\":%.3f",
      all.spans, all.requests, all.refused, all.sent_away, seconds, at(0.5), at(0.99), at(1));
  sample.Print("ids");
  sample.Print("orders");
  std::printf("}\n");
  return all.refused == 0 && all.spans == made ? 0 : 1;
}
