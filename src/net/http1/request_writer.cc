#include "net/http1/request_writer.h"

#include <algorithm>
#include <charconv>

#include "net/http1/syntax.h"

namespace ronda::net {
namespace {

using http1::EqualsLower;
using http1::IsToken;

constexpr std::string_view kVersion = " HTTP/1.1\r\n";
constexpr std::string_view kHost = "Host: ";
constexpr std::string_view kContentLength = "Content-Length: ";
constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMaxDigits = 20;

bool SplitsLine(char c) { return c == '\r' || c == '\n' || c == '\0'; }

// A value without control characters is the usual one and found out quickly; the others are looked
// at.
bool IsValue(std::string_view value) {
  const char* const end = value.end();
  const char* const control = http1::FindControl(value.begin(), end);
  return control == end || std::none_of(control, end, SplitsLine);
}

bool IsTarget(std::string_view target) {
  return IsValue(target) && target.find(' ') == std::string_view::npos;
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text.substr(0, 80)) quoted += SplitsLine(c) ? '?' : c;
  return quoted + '"';
}

// What the headers settle themselves.
struct Given {
  bool host = false;
  bool connection = false;
};

void Note(const HeaderView& header, RequestFacts& facts, Given& given) {
  switch (header.name.size()) {
    case 4:
      if (EqualsLower(header.name, "host")) given.host = true;
      break;
    case 6:
      if (EqualsLower(header.name, "expect") && EqualsLower(header.value, "100-continue")) {
        facts.expect_continue = true;
      }
      break;
    case 10:
      if (!EqualsLower(header.name, "connection")) break;
      given.connection = true;
      for (std::string_view rest = header.value; !rest.empty();) {
        if (EqualsLower(http1::NextElement(rest), "close")) facts.close = true;
      }
      break;
    case 14:
      if (EqualsLower(header.name, "content-length")) facts.own_length = true;
      break;
    case 17:
      if (EqualsLower(header.name, "transfer-encoding")) facts.own_transfer_encoding = true;
      break;
    default: break;
  }
}

base::Status Check(std::span<const HeaderView> headers, RequestFacts& facts, Given& given,
                   std::size_t& size) {
  for (const HeaderView& header : headers) {
    if (!IsToken(header.name)) [[unlikely]] {
      return base::InvalidArgument("header name " + Quoted(header.name) +
                                   " is not a token (RFC 9110, 5.6.2)");
    }
    if (!IsValue(header.value)) [[unlikely]] {
      return base::InvalidArgument("the value of header " + Quoted(header.name) +
                                   " holds a CR, LF or NUL");
    }
    Note(header, facts, given);
    size += header.name.size() + header.value.size() + 4;
  }
  return base::Ok();
}

char* Put(std::string_view text, char* out) {
  std::char_traits<char>::copy(out, text.data(), text.size());
  return out + text.size();
}

char* PutHeader(std::string_view name_and_colon, std::string_view value, char* out) {
  return Put(kLineEnd, Put(value, Put(name_and_colon, out)));
}

char* PutHeaders(std::span<const HeaderView> headers, char* out) {
  for (const HeaderView& header : headers) {
    out = Put(header.name, out);
    *out++ = ':';
    *out++ = ' ';
    out = Put(kLineEnd, Put(header.value, out));
  }
  return out;
}

}  // namespace

base::Result<RequestFacts> AppendRequestHead(const RequestHead& head, std::string& out) {
  if (!IsToken(head.method)) [[unlikely]] {
    return base::InvalidArgument("method " + Quoted(head.method) + " is not a token");
  }
  if (head.target.empty() || !IsTarget(head.target) || !IsTarget(head.target_prefix)) [[unlikely]] {
    return base::InvalidArgument("request target " + Quoted(head.target) +
                                 " is empty or holds a space, CR, LF or NUL");
  }
  if (!IsTarget(head.authority)) [[unlikely]] {
    return base::InvalidArgument("host " + Quoted(head.authority) +
                                 " holds a space, CR, LF or NUL");
  }

  RequestFacts facts;
  Given given;
  std::size_t size = head.method.size() + 1 + head.target_prefix.size() + head.target.size() +
                     kVersion.size() + kHost.size() + head.authority.size() +
                     kContentLength.size() + kMaxDigits + kChunked.size() + kClose.size() +
                     4 * kLineEnd.size();
  RETURN_IF_ERROR(Check(head.headers, facts, given, size));
  RETURN_IF_ERROR(Check(head.more_headers, facts, given, size));

  const std::size_t before = out.size();
  out.resize(before + size);
  char* p = out.data() + before;
  p = Put(head.method, p);
  *p++ = ' ';
  p = Put(kVersion, Put(head.target, Put(head.target_prefix, p)));
  if (!given.host) p = PutHeader(kHost, head.authority, p);
  p = PutHeaders(head.more_headers, PutHeaders(head.headers, p));
  if (head.body == RequestHead::Body::kLength && !facts.own_length &&
      !facts.own_transfer_encoding) {
    p = Put(kContentLength, p);
    p = std::to_chars(p, p + kMaxDigits, head.content_length).ptr;
    p = Put(kLineEnd, p);
  } else if (head.body == RequestHead::Body::kChunked && !facts.own_length &&
             !facts.own_transfer_encoding) {
    p = Put(kChunked, p);
  }
  if (head.close && !given.connection) p = Put(kClose, p);
  p = Put(kLineEnd, p);
  out.resize(static_cast<std::size_t>(p - out.data()));
  facts.close |= head.close;
  return facts;
}

void AppendChunkHead(std::uint64_t size, std::string& out) {
  char digits[16];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, size, 16).ptr);
  out += kLineEnd;
}

}  // namespace ronda::net
