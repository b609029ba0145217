#include <llhttp/llhttp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/check.h"
#include "net/http1/response_parser.h"

namespace ronda::net {

// Our parser against llhttp. What both accept they must read alike, to the byte where the response
// ends. Where only one accepts, the reason must be one of those listed at OnlyWe and OnlyLlhttp.
namespace {

struct Reading {
  bool complete = false;
  int status = 0;
  std::string reason, body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::size_t used = 0;

  bool operator==(const Reading&) const = default;
};

struct Llhttp {
  llhttp_t parser{};
  Reading reading;
  bool in_value = true;
  bool head_done = false;  // what follows are trailers

  static Llhttp& Of(llhttp_t* p) { return *static_cast<Llhttp*>(p->data); }
};

bool HasNoBody(int status) { return status < 200 || status == 204 || status == 304; }

Reading ReadWithLlhttp(std::string_view text) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_status = [](llhttp_t* p, const char* at, std::size_t n) {
    Llhttp::Of(p).reading.reason.append(at, n);
    return 0;
  };
  settings.on_header_field = [](llhttp_t* p, const char* at, std::size_t n) {
    Llhttp& l = Llhttp::Of(p);
    if (l.head_done) return 0;
    if (l.in_value) l.reading.headers.emplace_back();
    l.in_value = false;
    l.reading.headers.back().first.append(at, n);
    return 0;
  };
  settings.on_header_value = [](llhttp_t* p, const char* at, std::size_t n) {
    Llhttp& l = Llhttp::Of(p);
    if (!l.head_done) l.reading.headers.back().second.append(at, n);
    return 0;
  };
  settings.on_header_value_complete = [](llhttp_t* p) {
    Llhttp::Of(p).in_value = true;
    return 0;
  };
  settings.on_headers_complete = [](llhttp_t* p) {
    Llhttp::Of(p).head_done = true;
    return HasNoBody(p->status_code) ? 1 : 0;
  };
  settings.on_body = [](llhttp_t* p, const char* at, std::size_t n) {
    Llhttp::Of(p).reading.body.append(at, n);
    return 0;
  };
  settings.on_message_complete = [](llhttp_t* p) {
    Llhttp::Of(p).reading.complete = true;
    return static_cast<int>(HPE_PAUSED);
  };
  Llhttp l;
  llhttp_init(&l.parser, HTTP_RESPONSE, &settings);
  l.parser.data = &l;
  const llhttp_errno_t error = llhttp_execute(&l.parser, text.data(), text.size());
  l.reading.used = text.size();
  if (error == HPE_OK) {
    llhttp_finish(&l.parser);
  } else {
    l.reading.used = static_cast<std::size_t>(llhttp_get_error_pos(&l.parser) - text.data());
  }
  l.reading.status = l.parser.status_code;
  for (auto& [name, value] : l.reading.headers) {
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
  }
  return l.reading;
}

Reading ReadWithOurs(std::string_view text, Http1ErrorCode& error) {
  Reading reading;
  ResponseParser parser;
  parser.Start(ResponseTo::kAny);
  const auto progress = parser.ParseHead(text);
  error = parser.error().code;
  if (progress != ResponseParser::Progress::kDone) return reading;
  const ResponseHead& head = parser.head();
  reading.status = head.status;
  reading.reason = head.reason;
  for (const HeaderView& h : head.headers) reading.headers.emplace_back(h.name, h.value);
  std::string rest(text.substr(head.size));
  const auto piece = parser.Feed(rest.data(), rest.size());
  reading.body.assign(rest, 0, piece.body);
  reading.used = head.size + piece.consumed;
  reading.complete = !piece.failed && (piece.done || parser.Close());
  error = parser.error().code;
  return reading;
}

bool HasLoneLf(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
  }
  return false;
}

// A line that begins with more than 15 hexadecimal digits, or with some and a blank.
bool HasLooseSize(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
    if (digits > 15) return true;
    if (digits > 0 && digits < text.size() && (text[digits] == ' ' || text[digits] == '\t')) {
      return true;
    }
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return false;
}

bool Is(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; });
}

// We are lenient, llhttp is not: a line of the head ends with a lone LF; Content-Length repeated
// with the same number; "Transfer-Encoding: identity"; blanks behind a chunk size, and extensions,
// whose inner syntax we do not look at.
bool OnlyWe(std::string_view text, const Reading& ours) {
  if (HasLoneLf(text)) return true;
  int lengths = 0;
  for (const auto& [name, value] : ours.headers) {
    if (Is(name, "content-length")) {
      ++lengths;
      if (value.find(',') != std::string::npos) return true;
    }
    if (Is(name, "transfer-encoding")) return true;
  }
  return lengths > 1;
}

// We are strict, llhttp is not: versions 0.9 and 2.0, empty lines in front, controls in the reason,
// statuses below 100, empty names, folded lines, lengths said twice, codings under chunked, our
// limits; and, as Debian's llhttp is generated in its loose mode, spaces in names and any byte for
// the LF behind a CR. A chunk size of more than 15 digits, zeros included, or with a blank and no
// extension behind it is refused. Not in the list, because both have to refuse them: any other bad
// chunk size, an early close.
bool OnlyLlhttp(std::string_view text, Http1ErrorCode error) {
  switch (error) {
    case Http1ErrorCode::kBadChunkSize: return HasLooseSize(text);
    case Http1ErrorCode::kNotHttp:
    case Http1ErrorCode::kBadStatusLine:
    case Http1ErrorCode::kBadHeaderName:
    case Http1ErrorCode::kBadHeaderValue:
    case Http1ErrorCode::kBareCr:
    case Http1ErrorCode::kBadChunkEnd:
    case Http1ErrorCode::kFoldedLine:
    case Http1ErrorCode::kConflictingLength:
    case Http1ErrorCode::kBadContentLength:
    case Http1ErrorCode::kBadTransferEncoding:
    case Http1ErrorCode::kHeadTooLarge:
    case Http1ErrorCode::kTooManyHeaders:
    case Http1ErrorCode::kTrailerTooLarge:
    case Http1ErrorCode::kBadChunkExtension: return true;
    default: return false;
  }
}

// A tab behind "chunked" is optional white space (RFC 9110, 5.6.3), but llhttp takes it as part of
// the name of a coding and reads until the connection closes.
bool HasTabBehindChunked(std::string_view text) {
  constexpr std::string_view kChunked = "chunked";
  for (std::size_t tab = 0; (tab = text.find('\t', tab)) != std::string_view::npos; ++tab) {
    std::size_t end = tab;
    while (end > 0 && text[end - 1] == ' ') --end;
    if (end >= kChunked.size() &&
        Is(text.substr(end - kChunked.size(), kChunked.size()), kChunked)) {
      return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (HasTabBehindChunked(text)) return 0;
  Http1ErrorCode error = Http1ErrorCode::kNone;
  const Reading ours = ReadWithOurs(text, error);
  const Reading theirs = ReadWithLlhttp(text);
  if (ours.complete && theirs.complete) {
    CHECK(ours.status == theirs.status);
    CHECK(ours.headers == theirs.headers);
    CHECK(ours.body == theirs.body);
    CHECK(ours.used == theirs.used);
  } else if (ours.complete) {
    CHECK(OnlyWe(text, ours));
  } else if (theirs.complete) {
    CHECK(OnlyLlhttp(text, error));
  }
  return 0;
}

}  // namespace ronda::net
