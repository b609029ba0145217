#include "net/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/core/check.h"
#include "net/http1/syntax.h"

namespace ronda::net {
namespace {

using http1::EqualsLower;

constexpr std::size_t kMaxSettings = 3;
constexpr std::uint64_t kIdleFrameBytes = 1024;  // of max_idle_frames, on average
constexpr std::size_t kDebugText = 200;  // of a GOAWAY, kept for people

std::string_view View(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::string_view View(nghttp2_rcbuf* buffer) {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return View(bytes.base, bytes.len);
}

std::uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// Fields that belong to a connection of HTTP/1 (RFC 9113, 8.2.2).
bool IsForbidden(const HeaderView& header) {
  switch (header.name.size()) {
    case 2: return EqualsLower(header.name, "te") && !EqualsLower(header.value, "trailers");
    case 7: return EqualsLower(header.name, "upgrade");
    case 10:
      return EqualsLower(header.name, "connection") || EqualsLower(header.name, "keep-alive");
    case 16: return EqualsLower(header.name, "proxy-connection");
    case 17: return EqualsLower(header.name, "transfer-encoding");
    default: return false;
  }
}

// Values without control characters are the usual ones; only CR, LF and NUL may not be sent.
bool IsValue(std::string_view value) {
  const char* const end = value.end();
  const char* const control = http1::FindControl(value.begin(), end);
  return control == end ||
         std::none_of(control, end, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// The pair for nghttp2. Values stay with the caller until the frame was made; names too, unless
// they have to become lower case, which nghttp2 does as it copies.
nghttp2_nv Pair(std::string_view name, std::string_view value) {
  std::uint8_t flags = NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  if (std::ranges::none_of(name, IsUpper)) flags |= NGHTTP2_NV_FLAG_NO_COPY_NAME;
  return {Bytes(name), Bytes(value), name.size(), value.size(), flags};
}

nghttp2_mem MemoryOf(FrameMemory* memory) {
  static constexpr auto kOf = [](void* user) -> FrameMemory& {
    return *static_cast<FrameMemory*>(user);
  };
  return {memory, [](std::size_t size, void* user) { return kOf(user).Allocate(size); },
          [](void* block, void* user) { kOf(user).Free(block); },
          [](std::size_t count, std::size_t size, void* user) {
            return kOf(user).AllocateZeroed(count * size);
          },
          [](void* block, std::size_t size, void* user) { return kOf(user).Resize(block, size); }};
}

}  // namespace

std::string_view NameOf(Http2End end) {
  switch (end) {
    case Http2End::kDone: return "done";
    case Http2End::kRefused: return "refused";
    case Http2End::kReset: return "reset";
    case Http2End::kHeadTooLarge: return "head-too-large";
    case Http2End::kBodySource: return "body-source";
    case Http2End::kConnection: return "connection";
  }
  return "unknown";
}

std::string_view Http2ErrorName(std::uint32_t code) { return nghttp2_http2_strerror(code); }

Http2Stream::~Http2Stream() { DCHECK(!open()); }

// Not in the anonymous namespace: Http2Stream names it as its friend.
class Http2SessionImpl : public Http2Session {
 public:
  explicit Http2SessionImpl(const Options& options);
  ~Http2SessionImpl() override;
  Http2SessionImpl(const Http2SessionImpl&) = delete;
  Http2SessionImpl& operator=(const Http2SessionImpl&) = delete;

  std::string UpgradeSettings() const override;
  base::Status Upgrade(UpgradedMethod method, Http2Stream& stream) override;
  std::uint32_t Room() const override;
  std::uint32_t open_streams() const override { return open_; }
  base::Status Submit(const Http2Request& request, Http2Stream& stream) override;
  void Reset(Http2Stream& stream) override;
  base::Status Receive(std::string_view bytes) override;
  base::Status Collect(std::string& out, std::size_t max) override;
  bool WantsWrite() const override { return nghttp2_session_want_write(session_) != 0; }
  bool closing() const override { return broken_ || shut_down_ || goaway_.has_value(); }
  bool finished() const override {
    return nghttp2_session_want_read(session_) == 0 && !WantsWrite();
  }
  const std::optional<GoAway>& goaway() const override { return goaway_; }
  void Shutdown() override;
  void Fail(std::string_view detail) override;

 private:
  static Http2SessionImpl& Of(void* user) { return *static_cast<Http2SessionImpl*>(user); }
  static nghttp2_session_callbacks* MakeCallbacks();
  Http2Stream* StreamOf(std::int32_t id) const {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
  }

  std::array<nghttp2_settings_entry, kMaxSettings> Settings() const;
  base::Status AddHeaders(std::span<const HeaderView> headers, std::string_view& authority,
                          bool& has_length);
  void Link(Http2Stream& stream, std::int32_t id);
  void Unlink(Http2Stream& stream);
  base::Status Break(std::string_view what);
  base::Status Broken() const { return base::Aborted("HTTP/2 connection error: " + broken_text_); }
  Http2End EndOf(const Http2Stream& stream, std::uint32_t code) const;
  std::string_view DetailOf(const Http2Stream& stream, Http2End end, std::uint32_t code);
  void ReleaseHeaders();

  void Progress() { idle_frames_ = 0, idle_bytes_ = 0; }
  std::string Calm();

  int OnBeginFrame();
  int OnHeader(std::int32_t id, nghttp2_rcbuf* name, nghttp2_rcbuf* value);
  void OnHeaders(const nghttp2_frame& frame);
  void OnFrame(const nghttp2_frame& frame);
  int OnDataChunk(std::int32_t id, std::string_view piece);
  void OnFrameSent(const nghttp2_frame& frame);
  void OnStreamClosed(std::int32_t id, std::uint32_t code);
  ssize_t ReadBody(std::int32_t id, std::span<char> into, std::uint32_t& flags);

  Options options_;
  nghttp2_session* session_ = nullptr;
  Http2Stream* streams_ = nullptr;
  std::uint32_t open_ = 0;
  // Received since something was last brought forward.
  std::uint32_t idle_frames_ = 0;
  std::uint64_t idle_bytes_ = 0;
  bool broken_ = false;
  bool shut_down_ = false;
  std::optional<GoAway> goaway_;
  std::string broken_text_;
  std::string last_error_;   // what nghttp2 said about the frame that was wrong
  std::string detail_;       // of the close that is being told
  std::vector<nghttp2_nv> pairs_;         // of the request being submitted
  int status_ = 0;                        // of the header block being read; 0: trailers
  std::size_t header_bytes_ = 0;          // of that block
  std::vector<HeaderView> headers_;       // of that block
  std::vector<nghttp2_rcbuf*> buffers_;   // what they view
};

std::unique_ptr<Http2Session> Http2Session::Create(const Options& options) {
  return std::make_unique<Http2SessionImpl>(options);
}

nghttp2_session_callbacks* Http2SessionImpl::MakeCallbacks() {
  nghttp2_session_callbacks* c = nullptr;
  CHECK(nghttp2_session_callbacks_new(&c) == 0);
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      c, [](nghttp2_session*, const nghttp2_frame_hd*, void* user) {
        return Of(user).OnBeginFrame();
      });
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      c, [](nghttp2_session*, const nghttp2_frame*, void* user) {
        Of(user).ReleaseHeaders();
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback2(
      c,
      [](nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
         std::uint8_t, void* user) { return Of(user).OnHeader(frame->hd.stream_id, name, value); });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Of(user).OnFrame(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      c, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
            std::size_t size, void* user) { return Of(user).OnDataChunk(id, View(data, size)); });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      c, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
        Of(user).OnStreamClosed(id, code);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Of(user).OnFrameSent(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_not_send_callback(
      c, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        Http2Stream* const stream = Of(user).StreamOf(frame->hd.stream_id);
        if (frame->hd.type == NGHTTP2_HEADERS && stream != nullptr) {
          stream->failure_ = Http2End::kRefused;
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      c, [](nghttp2_session*, const nghttp2_frame*, int error, void* user) {
        std::string& text = Of(user).last_error_;
        if (text.empty()) text = nghttp2_strerror(error);
        return 0;
      });
  nghttp2_session_callbacks_set_error_callback2(
      c, [](nghttp2_session*, int, const char* text, std::size_t size, void* user) {
        Of(user).last_error_.assign(text, size);
        return 0;
      });
  return c;
}

Http2SessionImpl::Http2SessionImpl(const Options& options) : options_(options) {
  nghttp2_session_callbacks* const callbacks = MakeCallbacks();
  nghttp2_option* option = nullptr;
  CHECK(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, options.max_streams);
  nghttp2_mem memory = MemoryOf(options.memory);
  CHECK(nghttp2_session_client_new3(&session_, callbacks, this, option,
                                    options.memory != nullptr ? &memory : nullptr) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);

  const auto settings = Settings();
  CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) ==
        0);
  CHECK(nghttp2_session_set_local_window_size(
            session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(options.connection_window)) ==
        0);
}

Http2SessionImpl::~Http2SessionImpl() {
  while (streams_ != nullptr) Unlink(*streams_);
  ReleaseHeaders();
  nghttp2_session_del(session_);
}

std::array<nghttp2_settings_entry, kMaxSettings> Http2SessionImpl::Settings() const {
  return {{{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
           {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.stream_window},
           {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options_.max_header_list}}};
}

std::string Http2SessionImpl::UpgradeSettings() const {
  std::array<std::uint8_t, kMaxSettings * 6> payload;
  const auto settings = Settings();
  const ssize_t size = nghttp2_pack_settings_payload(payload.data(), payload.size(),
                                                     settings.data(), settings.size());
  CHECK(size > 0 && size % 3 == 0);  // so that base64url has no rest
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); i += 3) {
    const std::uint32_t bits = (payload[i] << 16u) | (payload[i + 1] << 8u) | payload[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[(bits >> shift) & 63];
  }
  return text;
}

base::Status Http2SessionImpl::Upgrade(UpgradedMethod method, Http2Stream& stream) {
  CHECK(!stream.open());
  std::array<std::uint8_t, kMaxSettings * 6> payload;
  const auto settings = Settings();
  const ssize_t size = nghttp2_pack_settings_payload(payload.data(), payload.size(),
                                                     settings.data(), settings.size());
  const int error =
      nghttp2_session_upgrade2(session_, payload.data(), static_cast<std::size_t>(size),
                               method == UpgradedMethod::kHead, &stream);
  if (error != 0) return base::FailedPrecondition(nghttp2_strerror(error));
  stream.body_ = {};
  stream.source_ = nullptr;
  Link(stream, 1);
  stream.head_sent_ = true;
  return base::Ok();
}

void Http2SessionImpl::Link(Http2Stream& stream, std::int32_t id) {
  stream.id_ = id;
  stream.failure_ = Http2End::kDone;
  stream.head_sent_ = stream.head_seen_ = stream.end_seen_ = stream.peer_reset_ = false;
  stream.next_ = streams_;
  stream.self_ = &streams_;
  if (streams_ != nullptr) streams_->self_ = &stream.next_;
  streams_ = &stream;
  ++open_;
}

void Http2SessionImpl::Unlink(Http2Stream& stream) {
  *stream.self_ = stream.next_;
  if (stream.next_ != nullptr) stream.next_->self_ = stream.self_;
  stream.next_ = nullptr;
  stream.self_ = nullptr;
  stream.id_ = 0;
  --open_;
}

std::uint32_t Http2SessionImpl::Room() const {
  if (closing() || nghttp2_session_check_request_allowed(session_) == 0) return 0;
  const std::uint32_t limit = std::min(
      options_.max_streams,
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return limit > open_ ? limit - open_ : 0;
}

base::Status Http2SessionImpl::AddHeaders(std::span<const HeaderView> headers,
                                          std::string_view& authority, bool& has_length) {
  for (const HeaderView& header : headers) {
    if (!http1::IsToken(header.name)) {
      return base::InvalidArgument("header name \"" + std::string(header.name.substr(0, 80)) +
                                   "\" is not a token (RFC 9110, 5.6.2)");
    }
    if (!IsValue(header.value)) {
      return base::InvalidArgument("the value of header \"" +
                                   std::string(header.name.substr(0, 80)) +
                                   "\" holds a CR, LF or NUL");
    }
    if (EqualsLower(header.name, "host")) {
      authority = header.value;
    } else if (!IsForbidden(header)) {
      has_length |= EqualsLower(header.name, "content-length");
      pairs_.push_back(Pair(header.name, header.value));
    }
  }
  return base::Ok();
}

base::Status Http2SessionImpl::Submit(const Http2Request& request, Http2Stream& stream) {
  CHECK(!stream.open());
  if (Room() == 0) return base::FailedPrecondition("no room for another stream");
  if (!http1::IsToken(request.method) || request.path.empty() || !IsValue(request.path) ||
      !IsValue(request.authority)) {
    return base::InvalidArgument("method, path or host holds a character that may not be sent");
  }
  const bool connect = request.method == "CONNECT";
  const std::size_t pseudo = connect ? 2 : 4;
  std::string_view authority = request.authority;
  bool has_length = false;
  pairs_.assign(pseudo, {});
  RETURN_IF_ERROR(AddHeaders(request.headers, authority, has_length));
  RETURN_IF_ERROR(AddHeaders(request.more_headers, authority, has_length));
  pairs_[0] = Pair(":method", request.method);
  pairs_[1] = Pair(":authority", authority);
  if (!connect) {
    pairs_[2] = Pair(":scheme", request.scheme);
    pairs_[3] = Pair(":path", request.path);
  }

  const bool has_body = request.body_source != nullptr || !request.body.empty();
  const std::optional<std::uint64_t> size =
      request.body_source != nullptr ? request.body_source->size() : request.body.size();
  std::array<char, 20> digits;
  if (has_body && size.has_value() && !has_length) {
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), *size).ptr;
    nghttp2_nv pair =
        Pair("content-length", {digits.data(), static_cast<std::size_t>(end - digits.data())});
    pair.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
    pairs_.push_back(pair);
  }

  nghttp2_data_provider body{};
  body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                          std::uint32_t* flags, nghttp2_data_source*, void* user) {
    return Of(user).ReadBody(id, {reinterpret_cast<char*>(into), size}, *flags);
  };
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, pairs_.data(), pairs_.size(),
                                                 has_body ? &body : nullptr, &stream);
  if (id < 0) return base::FailedPrecondition(nghttp2_strerror(id));
  stream.body_ = request.body;
  stream.source_ = request.body_source;
  Link(stream, id);
  return base::Ok();
}

void Http2SessionImpl::Reset(Http2Stream& stream) {
  if (!stream.open()) return;
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_CANCEL);
  Unlink(stream);
}

base::Status Http2SessionImpl::Receive(std::string_view bytes) {
  if (broken_) return Broken();
  last_error_.clear();
  // Frames of unknown types are skipped by nghttp2 without a word; their bytes count.
  idle_bytes_ += bytes.size();
  if (idle_bytes_ > std::uint64_t{options_.max_idle_frames} * kIdleFrameBytes + bytes.size()) {
    return Break(Calm());
  }
  const ssize_t used = nghttp2_session_mem_recv(session_, Bytes(bytes), bytes.size());
  if (used < 0) return Break(nghttp2_strerror(static_cast<int>(used)));
  return broken_ ? Broken() : base::Ok();
}

base::Status Http2SessionImpl::Collect(std::string& out, std::size_t max) {
  const bool was_broken = broken_;
  while (out.size() < max) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) return Break(nghttp2_strerror(static_cast<int>(size)));
    if (size == 0) break;
    out.append(View(data, static_cast<std::size_t>(size)));
  }
  return broken_ && !was_broken ? Broken() : base::Ok();
}

// Nothing can be trusted any more. `what` is said unless a reason is known already.
base::Status Http2SessionImpl::Break(std::string_view what) {
  if (!broken_) broken_text_ = last_error_.empty() ? what : last_error_;
  broken_ = true;
  return Broken();
}

void Http2SessionImpl::Shutdown() {
  shut_down_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2SessionImpl::Fail(std::string_view detail) {
  broken_ = true;
  if (broken_text_.empty()) broken_text_ = detail;
  while (streams_ != nullptr) {
    Http2Stream& stream = *streams_;
    nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
    const Http2End end = stream.head_sent_ ? Http2End::kConnection : Http2End::kRefused;
    Unlink(stream);
    stream.OnClose({end, 0, detail});
  }
}

void Http2SessionImpl::ReleaseHeaders() {
  for (nghttp2_rcbuf* const buffer : buffers_) nghttp2_rcbuf_decref(buffer);
  buffers_.clear();
  headers_.clear();
  header_bytes_ = 0;
  status_ = 0;
}

int Http2SessionImpl::OnBeginFrame() {
  if (++idle_frames_ <= options_.max_idle_frames) return 0;
  last_error_ = Calm();
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Tells the server that it goes too far; what to say of it.
std::string Http2SessionImpl::Calm() {
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  return "the server sent more than " + std::to_string(options_.max_idle_frames) +
         " frames in a row that bring nothing forward";
}

int Http2SessionImpl::OnHeader(std::int32_t id, nghttp2_rcbuf* name, nghttp2_rcbuf* value) {
  const HeaderView header{View(name), View(value)};
  constexpr std::size_t kOverhead = 32;  // RFC 9113, 6.5.2
  header_bytes_ += header.name.size() + header.value.size() + kOverhead;
  if (header_bytes_ > options_.max_header_list) {
    Http2Stream* const stream = StreamOf(id);
    if (stream != nullptr) stream->failure_ = Http2End::kHeadTooLarge;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (header.name.starts_with(':')) {
    // nghttp2 lets nothing but ":status" with three digits pass.
    std::from_chars(header.value.data(), header.value.data() + header.value.size(), status_);
    return 0;
  }
  nghttp2_rcbuf_incref(name);
  nghttp2_rcbuf_incref(value);
  buffers_.push_back(name);
  buffers_.push_back(value);
  headers_.push_back(header);
  return 0;
}

void Http2SessionImpl::OnFrame(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS: OnHeaders(frame); break;
    case NGHTTP2_DATA:
      if (Http2Stream* const stream = StreamOf(frame.hd.stream_id); stream != nullptr && ends) {
        stream->end_seen_ = true;
        Progress();
      }
      break;
    case NGHTTP2_RST_STREAM:
      if (Http2Stream* const stream = StreamOf(frame.hd.stream_id); stream != nullptr) {
        stream->peer_reset_ = true;
        Progress();
      }
      break;
    case NGHTTP2_GOAWAY:
      goaway_ = GoAway{frame.goaway.last_stream_id, frame.goaway.error_code,
                       std::string(View(frame.goaway.opaque_data,
                                        std::min(frame.goaway.opaque_data_len, kDebugText)))};
      break;
    default: break;
  }
}

void Http2SessionImpl::OnHeaders(const nghttp2_frame& frame) {
  Http2Stream* const stream = StreamOf(frame.hd.stream_id);
  if (stream != nullptr && stream->failure_ == Http2End::kDone) {
    const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    stream->end_seen_ |= ends;
    if (status_ >= 200) {
      stream->head_seen_ = true;
      Progress();
    }
    if (status_ != 0) {
      stream->OnHead(status_, headers_, ends ? EndStream::kYes : EndStream::kNo);
    } else {
      stream->OnTrailers(headers_);
    }
  }
  ReleaseHeaders();
}

int Http2SessionImpl::OnDataChunk(std::int32_t id, std::string_view piece) {
  if (piece.empty()) return 0;
  Http2Stream* const stream = StreamOf(id);
  if (stream == nullptr) return 0;
  Progress();
  stream->OnData(piece);
  return 0;
}

void Http2SessionImpl::OnFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) {
    static_cast<void>(Break(Http2ErrorName(frame.goaway.error_code)));
    return;
  }
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  Http2Stream* const stream = StreamOf(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->head_sent_ = true;
  Progress();
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->OnSent();
}

ssize_t Http2SessionImpl::ReadBody(std::int32_t id, std::span<char> into, std::uint32_t& flags) {
  Http2Stream* const stream = StreamOf(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (stream->source_ != nullptr) {
    const base::Result<std::size_t> read = stream->source_->Read(into);
    if (!read.ok()) {
      stream->failure_ = Http2End::kBodySource;
      last_error_ = read.status().message();
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (*read == 0) flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(*read);
  }
  const std::size_t size = std::min(into.size(), stream->body_.size());
  std::copy_n(stream->body_.begin(), size, into.data());
  stream->body_.remove_prefix(size);
  if (stream->body_.empty()) flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

Http2End Http2SessionImpl::EndOf(const Http2Stream& stream, std::uint32_t code) const {
  if (stream.failure_ != Http2End::kDone) return stream.failure_;
  if (stream.head_seen_ && stream.end_seen_) return Http2End::kDone;
  return code == NGHTTP2_REFUSED_STREAM ? Http2End::kRefused : Http2End::kReset;
}

std::string_view Http2SessionImpl::DetailOf(const Http2Stream& stream, Http2End end,
                                            std::uint32_t code) {
  switch (end) {
    case Http2End::kDone: return {};
    case Http2End::kHeadTooLarge: return "the response's header list is larger than the limit";
    case Http2End::kBodySource: return last_error_;
    default: break;
  }
  if (stream.peer_reset_) {
    detail_ = "the server reset the stream: ";
    detail_ += Http2ErrorName(code);
  } else if (end == Http2End::kRefused) {
    detail_ = "the server is closing the connection";
    if (goaway_) detail_.append(" (GOAWAY ").append(Http2ErrorName(goaway_->code)).append(")");
    detail_ += " and has not taken this request";
  } else {
    detail_ = "the response breaks the protocol: ";
    detail_ += last_error_.empty() ? Http2ErrorName(code) : std::string_view(last_error_);
  }
  return detail_;
}

void Http2SessionImpl::OnStreamClosed(std::int32_t id, std::uint32_t code) {
  Http2Stream* const stream = StreamOf(id);
  if (stream == nullptr) return;
  const Http2End end = EndOf(*stream, code);
  const std::string_view detail = DetailOf(*stream, end, code);
  Unlink(*stream);
  stream->OnClose({end, code, detail});
}

}  // namespace ronda::net
