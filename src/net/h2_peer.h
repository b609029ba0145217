#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/scripted_server.h"

namespace ronda::net {

// The server's side of one HTTP/2 connection, nghttp2's: answers each complete request by its handler.
// For tests only.
class H2Peer {
 public:
  struct Request {
    std::map<std::string, std::string> headers;
    std::string body;
    std::string reply;  // what is sent back
    std::size_t sent = 0;  // of it
  };
  using Handler = std::function<void(H2Peer&, std::int32_t id, Request&)>;

  H2Peer(ScriptedServer::Peer& peer, Handler handler, std::uint32_t max_streams = 100)
      : peer_(peer), handler_(std::move(handler)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &entry, 1);
  }
  ~H2Peer() { nghttp2_session_del(session); }

  void Run() {
    Flush();
    while (!closing) {
      const std::string bytes = peer_.ReadSome();
      if (bytes.empty()) return;
      if (nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size()) < 0) {
        return;
      }
      Flush();
    }
  }

  void Flush() {
    const std::uint8_t* data = nullptr;
    for (;;) {
      const auto size = nghttp2_session_mem_send(session, &data);
      if (size <= 0) return;
      peer_.Send({reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
    }
  }

  void Reply(std::int32_t id, std::string body, const std::string& status = "200",
             const std::string& encoding = "") {
    Request& request = requests[id];
    request.reply = std::move(body);
    std::vector<nghttp2_nv> headers = {Nv(":status", status), Nv("x-server", "test")};
    if (!encoding.empty()) headers.push_back(Nv("content-encoding", encoding));
    nghttp2_data_provider provider{};
    provider.source.ptr = &request;
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into,
                                std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                                void*) {
      auto& r = *static_cast<Request*>(source->ptr);
      const std::size_t size = r.reply.copy(reinterpret_cast<char*>(into), room, r.sent);
      r.sent += size;
      if (r.sent == r.reply.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(size);
    };
    nghttp2_submit_response(session, id, headers.data(), headers.size(), &provider);
  }

  nghttp2_session* session = nullptr;
  std::map<std::int32_t, Request> requests;
  bool closing = false;
  int handled = 0;

 private:
  static nghttp2_nv Nv(std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* self) {
    static_cast<H2Peer*>(self)->requests[frame->hd.stream_id].headers.emplace(
        std::string(reinterpret_cast<const char*>(name), name_size),
        std::string(reinterpret_cast<const char*>(value), value_size));
    return 0;
  }
  static int OnData(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                    std::size_t size, void* self) {
    static_cast<H2Peer*>(self)->requests[id].body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    auto& peer = *static_cast<H2Peer*>(self);
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      ++peer.handled;
      peer.handler_(peer, frame->hd.stream_id, peer.requests[frame->hd.stream_id]);
    }
    return 0;
  }

  ScriptedServer::Peer& peer_;
  Handler handler_;
};

inline ScriptedServer::Script Serve(H2Peer::Handler handler, std::uint32_t max_streams = 100) {
  return [=](ScriptedServer::Peer& peer) {
    H2Peer(peer, handler, max_streams).Run();
    peer.ShutDownWrite();  // with bytes unread a close would be a reset
    peer.AwaitEnd();
  };
}

}  // namespace ronda::net
