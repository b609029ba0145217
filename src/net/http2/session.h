#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "net/http2/frame_memory.h"
#include "net/message.h"

namespace ronda::net {

// How a stream ended.
enum class Http2End : std::uint8_t {
  kDone,            // the response is complete
  kRefused,  // the server has not acted on it (GOAWAY below its id, REFUSED_STREAM): safe to retry
  kReset,  // RST_STREAM by the server, or the stream broke the protocol
  kHeadTooLarge,  // a header list over the limit; we reset it
  kBodySource,  // the request's BodySource failed; we reset it
  kConnection,  // the connection ended or broke
};
[[nodiscard]] std::string_view NameOf(Http2End end);

struct Http2Close {
  Http2End end = Http2End::kDone;
  std::uint32_t code = 0;  // RFC 9113 error code
  std::string_view detail;  // for people; valid during the call
};

// "ENHANCE_YOUR_CALM" and the like.
[[nodiscard]] std::string_view Http2ErrorName(std::uint32_t code);

enum class EndStream : std::uint8_t { kNo, kYes };

// What the request that asked for the upgrade was: a HEAD has no body in its answer.
enum class UpgradedMethod : std::uint8_t { kHead, kOther };

// One request and its response. Embedded by the caller; borrowed by the session from Submit until
// OnClose (called exactly once) or until Reset returns. All calls on the session's thread, from
// inside Receive, Collect or Fail. A callback may Submit and Reset, but not destroy the session.
class Http2Stream {
 public:
  Http2Stream() = default;
  virtual ~Http2Stream();
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

  // A response head; 1xx heads come first. Pseudo-headers are not among `headers`; views are valid
  // during the call.
  virtual void OnHead(int status, std::span<const HeaderView> headers, EndStream end) = 0;
  virtual void OnData(std::string_view piece) = 0;
  virtual void OnTrailers(std::span<const HeaderView>) {}
  // The last byte of the request was handed to Collect's output.
  virtual void OnSent() {}
  // No more calls for this stream; it may be submitted again.
  virtual void OnClose(const Http2Close& close) = 0;

  [[nodiscard]] bool open() const { return id_ > 0; }
  [[nodiscard]] std::int32_t id() const { return id_; }

 private:
  friend class Http2SessionImpl;
  std::int32_t id_ = 0;
  Http2Stream* next_ = nullptr;  // the session's open streams
  Http2Stream** self_ = nullptr;  // what points to this one
  std::string_view body_;  // what is still to be sent
  BodySource* source_ = nullptr;
  Http2End failure_ = Http2End::kDone;  // why we gave it up ourselves, or kDone
  bool head_sent_ = false;
  bool head_seen_ = false;  // a final (not 1xx) head
  bool end_seen_ = false;  // END_STREAM came
  bool peer_reset_ = false;  // RST_STREAM came
};

// What Submit sends. The views stay the caller's until OnClose or Reset. Header names of any case;
// Host becomes :authority; Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding and Upgrade
// are left out, as HTTP/2 forbids them (RFC 9113, 8.2.2). Content-Length is added for a body of
// known size.
struct Http2Request {
  std::string_view method = "GET";
  std::string_view scheme = "https";
  std::string_view authority = {};
  std::string_view path = "/";
  std::span<const HeaderView> headers = {};
  std::span<const HeaderView> more_headers = {};
  std::string_view body = {};
  BodySource* body_source = nullptr;  // instead of `body`
};

// The client's end of one HTTP/2 connection (RFC 9113) over nghttp2: bytes in, bytes out. Owned by
// one connection, one thread. In steady state it allocates nothing of its own a stream; nghttp2
// does, from Options::memory.
//
//   s = Http2Session::Create({}); s->Submit(...); s->Collect(out); write `out`;
//   on bytes: s->Receive(bytes); s->Collect(out); write; close when finished() and nothing to
//   write.
//
// Hostile servers are bounded: size of a header list, CONTINUATION, SETTINGS and PING floods,
// frames that carry nothing (empty DATA, PRIORITY, unknown types), 1xx without end. A server that
// goes too far gets GOAWAY ENHANCE_YOUR_CALM and Receive fails.
class Http2Session {
 public:
  struct Options {
    std::uint32_t stream_window = 4 * 1024 * 1024;  // bytes, SETTINGS_INITIAL_WINDOW_SIZE
    std::uint32_t connection_window = 16 * 1024 * 1024;
    std::uint32_t max_header_list = 64 * 1024;  // bytes of one head, names and values
    std::uint32_t max_streams = 100;  // of ours at once; the peer may allow less
    FrameMemory* memory = nullptr;  // borrowed, outlives the session; null: the heap
    std::uint32_t max_idle_frames = 10'000;  // frames in a row that bring nothing forward
  };

  // The connection preface and SETTINGS are the first output of Collect (prior knowledge and ALPN).
  [[nodiscard]] static std::unique_ptr<Http2Session> Create(const Options& options);
  virtual ~Http2Session() = default;

  // For "Upgrade: h2c" (RFC 7540, 3.2): the value of the HTTP2-Settings header to send, and, once
  // the server said 101, the stream (id 1) that takes the response to the request already sent.
  // Call Upgrade before Receive and Collect.
  [[nodiscard]] virtual std::string UpgradeSettings() const = 0;
  [[nodiscard]] virtual base::Status Upgrade(UpgradedMethod method, Http2Stream& stream) = 0;

  // How many more streams may be submitted now: the smaller of our limit and the peer's
  // SETTINGS_MAX_CONCURRENT_STREAMS, less those open; 0 after GOAWAY or when ids are used up.
  [[nodiscard]] virtual std::uint32_t Room() const = 0;
  [[nodiscard]] virtual std::uint32_t open_streams() const = 0;

  // FailedPrecondition when Room() is 0. InvalidArgument for a name or value that may not be sent.
  [[nodiscard]] virtual base::Status Submit(const Http2Request& request, Http2Stream& stream) = 0;
  // Cancels: RST_STREAM(CANCEL) goes out with the next Collect; no callback comes any more.
  virtual void Reset(Http2Stream& stream) = 0;

  // Bytes from the peer, all consumed.
  [[nodiscard]] virtual base::Status Receive(std::string_view bytes) = 0;
  // Appends what has to be sent, until nothing is left or `out` holds `max` bytes or more.
  //
  // An error of either means that the connection is done for: send what Collect appended (the
  // GOAWAY that tells the server why), then Fail and close. Call Collect also after an error of
  // Receive.
  [[nodiscard]] virtual base::Status Collect(std::string& out, std::size_t max) = 0;
  [[nodiscard]] virtual bool WantsWrite() const = 0;

  // The peer will take no new streams (GOAWAY), or the session broke.
  [[nodiscard]] virtual bool closing() const = 0;
  // Nothing is left to read or write: close.
  [[nodiscard]] virtual bool finished() const = 0;
  struct GoAway {
    std::int32_t last_stream = 0;
    std::uint32_t code = 0;
    std::string debug;
  };
  [[nodiscard]] virtual const std::optional<GoAway>& goaway() const = 0;

  // Announces that we go (GOAWAY NO_ERROR); open streams may finish.
  virtual void Shutdown() = 0;
  // The connection is gone: OnClose(kConnection, `detail`) for every open stream.
  virtual void Fail(std::string_view detail) = 0;
};

}  // namespace ronda::net
