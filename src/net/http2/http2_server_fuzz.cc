#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/check.h"
#include "net/http2/session.h"

namespace ronda::net {

// Two well-behaved ends and a fuzzed history: requests, responses, resets, GOAWAY, settings, pings,
// lost connections. Every request must end exactly once, and what is said to be complete must be.
namespace {

struct Peer {
  nghttp2_session* session = nullptr;
  std::map<std::int32_t, std::size_t> bodies;  // bytes still to be sent
  std::map<std::int32_t, std::size_t> promised;  // bytes in all
  std::vector<std::int32_t> waiting;
};

ssize_t ReadBody(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                 std::uint32_t* flags, nghttp2_data_source* source, void*) {
  std::size_t& left = static_cast<Peer*>(source->ptr)->bodies[id];
  const std::size_t n = std::min(size, left);
  std::fill_n(into, n, 'b');
  left -= n;
  if (left == 0) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(n);
}

class Stream : public Http2Stream {
 public:
  void OnHead(int s, std::span<const HeaderView>, EndStream) override { status = s; }
  void OnData(std::string_view piece) override { received += piece.size(); }
  void OnClose(const Http2Close& c) override {
    CHECK(closes == 0);
    ++closes;
    end = c.end;
  }
  int status = 0, closes = 0;
  bool reset = false;
  std::size_t received = 0;
  std::int32_t my_id = 0;
  Http2End end = Http2End::kDone;
};

class World {
 public:
  World() {
    nghttp2_session_callbacks* c = nullptr;
    nghttp2_session_callbacks_new(&c);
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        c, [](nghttp2_session*, const nghttp2_frame* f, void* user) {
          if (f->hd.type == NGHTTP2_HEADERS) {
            static_cast<Peer*>(user)->waiting.push_back(f->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_server_new(&peer_.session, c, &peer_);
    nghttp2_session_callbacks_del(c);
    nghttp2_submit_settings(peer_.session, NGHTTP2_FLAG_NONE, nullptr, 0);
    client_ = Http2Session::Create({.max_streams = 8});
  }
  ~World() {
    client_->Fail("end");
    for (const auto& s : streams_) {
      CHECK(!s->open());
      CHECK(s->closes == (s->reset ? 0 : 1));
      if (s->closes == 1 && s->end == Http2End::kDone) {
        CHECK(s->status == 200 && s->received == peer_.promised[s->my_id]);
      }
    }
    CHECK(client_->open_streams() == 0);
    client_.reset();
    nghttp2_session_del(peer_.session);
  }

  void Act(std::uint8_t action, std::uint8_t value) {
    switch (action % 10) {
      case 0: Request(value); break;
      case 1: Respond(value); break;
      case 2: ToServer(); break;
      case 3: ToClient(value); break;
      case 4: ResetByServer(value); break;
      case 5: ResetByClient(value); break;
      case 6:
        nghttp2_submit_goaway(peer_.session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(peer_.session), value,
                              nullptr, 0);
        break;
      case 7: nghttp2_submit_ping(peer_.session, NGHTTP2_FLAG_NONE, nullptr); break;
      case 8: {
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, value % 10u};
        nghttp2_submit_settings(peer_.session, NGHTTP2_FLAG_NONE, &entry, 1);
        break;
      }
      default:
        if (value == 0) client_->Shutdown();
    }
  }

 private:
  void Request(std::uint8_t value) {
    if (client_->Room() == 0) return;
    CHECK(client_->open_streams() < 8);
    streams_.push_back(std::make_unique<Stream>());
    const std::string_view body = value % 2 == 0 ? std::string_view() : "some bytes";
    CHECK(client_->Submit({.authority = "h", .body = body}, *streams_.back()).ok());
    streams_.back()->my_id = streams_.back()->id();
  }
  void Respond(std::uint8_t value) {
    if (peer_.waiting.empty()) return;
    const std::size_t at = value % peer_.waiting.size();
    const std::int32_t id = peer_.waiting[at];
    peer_.waiting.erase(peer_.waiting.begin() + static_cast<std::ptrdiff_t>(at));
    peer_.bodies[id] = peer_.promised[id] = std::size_t{value} * 301;
    nghttp2_nv status{};
    std::string name = ":status", text = "200";
    status.name = reinterpret_cast<std::uint8_t*>(name.data());
    status.value = reinterpret_cast<std::uint8_t*>(text.data());
    status.namelen = name.size();
    status.valuelen = text.size();
    nghttp2_data_provider body{};
    body.source.ptr = &peer_;
    body.read_callback = ReadBody;
    nghttp2_submit_response(peer_.session, id, &status, 1, &body);
  }
  void ToServer() {
    std::string out;
    if (!client_->Collect(out, 100'000).ok()) broken_ = true;
    if (nghttp2_session_mem_recv(peer_.session, reinterpret_cast<const std::uint8_t*>(out.data()),
                                 out.size()) < 0) {
      CHECK(false);  // we must not send what a server cannot read
    }
  }
  void ToClient(std::uint8_t value) {
    const std::uint8_t* data = nullptr;
    std::string in;
    for (ssize_t n; (n = nghttp2_session_mem_send(peer_.session, &data)) > 0;) {
      in.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
    }
    const std::size_t step = 1 + std::size_t{value} * 64;
    for (std::size_t at = 0; at < in.size() && !broken_; at += step) {
      const std::string piece = in.substr(at, step);
      broken_ = !client_->Receive(piece).ok();
      CHECK(!broken_);  // the server is well-behaved
    }
  }
  void ResetByServer(std::uint8_t value) {
    if (streams_.empty()) return;
    nghttp2_submit_rst_stream(peer_.session, NGHTTP2_FLAG_NONE,
                              streams_[value % streams_.size()]->my_id, value % 14u);
  }
  void ResetByClient(std::uint8_t value) {
    if (streams_.empty()) return;
    Stream& stream = *streams_[value % streams_.size()];
    if (!stream.open()) return;
    client_->Reset(stream);
    stream.reset = true;
  }

  Peer peer_;
  std::unique_ptr<Http2Session> client_;
  std::vector<std::unique_ptr<Stream>> streams_;
  bool broken_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 600) return 0;
  World world;
  for (; size >= 2; data += 2, size -= 2) world.Act(data[0], data[1]);
  return 0;
}

}  // namespace ronda::net
