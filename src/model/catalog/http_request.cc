#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "model/catalog/catalog.h"

namespace ronda::model {
namespace {

using Specs = std::vector<FieldSpec>;

void Append(Specs& specs, Specs more) {
  specs.insert(specs.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

Specs TargetParams() {
  return {{.name = "method",
           .type = FieldType::kString,
           .description = "The method, e.g. `POST`.",
           .default_text = "GET",
           .min = 1,
           .max = 32},
          {.name = "url",
           .type = FieldType::kString,
           .description = "Absolute, or a path that goes behind `http.baseUrl`.",
           .required = true,
           .min = 1,
           .max = 65'536},
          {.name = "query",
           .type = FieldType::kMap,
           .description = "Added to the URL, encoded; a list gives a name several times, null "
                          "leaves it out."},
          {.name = "headers",
           .type = FieldType::kMap,
           .description = "Sent as written; they win over `http.headers`; null leaves one out."},
          {.name = "cookies",
           .type = FieldType::kMap,
           .description = "Sent beside the user's own cookies."}};
}

Specs BodyParams() {
  return {{.name = "body",
           .type = FieldType::kString,
           .description = "The body as text; Content-Type is not set."},
          {.name = "json",
           .type = FieldType::kAny,
           .description = "The body as JSON. A value that is one `${...}` keeps its type."},
          {.name = "form",
           .type = FieldType::kMap,
           .description = "The body as application/x-www-form-urlencoded."},
          {.name = "multipart",
           .type = FieldType::kList,
           .description = "The body as multipart/form-data.",
           .fields = {{.name = "name",
                       .type = FieldType::kString,
                       .description = "The part's name.",
                       .required = true},
                      {.name = "value", .type = FieldType::kAny, .description = "Its text."},
                      {.name = "file",
                       .type = FieldType::kString,
                       .description = "A file that it is read from, instead of `value`.",
                       .file = true},
                      {.name = "filename",
                       .type = FieldType::kString,
                       .description = "The name sent; not said: the file's."},
                      {.name = "type",
                       .type = FieldType::kString,
                       .description = "Its Content-Type; not said: by the file's name."}}},
          {.name = "file",
           .type = FieldType::kString,
           .description = "A file that the body is read from, piece by piece.",
           .file = true},
          {.name = "compress",
           .type = FieldType::kString,
           .description = "Compresses the body and sets Content-Encoding.",
           .one_of = {"gzip", "deflate"},
           .literal = true}};
}

FieldSpec UserAndPassword(std::string name, std::string description) {
  return {.name = std::move(name),
          .type = FieldType::kMap,
          .description = std::move(description),
          .secret = true,
          .fields = {{.name = "user",
                      .type = FieldType::kString,
                      .description = "The user.",
                      .required = true},
                     {.name = "password",
                      .type = FieldType::kString,
                      .description = "The password.",
                      .required = true,
                      .secret = true}}};
}

Specs SignParams() {
  return {
      {.name = "key",
       .type = FieldType::kString,
       .description = "The shared key.",
       .required = true,
       .secret = true},
      {.name = "algorithm",
       .type = FieldType::kString,
       .description = "The hash of the HMAC.",
       .default_text = "sha256",
       .one_of = {"sha1", "sha256", "sha512"},
       .literal = true},
      {.name = "data",
       .type = FieldType::kString,
       .description = "What is signed: a template that can also read `request.method`, "
                      "`request.path`, `request.query`, `request.host`, `request.body`, "
                      "`request.bodySha256`, `request.timestamp` (seconds) and "
                      "`request.nonce`.",
       .default_text =
           R"(${request.method}\n${request.path}\n${request.query}\n${request.timestamp}\n${request.bodySha256})"},
      {.name = "header",
       .type = FieldType::kString,
       .description = "The header that carries the signature.",
       .default_text = "X-Signature",
       .min = 1,
       .max = 200,
       .literal = true},
      {.name = "format",
       .type = FieldType::kString,
       .description = "What the header says: a template that can also read "
                      "`request.signature`.",
       .default_text = "${request.signature}"},
      {.name = "encoding",
       .type = FieldType::kString,
       .description = "How the signature is written.",
       .default_text = "hex",
       .one_of = {"hex", "base64"},
       .literal = true},
      {.name = "timestampHeader",
       .type = FieldType::kString,
       .description = "A header that carries `request.timestamp`; not said: none.",
       .min = 1,
       .max = 200,
       .literal = true},
      {.name = "nonceHeader",
       .type = FieldType::kString,
       .description = "A header that carries `request.nonce`; not said: none.",
       .min = 1,
       .max = 200,
       .literal = true}};
}

Specs AuthParams() {
  return {{.name = "bearer",
           .type = FieldType::kString,
           .description = "Authorization: Bearer.",
           .secret = true},
          UserAndPassword("basic", "Authorization: Basic (RFC 7617)."),
          UserAndPassword("digest",
                          "Digest authentication (RFC 7616): a second request answers the "
                          "server's challenge; later ones of the user answer it at once."),
          {.name = "sign",
           .type = FieldType::kMap,
           .description = "Signs the request by HMAC.",
           .fields = SignParams()}};
}

Specs TlsParams() {
  return {{.name = "verify",
           .type = FieldType::kBool,
           .description = "The server's certificate and name are checked.",
           .default_text = "true",
           .literal = true},
          {.name = "serverName",
           .type = FieldType::kString,
           .description = "SNI, and the name that is checked; not said: the URL's host.",
           .literal = true},
          {.name = "ca",
           .type = FieldType::kString,
           .description = "A PEM file of the authorities trusted.",
           .literal = true,
           .file = true},
          {.name = "cert",
           .type = FieldType::kString,
           .description = "A PEM file: the client's certificate and its chain.",
           .literal = true,
           .file = true},
          {.name = "key",
           .type = FieldType::kString,
           .description = "A PEM file: the client's key.",
           .literal = true,
           .file = true},
          {.name = "keyPassword",
           .type = FieldType::kString,
           .description = "Of the key file; only `env` and `secrets` can be read.",
           .secret = true},
          {.name = "minVersion",
           .type = FieldType::kString,
           .description = "Lowest TLS version spoken.",
           .one_of = {"1.2", "1.3"},
           .literal = true},
          {.name = "ciphers",
           .type = FieldType::kString,
           .description = "OpenSSL's list of ciphers, for TLS 1.2.",
           .literal = true},
          {.name = "sessionReuse",
           .type = FieldType::kBool,
           .description = "Later connections resume the first one's session.",
           .default_text = "true",
           .literal = true}};
}

Specs TransportParams() {
  return {
      {.name = "version",
       .type = FieldType::kString,
       .description = "`auto` takes HTTP/1.1, over TLS what the server prefers; `h2c` is HTTP/2 "
                      "without TLS.",
       .default_text = "auto",
       .one_of = {"auto", "1.1", "h2", "h2c"},
       .literal = true},
      {.name = "tls",
       .type = FieldType::kMap,
       .description = "How TLS is made; what is given here replaces `http.tls`.",
       .literal = true,
       .fields = TlsParams()},
      {.name = "proxy",
       .type = FieldType::kString,
       .description = "`http://[user:password@]host:port`; `none`: no proxy, not even "
                      "HTTP_PROXY of the environment. Only `env` and `secrets` can be read."},
      {.name = "noProxy",
       .type = FieldType::kString,
       .description = "Hosts and suffixes, by commas, that are reached without it.",
       .literal = true},
      {.name = "resolve",
       .type = FieldType::kList,
       .also = FieldType::kString,
       .description = "`host:port:address` as curl's --resolve.",
       .literal = true},
      {.name = "sourceAddresses",
       .type = FieldType::kList,
       .also = FieldType::kString,
       .description = "Local addresses, taken in turn.",
       .literal = true},
      {.name = "family",
       .type = FieldType::kString,
       .description = "Addresses that names are resolved to.",
       .default_text = "any",
       .one_of = {"any", "ipv4", "ipv6"},
       .literal = true},
      {.name = "freshConnection",
       .type = FieldType::kBool,
       .description = "Opens a connection of its own and closes it.",
       .default_text = "false",
       .literal = true},
      {.name = "redirects",
       .type = FieldType::kInt,
       .description = "How many redirects are followed; 0 keeps the 3xx.",
       .default_text = "10",
       .min = 0,
       .max = 50,
       .literal = true},
      {.name = "timeout",
       .type = FieldType::kDuration,
       .description = "Of the whole exchange, connection and redirects included; `none`: no "
                      "limit.",
       .default_text = "60s",
       .min = 0.001,
       .max = 86'400,
       .words = {"none"},
       .literal = true},
      {.name = "connectTimeout",
       .type = FieldType::kDuration,
       .description = "Until the connection, TLS included, stands.",
       .default_text = "10s",
       .min = 0.001,
       .max = 3600,
       .literal = true},
      {.name = "traceparent",
       .type = FieldType::kBool,
       .description = "Sends a W3C traceparent.",
       .default_text = "false",
       .literal = true}};
}

Specs ResponseParams() {
  return {{.name = "decompress",
           .type = FieldType::kBool,
           .description = "Compressed bodies (gzip, deflate, br, zstd) are undone; the header "
                          "Accept-Encoding asks for them.",
           .default_text = "true",
           .literal = true},
          {.name = "keepBody",
           .type = FieldType::kSize,
           .description = "So much of the body is kept for checks and extraction. Not said: none "
                          "when nothing reads it.",
           .default_text = "16MiB",
           .min = 0,
           .max = 1024.0 * 1024 * 1024,
           .literal = true},
          {.name = "maxBody",
           .type = FieldType::kSize,
           .description = "A longer body fails the step.",
           .default_text = "1GiB",
           .min = 1,
           .literal = true},
          {.name = "saveTo",
           .type = FieldType::kString,
           .description = "A file that the body is written to; for single runs."},
          {.name = "stream",
           .type = FieldType::kMap,
           .description = "Reads the body as it comes and ends the exchange when one of these is "
                          "reached; the first event's time is `firstEvent`.",
           .literal = true,
           .fields = {{.name = "format",
                       .type = FieldType::kString,
                       .description = "What an event is: a server-sent event, a line, or a piece "
                                      "as it came.",
                       .default_text = "sse",
                       .one_of = {"sse", "lines", "bytes"},
                       .literal = true},
                      {.name = "until",
                       .type = FieldType::kExpression,
                       .description = "Ends it once true; can read `event.type`, `event.data`, "
                                      "`event.id` and `events`."},
                      {.name = "maxEvents",
                       .type = FieldType::kInt,
                       .description = "Ends it after so many.",
                       .min = 1,
                       .max = 1e9,
                       .literal = true},
                      {.name = "for",
                       .type = FieldType::kDuration,
                       .description = "Ends it after so long, as a success.",
                       .min = 0.001,
                       .max = 86'400,
                       .literal = true}}}};
}

Specs Outputs() {
  return {
      {.name = "status", .type = FieldType::kInt, .description = "The status, e.g. 200."},
      {.name = "reason",
       .type = FieldType::kString,
       .description = "The words behind it (HTTP/1)."},
      {.name = "latency",
       .type = FieldType::kDuration,
       .description = "Of the whole exchange: from the intended start for the first request of an "
                      "arrival, else from its own."},
      {.name = "service",
       .type = FieldType::kDuration,
       .description = "Of the whole exchange, from its own start."},
      {.name = "body", .type = FieldType::kString, .description = "The body, decoded."},
      {.name = "json",
       .type = FieldType::kAny,
       .description = "The body as JSON: `json.items[0].sku`; null where there is none."},
      {.name = "headers",
       .type = FieldType::kMap,
       .description = "By name, any case: `headers['Content-Type']`; the first of several."},
      {.name = "cookies",
       .type = FieldType::kMap,
       .description = "That the response set, by name."},
      {.name = "size", .type = FieldType::kInt, .description = "Bytes of the body, decoded."},
      {.name = "received",
       .type = FieldType::kInt,
       .description = "Bytes received, head included."},
      {.name = "sent", .type = FieldType::kInt, .description = "Bytes sent, head included."},
      {.name = "url", .type = FieldType::kString, .description = "The last one, after redirects."},
      {.name = "redirects", .type = FieldType::kInt, .description = "How many were followed."},
      {.name = "version", .type = FieldType::kString, .description = "`1.0`, `1.1` or `2`."},
      {.name = "remote", .type = FieldType::kString, .description = "The address it came from."},
      {.name = "reused",
       .type = FieldType::kBool,
       .description = "The connection had been used before."},
      {.name = "blocked", .type = FieldType::kDuration, .description = "Waiting for a connection."},
      {.name = "dns", .type = FieldType::kDuration, .description = "Looking the name up."},
      {.name = "connect", .type = FieldType::kDuration, .description = "TCP."},
      {.name = "tls", .type = FieldType::kDuration, .description = "The TLS handshake."},
      {.name = "send",
       .type = FieldType::kDuration,
       .description = "Until the last byte had left."},
      {.name = "firstByte",
       .type = FieldType::kDuration,
       .description = "From then to the first byte of the response."},
      {.name = "transfer",
       .type = FieldType::kDuration,
       .description = "From then to its last byte."},
      {.name = "events", .type = FieldType::kInt, .description = "Of a stream, how many came."},
      {.name = "firstEvent",
       .type = FieldType::kDuration,
       .description = "Of a stream, from the start to the first."},
      {.name = "tlsVersion", .type = FieldType::kString, .description = "E.g. `TLSv1.3`."},
      {.name = "tlsCipher", .type = FieldType::kString, .description = "The cipher."},
      {.name = "certificateExpires",
       .type = FieldType::kString,
       .description = "When the server's certificate ends (RFC 3339)."},
      {.name = "error",
       .type = FieldType::kString,
       .description = "Why there was no response (`connect-refused`, `timeout`, ...); else null. "
                      "The others are null then."}};
}

}  // namespace

ActionSchema HttpRequestSchema() {
  ActionSchema action;
  action.code = "http.request";
  action.title = "HTTP request";
  action.description =
      "Sends one HTTP request and reads the response, over HTTP/1.1, h2 or h2c. No response "
      "is a failure; so is a status of 400 and above, unless a check of the step reads `status` "
      "and "
      "so decides by itself. What `http:` of the scenario says holds where the step says nothing.";
  action.layer = Layer::kNetwork;
  action.effect = Effect::kWrite;
  action.idempotent = false;
  action.params = TargetParams();
  Append(action.params, BodyParams());
  Append(action.params, AuthParams());
  Append(action.params, TransportParams());
  Append(action.params, ResponseParams());
  action.exclusive = {{"body", "json", "form", "multipart", "file"},
                      {"bearer", "basic", "digest"},
                      {"saveTo", "stream"}};
  action.outputs = Outputs();
  action.example =
      "- id: login\n"
      "  action: http.request\n"
      "  with: {method: POST, url: \"${env.shop}/login\", json: {user: \"${buyer.user}\"}}\n"
      "  extract: {token: {json: $.token, secret: true}}\n"
      "  checks: [\"status == 200\", \"latency < 800ms\"]\n";
  return action;
}

}  // namespace ronda::model
