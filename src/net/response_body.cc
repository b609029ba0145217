#include "net/response_body.h"

#include <algorithm>
#include <array>
#include <span>

namespace ronda::net {
namespace {

constexpr std::size_t kSlack = 64;                 // readable bytes behind the body
constexpr std::size_t kReserveAtMost = 1024 * 1024;  // a header may claim anything
constexpr std::size_t kKeepCapacity = 64 * 1024;

}  // namespace

ResponseBody::Verdict ResponseBody::Start(const HttpRequest& request, ExchangeHandler& handler,
                                          std::string_view encoding, std::uint64_t expected) {
  request_ = &request;
  handler_ = &handler;
  decoding_ = false;
  if (request.decode && !encoding.empty()) {
    const base::Status started = decoder_.Start(encoding, request.max_body);
    if (!started.ok()) {
      failure_ = {ErrorKind::kDecode, started.message()};
      return Verdict::kFailed;
    }
    decoding_ = !decoder_.identity();
  }
  if (expected > request.max_body) {
    failure_ = {ErrorKind::kBodyTooLarge, "the response announces " + std::to_string(expected) +
                                              " bytes, allowed are " +
                                              std::to_string(request.max_body)};
    return Verdict::kFailed;
  }
  if (!request.stream) {
    const std::uint64_t room = std::min(expected, request.keep_body);
    kept_.reserve(std::min<std::uint64_t>(room, kReserveAtMost) + kSlack);
  }
  return Verdict::kOk;
}

ResponseBody::Verdict ResponseBody::Add(std::string_view piece) {
  wire_bytes_ += piece.size();
  if (wire_bytes_ > request_->max_body) {
    failure_ = {ErrorKind::kBodyTooLarge,
                "the response has more than " + std::to_string(request_->max_body) + " bytes"};
    return Verdict::kFailed;
  }
  return decoding_ ? Decode(piece) : Deliver(piece);
}

ResponseBody::Verdict ResponseBody::Finish() {
  if (!decoding_ || wire_bytes_ == 0) return Verdict::kOk;
  const base::Status finished = decoder_.Finish();
  if (finished.ok()) return Verdict::kOk;
  failure_ = {ErrorKind::kDecode, finished.message()};
  return Verdict::kFailed;
}

std::string_view ResponseBody::view() {
  const std::size_t size = kept_.size();
  kept_.append(kSlack, '\0');
  return std::string_view(kept_).substr(0, size);
}

void ResponseBody::Reset() {
  ++generation_;
  wire_bytes_ = 0;
  truncated_ = false;
  if (kept_.capacity() > kKeepCapacity) kept_ = std::string();
  kept_.clear();
  failure_ = {};
}

ResponseBody::Verdict ResponseBody::Decode(std::string_view piece) {
  std::array<char, 16 * 1024> out;
  for (;;) {
    const auto written = decoder_.Decode(piece, out);
    if (!written.ok()) {
      const bool bomb = written.status().code() == base::Code::kResourceExhausted;
      failure_ = {bomb ? ErrorKind::kBodyTooLarge : ErrorKind::kDecode, written.status().message()};
      return Verdict::kFailed;
    }
    if (*written > 0) {
      const Verdict verdict = Deliver(std::string_view(out.data(), *written));
      if (verdict != Verdict::kOk) return verdict;
    }
    if (piece.empty() && *written < out.size()) return Verdict::kOk;
  }
}

ResponseBody::Verdict ResponseBody::Deliver(std::string_view decoded) {
  if (decoded.empty()) return Verdict::kOk;
  if (request_->stream) {
    const std::uint32_t generation = generation_;
    const bool more = handler_->OnBody(decoded);
    if (generation != generation_) return Verdict::kGone;
    return more ? Verdict::kOk : Verdict::kStop;
  }
  const std::uint64_t room =
      request_->keep_body - std::min<std::uint64_t>(kept_.size(), request_->keep_body);
  if (decoded.size() > room) truncated_ = true;
  kept_.append(decoded.substr(0, std::min<std::uint64_t>(room, decoded.size())));
  return Verdict::kOk;
}

}  // namespace ronda::net
