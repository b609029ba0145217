#include "net/http1/error.h"

#include <array>

namespace ronda::net {
namespace {

struct Text {
  std::string_view name;
  std::string_view message;
};

constexpr std::array<Text, 17> kTexts = {{
    {"none", "no error"},
    {"not-http", "the response does not begin with HTTP/1.0 or HTTP/1.1"},
    {"bad-status-line", "the status line is not \"HTTP/1.1 three-digit-status reason\""},
    {"bad-header-name", "a header line does not begin with a name and a colon"},
    {"bad-header-value", "a header value holds a control character"},
    {"bare-cr", "a carriage return is not followed by a line feed"},
    {"folded-line", "a header line begins with a space (obsolete line folding)"},
    {"head-too-large", "the response head is larger than the limit"},
    {"too-many-headers", "the response has more headers than the limit"},
    {"bad-content-length", "Content-Length is not a number"},
    {"conflicting-length", "the response gives its length twice, and differently"},
    {"bad-transfer-encoding", "Transfer-Encoding is not \"chunked\""},
    {"bad-chunk-size", "a chunk size is not a hexadecimal number"},
    {"bad-chunk-extension", "a chunk extension holds a control character or is too long"},
    {"bad-chunk-end", "a chunk's bytes are not followed by a line end"},
    {"trailer-too-large", "the trailer behind the last chunk is larger than the limit"},
    {"closed-early", "the server closed the connection before the response was complete"},
}};

const Text& TextOf(Http1ErrorCode code) { return kTexts[static_cast<std::size_t>(code)]; }

}  // namespace

std::string_view NameOf(Http1ErrorCode code) { return TextOf(code).name; }

std::string Http1Error::Message() const {
  std::string text(TextOf(code).message);
  text += ", at byte ";
  text += std::to_string(offset);
  text += " of the response";
  return text;
}

}  // namespace ronda::net
