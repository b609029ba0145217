#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/actions/action.h"
#include "engine/program/program.h"
#include "model/expression.h"
#include "net/codec/url.h"
#include "net/http_client.h"

namespace ronda::engine {

// What a step reads of a response; the order of the catalog's outputs is found by name.
enum class HttpOutput : std::uint8_t {
  kStatus,
  kReason,
  kLatency,
  kService,
  kBody,
  kJson,
  kHeaders,
  kCookies,
  kSize,
  kReceived,
  kSent,
  kUrl,
  kRedirects,
  kVersion,
  kRemote,
  kReused,
  kBlocked,
  kDns,
  kConnect,
  kTls,
  kSend,
  kFirstByte,
  kTransfer,
  kEvents,
  kFirstEvent,
  kTlsVersion,
  kTlsCipher,
  kCertificateExpires,
  kError,
};

// A text of `with:`: fixed, or rendered for each request.
struct TextPlan {
  std::string fixed;
  std::unique_ptr<const ValuePlan> dynamic;  // null: fixed

  [[nodiscard]] bool Append(model::EvalContext& context, std::string& out) const {
    if (dynamic != nullptr) return dynamic->AppendText(context, out);
    out += fixed;
    return true;
  }
};

struct HeaderPlan {
  std::string name;
  TextPlan value;
};

struct MultipartPart {
  TextPlan name, value, file, filename, type;
  bool is_file = false;
  bool has_filename = false;
  bool has_type = false;
};

// `sign`: what is signed and how it is sent. Expressions read the slots of `request.*`.
struct SignPlan {
  TextPlan key;
  std::unique_ptr<const model::Template> data, format;
  std::unique_ptr<const model::Expression> body_hash, nonce, signature;
  std::string header, timestamp_header, nonce_header;
  Slot method = 0, path = 0, query = 0, host = 0, body = 0, body_sha256 = 0, timestamp = 0,
       nonce_slot = 0, signature_slot = 0, key_slot = 0, data_slot = 0;
};

struct StreamPlan {
  enum class Format : std::uint8_t { kSse, kLines, kBytes } format = Format::kSse;
  std::unique_ptr<const model::Expression> until;
  std::uint64_t max_events = 0;   // 0: any number
  std::uint64_t for_ns = 0;       // 0: as long as it lasts
  Slot type = kNoSlot, data = kNoSlot, id = kNoSlot, events = kNoSlot;
};

// One http.request step, compiled.
class HttpPlan : public ActionPlan {
 public:
  enum class Body : std::uint8_t { kNone, kText, kJson, kForm, kMultipart, kFile };
  enum class Compress : std::uint8_t { kNone, kGzip, kDeflate };

  TextPlan method;
  TextPlan base_url, url;
  // A fixed URL is parsed once; views into fixed_url.
  std::string fixed_url, fixed_url_storage;
  std::optional<net::Url> parsed_url;
  std::vector<std::pair<std::string, std::unique_ptr<const ValuePlan>>> query;
  std::vector<HeaderPlan> headers;
  // What follows them: the user agent, the content type and the like, where not given.
  std::vector<net::HeaderView> default_headers;
  bool has_content_type = false;
  // All of these, when none depends on the user or the exchange; views into `headers`.
  std::vector<net::HeaderView> constant_headers;
  std::vector<std::pair<std::string, TextPlan>> cookies;
  bool sends_cookies = true;

  Body body_kind = Body::kNone;
  TextPlan body_text;                       // kText, kFile (the path)
  std::unique_ptr<const ValuePlan> json;
  std::vector<std::pair<std::string, std::unique_ptr<const ValuePlan>>> form;
  std::vector<MultipartPart> multipart;
  Compress compress = Compress::kNone;
  std::string folder;                       // files are relative to it

  std::optional<TextPlan> bearer;
  std::optional<std::pair<TextPlan, TextPlan>> basic, digest;
  std::optional<SignPlan> sign;

  // For http and for https URLs: the proxy of the environment may differ.
  const net::Transport* transport[2] = {nullptr, nullptr};
  bool fresh_connection = false;
  int redirects = 10;
  std::uint64_t timeout_ns = 60'000'000'000;
  std::uint64_t keep_body = 16ull << 20;
  bool keep_body_said = false;
  std::uint64_t max_body = 1ull << 30;
  bool decompress = true;
  bool traceparent = false;
  std::optional<StreamPlan> stream;
  std::optional<TextPlan> save_to;

  [[nodiscard]] ActionCall* Start(Strand& strand) const override;
  [[nodiscard]] bool connects() const override { return true; }
};

}  // namespace ronda::engine
