// `http:` of a scenario or drill, and the TLS settings that it shares with http.request.
#include <string>
#include <utility>

#include "model/tables.h"

namespace ronda::model {
namespace {

void ReadLimit(Loader& loader, const FieldSpec& spec, const Node& node,
               std::optional<Duration>& out) {
  if (node.scalar == "none") {
    out = Duration{0};
  } else {
    Read(loader, spec, node, out);
  }
}

std::vector<Field<TlsSettings>> MakeTlsFields() {
  using T = TlsSettings;
  return {
      Bind<T, &T::verify>({.name = "verify",
                           .type = FieldType::kBool,
                           .description = "The server's certificate and name are checked.",
                           .default_text = "true",
                           .literal = true}),
      Bind<T, &T::server_name>({.name = "serverName",
                                .type = FieldType::kString,
                                .description = "SNI, and the name that is checked; not said: the "
                                               "URL's host.",
                                .min = 1,
                                .max = 255,
                                .literal = true}),
      Bind<T, &T::ca>({.name = "ca",
                       .type = FieldType::kString,
                       .description = "A PEM file of the authorities trusted; not said: the "
                                      "system's.",
                       .min = 1,
                       .literal = true}),
      Bind<T, &T::cert>({.name = "cert",
                         .type = FieldType::kString,
                         .description = "A PEM file: the client's certificate and its chain.",
                         .min = 1,
                         .literal = true}),
      Bind<T, &T::key>({.name = "key",
                        .type = FieldType::kString,
                        .description = "A PEM file: the client's key.",
                        .min = 1,
                        .literal = true}),
      Bind<T, &T::key_password>({.name = "keyPassword",
                                 .type = FieldType::kString,
                                 .description = "Of the key file, e.g. `${secrets.key}`; only "
                                                "`env` and `secrets` can be read.",
                                 .secret = true}),
      Bind<T, &T::min_version>({.name = "minVersion",
                                .type = FieldType::kString,
                                .description = "Lowest TLS version spoken.",
                                .one_of = {"1.2", "1.3"},
                                .literal = true}),
      Bind<T, &T::ciphers>({.name = "ciphers",
                            .type = FieldType::kString,
                            .description = "OpenSSL's list of ciphers, for TLS 1.2.",
                            .min = 1,
                            .literal = true}),
      Bind<T, &T::session_reuse>(
          {.name = "sessionReuse",
           .type = FieldType::kBool,
           .description = "Later connections resume the first one's session.",
           .default_text = "true",
           .literal = true})};
}

const std::vector<Field<TlsSettings>>& TlsFields() {
  static const std::vector<Field<TlsSettings>> fields = MakeTlsFields();
  return fields;
}

void ReadHeaders(Loader& loader, const FieldSpec& spec, const Node& node, HttpSettings& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    if (value.is_scalar()) {
      out.headers.emplace_back(TextOf(name), TextOf(value));
    } else {
      loader.Error(name, "a header is text");
    }
  }
}

std::vector<Field<HttpSettings>> MakeHttpFields() {
  using H = HttpSettings;
  return {
      Bind<H, &H::base_url>({.name = "baseUrl",
                             .type = FieldType::kString,
                             .description = "Goes before every `url` that begins with `/`."}),
      {{.name = "headers",
        .type = FieldType::kMap,
        .description = "Sent with every request; a request's own win."},
       ReadHeaders},
      {{.name = "timeout",
        .type = FieldType::kDuration,
        .description = "Of a whole exchange, connection included; `none`: no limit.",
        .default_text = "60s",
        .min = 0.001,
        .max = 86'400,
        .words = {"none"}},
       [](Loader& loader, const FieldSpec& spec, const Node& node, H& out) {
         ReadLimit(loader, spec, node, out.timeout);
       }},
      Bind<H, &H::redirects>({.name = "redirects",
                              .type = FieldType::kInt,
                              .description = "How many redirects are followed.",
                              .default_text = "10",
                              .min = 0,
                              .max = 50}),
      Bind<H, &H::version>({.name = "version",
                            .type = FieldType::kString,
                            .description = "`auto` takes HTTP/1.1, over TLS what the server "
                                           "prefers; `h2c` is HTTP/2 without TLS.",
                            .default_text = "auto",
                            .one_of = {"auto", "1.1", "h2", "h2c"}}),
      {{.name = "tls", .type = FieldType::kMap, .description = "How TLS is made.", .see = "Tls"},
       [](Loader& loader, const FieldSpec&, const Node& node, H& out) {
         TlsSettings tls;
         if (ReadFields(loader, node, "\"tls\"", TlsFields(), tls)) out.tls = std::move(tls);
         if ((node.Find("cert") == nullptr) != (node.Find("key") == nullptr)) {
           loader.Error(node, "\"cert\" and \"key\" go together");
         }
       }},
      Bind<H, &H::proxy>({.name = "proxy",
                          .type = FieldType::kString,
                          .description = "`http://[user:password@]host:port`; `none`: not even "
                                         "HTTP_PROXY of the environment."}),
      Bind<H, &H::no_proxy>({.name = "noProxy",
                             .type = FieldType::kString,
                             .description = "Hosts and suffixes, by commas, that are reached "
                                            "without it."}),
      Bind<H, &H::resolve>({.name = "resolve",
                            .type = FieldType::kList,
                            .also = FieldType::kString,
                            .description = "`host:port:address` as curl's --resolve."}),
      Bind<H, &H::source_addresses>({.name = "sourceAddresses",
                                     .type = FieldType::kList,
                                     .also = FieldType::kString,
                                     .description = "Local addresses, taken in turn."}),
      Bind<H, &H::family>({.name = "family",
                           .type = FieldType::kString,
                           .description = "Addresses that names are resolved to.",
                           .default_text = "any",
                           .one_of = {"any", "ipv4", "ipv6"}}),
      BindChoice<H, &H::connections>({.name = "connections",
                                      .type = FieldType::kString,
                                      .description = "How long a connection is kept.",
                                      .default_text = "per-user",
                                      .one_of = {"per-user", "per-iteration", "per-request"}}),
      BindChoice<H, &H::cookies>({.name = "cookies",
                                  .type = FieldType::kString,
                                  .description = "How long cookies are kept.",
                                  .default_text = "per-iteration",
                                  .one_of = {"per-user", "per-iteration", "off"}}),
      Bind<H, &H::decompress>({.name = "decompress",
                               .type = FieldType::kBool,
                               .description = "Compressed bodies are undone; the header "
                                              "Accept-Encoding asks for them.",
                               .default_text = "true"}),
      Bind<H, &H::max_body>({.name = "maxBody",
                             .type = FieldType::kSize,
                             .description = "A longer response fails.",
                             .default_text = "1GiB",
                             .min = 1}),
      Bind<H, &H::keep_body>({.name = "keepBody",
                              .type = FieldType::kSize,
                              .description = "So much of a response is kept for checks and "
                                             "extraction.",
                              .default_text = "16MiB",
                              .min = 0,
                              .max = 1024.0 * 1024 * 1024}),
      Bind<H, &H::traceparent>({.name = "traceparent",
                                .type = FieldType::kBool,
                                .description = "Requests carry a W3C traceparent.",
                                .default_text = "false"})};
}

const std::vector<Field<HttpSettings>>& HttpFields() {
  static const std::vector<Field<HttpSettings>> fields = MakeHttpFields();
  return fields;
}

}  // namespace

std::vector<FieldSpec> HttpSpecs() { return SpecsOf(HttpFields()); }
std::vector<FieldSpec> TlsSpecs() { return SpecsOf(TlsFields()); }

void Read(Loader& loader, const FieldSpec&, const Node& node, HttpSettings& out) {
  out.where = node.where;
  ReadFields(loader, node, "\"http\"", HttpFields(), out);
}

}  // namespace ronda::model
