#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/codec/content_decoder.h"
#include "net/error_kind.h"

namespace ronda::net {

// The body of one response as it comes in pieces: counted, limited, decoded, and kept, streamed or
// dropped as the request says. Embedded in an exchange and reused; one thread.
class ResponseBody {
 public:
  // kGone: the handler ended the exchange from inside OnBody; touch nothing of it.
  enum class Verdict : std::uint8_t { kOk, kStop, kFailed, kGone };

  // `encoding`: the Content-Encoding header's value; `expected`: bytes announced, or 0.
  [[nodiscard]] Verdict Start(const HttpRequest& request, ExchangeHandler& handler,
                              std::string_view encoding, std::uint64_t expected);
  // The next bytes as they came on the wire.
  [[nodiscard]] Verdict Add(std::string_view piece);
  // The body is complete.
  [[nodiscard]] Verdict Finish();

  // What was kept, decoded; 64 readable bytes follow. Valid until Reset, and only after Finish.
  [[nodiscard]] std::string_view view();
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] std::uint64_t wire_bytes() const { return wire_bytes_; }
  [[nodiscard]] Failure TakeFailure() { return std::move(failure_); }
  // Forgets the body; keeps a small buffer for the next.
  void Reset();

 private:
  Verdict Deliver(std::string_view decoded);
  Verdict Decode(std::string_view piece);

  const HttpRequest* request_ = nullptr;
  ExchangeHandler* handler_ = nullptr;
  std::uint32_t generation_ = 0;
  bool decoding_ = false;
  bool truncated_ = false;
  std::uint64_t wire_bytes_ = 0;
  std::string kept_;
  ContentDecoder decoder_;
  Failure failure_;
};

}  // namespace ronda::net
