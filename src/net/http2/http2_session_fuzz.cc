#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "net/http2/session.h"

namespace ronda::net {
namespace {

// Checks the order of what it is told.
class Stream : public Http2Stream {
 public:
  void OnHead(int status, std::span<const HeaderView> headers, EndStream) override {
    CHECK(!closed && !final_head);
    final_head = status >= 200;
    for (const HeaderView& h : headers) CHECK(!h.name.empty() && h.name[0] != ':');
  }
  void OnData(std::string_view piece) override {
    CHECK(!closed && final_head && !piece.empty());
    if (piece[0] == 'R') session->Reset(*this);
  }
  void OnTrailers(std::span<const HeaderView>) override { CHECK(!closed && final_head); }
  void OnClose(const Http2Close& close) override {
    CHECK(!closed && !open());
    CHECK(close.end != Http2End::kDone || final_head);
    CHECK((close.end == Http2End::kDone) == close.detail.empty());
    closed = true;
  }

  Http2Session* session = nullptr;
  bool final_head = false, closed = false;
};

}  // namespace

// What a server sends, raw, after three requests. The first byte is the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = data[0] == 0 ? bytes.size() + 1 : data[0];
  const auto session = Http2Session::Create({.max_header_list = 2000, .max_idle_frames = 100});
  std::array<Stream, 3> streams;
  std::string out;
  for (Stream& stream : streams) {
    stream.session = session.get();
    CHECK(session->Submit({.method = "POST", .authority = "h", .body = "body"}, stream).ok());
  }
  bool ok = session->Collect(out, 1 << 20).ok();
  CHECK(ok);
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, step));
    bytes.remove_prefix(piece.size());
    const bool received = session->Receive(piece).ok();
    ok = session->Collect(out, out.size() + (1 << 20)).ok() && received;
    if (!ok) break;
  }
  CHECK(out.size() < (1 << 20));
  session->Fail("end");
  for (Stream& stream : streams) CHECK(!stream.open());
  CHECK(session->open_streams() == 0);
  CHECK(!session->Receive("x").ok());
  return 0;
}

}  // namespace ronda::net
