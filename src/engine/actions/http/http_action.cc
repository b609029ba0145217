#include "engine/actions/http/http_action.h"

#include <algorithm>
#include <charconv>

#include "engine/actions/http/http_plan.h"
#include "model/reader.h"
#include "model/units.h"
#include "net/address.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace ronda::engine {
namespace {

using model::HttpSettings;
using model::Node;

class HttpCompiler {
 public:
  explicit HttpCompiler(ActionContext& context)
      : context_(context), with_(context.step.with), plan_(std::make_unique<HttpPlan>()) {}

  std::unique_ptr<ActionPlan> Compile() {
    const int errors = context_.diagnostics.error_count();
    plan_->folder = context_.input.folder;
    CompileTarget();
    CompileHeaders();
    CompileBody();
    CompileCredentials();
    CompileSign();
    CompileStream();
    CompileLimits();
    CompileTransport();
    CompileDefaultHeaders();
    if (context_.diagnostics.error_count() > errors) return nullptr;
    return std::move(plan_);
  }

 private:
  // ---- reading `with:`
  [[nodiscard]] const Node* Find(std::string_view name) const { return with_.Find(name); }

  TextPlan Text(const Node& node, model::Names& names) {
    TextPlan plan;
    auto value = ValuePlan::Compile(node, names, context_.diagnostics);
    if (value == nullptr) return plan;
    if (const model::Value* literal = value->literal()) {
      // Written as in the file: a number keeps its zeros.
      if (node.kind == Node::Kind::kScalar) {
        plan.fixed = node.scalar;
      } else {
        model::AppendText(*literal, plan.fixed);
      }
    } else {
      plan.dynamic = std::move(value);
    }
    return plan;
  }
  TextPlan Text(const Node& node) { return Text(node, context_.names); }

  TextPlan Text(const model::Text& text) {
    Node node;
    node.kind = Node::Kind::kScalar;
    node.quoted = true;
    node.scalar = text.text;
    node.where = text.where;
    return Text(node);
  }

  [[nodiscard]] std::string Literal(const Node* node, std::string fallback = {}) const {
    return node == nullptr ? std::move(fallback) : node->scalar;
  }
  [[nodiscard]] bool Bool(std::string_view name, bool fallback) const {
    const Node* node = Find(name);
    return node == nullptr ? fallback : node->scalar == "true";
  }
  std::optional<std::uint64_t> Duration(const Node* node) {
    if (node == nullptr) return std::nullopt;
    if (node->scalar == "none") return 0;
    const auto ns = model::ParseDuration(node->scalar);
    if (ns.ok()) return static_cast<std::uint64_t>(*ns);
    context_.diagnostics.Error(node->where, ns.status().message());
    return std::nullopt;
  }
  std::optional<std::uint64_t> Size(const Node* node) {
    if (node == nullptr) return std::nullopt;
    const auto bytes = model::ParseSize(node->scalar);
    if (bytes.ok()) return bytes->bytes;
    context_.diagnostics.Error(node->where, bytes.status().message());
    return std::nullopt;
  }
  static std::vector<std::string> List(const Node* node) {
    std::vector<std::string> list;
    if (node == nullptr) return list;
    if (node->kind == Node::Kind::kScalar) list.push_back(node->scalar);
    for (const Node& item : node->items) list.push_back(item.scalar);
    return list;
  }
  // The first of the `http:` blocks that says it.
  template <typename T>
  [[nodiscard]] std::optional<T> Setting(std::optional<T> HttpSettings::* member) const {
    for (const HttpSettings* settings : context_.http) {
      if (settings->*member) return settings->*member;
    }
    return std::nullopt;
  }

  // ---- parts
  void CompileTarget() {
    const int errors = context_.diagnostics.error_count();
    plan_->method.fixed = "GET";
    if (const Node* method = Find("method")) plan_->method = Text(*method);
    for (const HttpSettings* settings : context_.http) {
      if (settings->base_url.empty()) continue;
      plan_->base_url = Text(settings->base_url);
      break;
    }
    if (const Node* url = Find("url")) plan_->url = Text(*url);
    if (const Node* query = Find("query")) {
      for (const auto& [name, value] : query->members) {
        auto plan = ValuePlan::Compile(value, context_.names, context_.diagnostics);
        if (plan != nullptr) plan_->query.emplace_back(name.scalar, std::move(plan));
      }
    }
    const bool fixed =
        plan_->url.dynamic == nullptr && plan_->base_url.dynamic == nullptr && plan_->query.empty();
    if (!fixed || context_.diagnostics.error_count() > errors) return;
    const std::string& url = plan_->url.fixed;
    const bool absolute = url.starts_with("http://") || url.starts_with("https://");
    if (!absolute && plan_->base_url.fixed.empty()) {
      if (const Node* node = Find("url")) {
        context_.diagnostics.Error(
            node->where, "\"" + url + "\" is no absolute URL, and there is no `http.baseUrl`",
            "write http://host/path");
      }
      return;
    }
    std::string base = absolute ? "" : plan_->base_url.fixed;
    while (base.ends_with('/') && url.starts_with('/')) base.pop_back();
    plan_->fixed_url = base + url;
    auto parsed = net::ParseUrl(plan_->fixed_url, plan_->fixed_url_storage);
    if (parsed.ok()) {
      plan_->parsed_url = *parsed;
    } else if (const Node* node = Find("url")) {
      context_.diagnostics.Error(node->where, parsed.status().message());
    }
  }

  void CompileHeaders() {
    const Node* own = Find("headers");
    const auto given = [&](const std::string& name) {
      if (own == nullptr) return false;
      return std::ranges::any_of(own->members, [&](const auto& m) {
        return m.first.scalar.size() == name.size() &&
               strncasecmp(m.first.scalar.data(), name.data(), name.size()) == 0;
      });
    };
    std::vector<std::string> seen;
    for (const HttpSettings* settings : context_.http) {
      for (const auto& [name, value] : settings->headers) {
        if (given(name.text) || std::ranges::find(seen, name.text) != seen.end()) continue;
        seen.push_back(name.text);
        plan_->headers.push_back({name.text, Text(value)});
      }
    }
    if (own != nullptr) {
      for (const auto& [name, value] : own->members) {
        if (value.kind == Node::Kind::kNull || (!value.quoted && value.scalar == "null")) continue;
        for (const Node& item :
             value.kind == Node::Kind::kList ? value.items : std::vector<Node>{value}) {
          plan_->headers.push_back({name.scalar, Text(item)});
        }
      }
    }
    if (const Node* cookies = Find("cookies")) {
      for (const auto& [name, value] : cookies->members)
        plan_->cookies.emplace_back(name.scalar, Text(value));
    }
    const auto cookies = Setting(&HttpSettings::cookies);
    plan_->sends_cookies = !cookies || *cookies != HttpSettings::Cookies::kOff;
    const auto traceparent = Setting(&HttpSettings::traceparent);
    plan_->traceparent = Bool("traceparent", traceparent.value_or(false));
  }

  void CompileDefaultHeaders() {
    const auto given = [&](std::string_view name) {
      return std::ranges::any_of(plan_->headers, [&](const HeaderPlan& h) {
        return h.name.size() == name.size() &&
               strncasecmp(h.name.data(), name.data(), name.size()) == 0;
      });
    };
    std::vector<net::HeaderView>& defaults = plan_->default_headers;
    plan_->has_content_type = given("content-type");
    if (!given("user-agent")) defaults.push_back({"User-Agent", "ronda"});
    if (plan_->decompress && !given("accept-encoding")) {
      defaults.push_back({"Accept-Encoding", "gzip, deflate, br, zstd"});
    }
    if (!plan_->has_content_type) {
      if (plan_->body_kind == HttpPlan::Body::kJson)
        defaults.push_back({"Content-Type", "application/json"});
      if (plan_->body_kind == HttpPlan::Body::kForm)
        defaults.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    }
    if (plan_->compress == HttpPlan::Compress::kGzip)
      defaults.push_back({"Content-Encoding", "gzip"});
    if (plan_->compress == HttpPlan::Compress::kDeflate)
      defaults.push_back({"Content-Encoding", "deflate"});

    const bool constant =
        !plan_->bearer && !plan_->basic && !plan_->digest && !plan_->sign && !plan_->traceparent &&
        !context_.program.traced && plan_->body_kind != HttpPlan::Body::kMultipart &&
        std::ranges::all_of(plan_->headers,
                            [](const HeaderPlan& h) { return h.value.dynamic == nullptr; });
    if (!constant) return;
    for (const HeaderPlan& h : plan_->headers)
      plan_->constant_headers.push_back({h.name, h.value.fixed});
    std::ranges::copy(defaults, std::back_inserter(plan_->constant_headers));
  }

  void CompileBody() {
    if (const Node* body = Find("body")) {
      plan_->body_kind = HttpPlan::Body::kText;
      plan_->body_text = Text(*body);
    } else if (const Node* json = Find("json")) {
      plan_->body_kind = HttpPlan::Body::kJson;
      plan_->json = ValuePlan::Compile(*json, context_.names, context_.diagnostics);
    } else if (const Node* form = Find("form")) {
      plan_->body_kind = HttpPlan::Body::kForm;
      for (const auto& [name, value] : form->members) {
        auto plan = ValuePlan::Compile(value, context_.names, context_.diagnostics);
        if (plan != nullptr) plan_->form.emplace_back(name.scalar, std::move(plan));
      }
    } else if (const Node* parts = Find("multipart")) {
      plan_->body_kind = HttpPlan::Body::kMultipart;
      for (const Node& node : parts->items) CompilePart(node);
    } else if (const Node* file = Find("file")) {
      plan_->body_kind = HttpPlan::Body::kFile;
      plan_->body_text = Text(*file);
    }
    const std::string compress = Literal(Find("compress"));
    if (compress == "gzip") plan_->compress = HttpPlan::Compress::kGzip;
    if (compress == "deflate") plan_->compress = HttpPlan::Compress::kDeflate;
    const bool streamed =
        plan_->body_kind == HttpPlan::Body::kFile || plan_->body_kind == HttpPlan::Body::kMultipart;
    if (!compress.empty() && streamed) {
      context_.diagnostics.Error(Find("compress")->where,
                                 "`compress` works on body, json and form, not on files",
                                 "compress the file beforehand and set Content-Encoding");
    }
  }

  void CompilePart(const Node& node) {
    MultipartPart part;
    const auto text = [&](std::string_view name, TextPlan& into) {
      const Node* value = node.Find(name);
      if (value != nullptr) into = Text(*value);
      return value != nullptr;
    };
    text("name", part.name);
    text("value", part.value);
    part.is_file = text("file", part.file);
    part.has_filename = text("filename", part.filename);
    part.has_type = text("type", part.type);
    plan_->multipart.push_back(std::move(part));
  }

  void CompileCredentials() {
    if (const Node* bearer = Find("bearer")) plan_->bearer = Text(*bearer);
    const auto pair = [&](std::string_view name) -> std::optional<std::pair<TextPlan, TextPlan>> {
      const Node* node = Find(name);
      if (node == nullptr) return std::nullopt;
      const Node* user = node->Find("user");
      const Node* password = node->Find("password");
      if (user == nullptr || password == nullptr)
        return std::nullopt;  // told by the check of `with:`
      return std::pair{Text(*user), Text(*password)};
    };
    plan_->basic = pair("basic");
    plan_->digest = pair("digest");
  }

  void CompileSign() {
    const Node* node = Find("sign");
    if (node == nullptr) return;
    if (plan_->body_kind == HttpPlan::Body::kFile ||
        plan_->body_kind == HttpPlan::Body::kMultipart) {
      context_.diagnostics.Error(node->where, "`sign` works on body, json and form, not on files");
    }
    SignPlan sign;
    auto slots = std::make_shared<std::map<std::string, Slot>>();
    const auto slot = [&](const char* name, Slot& into) {
      into = context_.slots.Add(std::string("request.") + name);
      (*slots)[name] = into;
    };
    slot("method", sign.method);
    slot("path", sign.path);
    slot("query", sign.query);
    slot("host", sign.host);
    slot("body", sign.body);
    slot("bodySha256", sign.body_sha256);
    slot("timestamp", sign.timestamp);
    slot("nonce", sign.nonce_slot);
    slot("signature", sign.signature_slot);
    Scope scope(&context_.names);
    std::vector<std::string> members;
    for (const auto& [name, unused] : *slots) members.push_back(name);
    slot("key", sign.key_slot);
    slot("data", sign.data_slot);
    context_.slots.MarkSecret(sign.key_slot);
    scope.AddGroup(
        "request", members, [slots](std::string_view member) -> std::optional<model::Binding> {
          const auto found = slots->find(std::string(member));
          if (found == slots->end()) return std::nullopt;
          return model::Binding{.slot = found->second, .segments = 2, .type = std::nullopt};
        });
    const auto part = [&](std::string_view name, const std::string& fallback) {
      const Node* given = node->Find(name);
      return CompileTemplate(given != nullptr ? given->scalar : fallback,
                             given != nullptr ? model::TextOf(*given).where : node->where, scope,
                             context_.diagnostics);
    };
    if (const Node* key = node->Find("key")) sign.key = Text(*key);
    sign.data = part("data",
                     "${request.method}\n${request.path}\n${request.query}\n${request.timestamp}\n$"
                     "{request.bodySha256}");
    sign.format = part("format", "${request.signature}");
    const std::string algorithm = Literal(node->Find("algorithm"), "sha256");
    const std::string hex = "hmac('" + algorithm + "', request.key, request.data)";
    const bool base64 = Literal(node->Find("encoding"), "hex") == "base64";
    const auto expression = [&](const std::string& text) {
      return CompileExpression(text, node->where, scope, context_.diagnostics);
    };
    sign.body_hash = expression("sha256(request.body)");
    sign.nonce = expression("uuid()");
    sign.signature = expression(base64 ? "base64Encode(hexDecode(" + hex + "))" : hex);
    sign.header = Literal(node->Find("header"), "X-Signature");
    sign.timestamp_header = Literal(node->Find("timestampHeader"));
    sign.nonce_header = Literal(node->Find("nonceHeader"));
    plan_->sign = std::move(sign);
  }

  void CompileStream() {
    const Node* node = Find("stream");
    if (node == nullptr) return;
    StreamPlan stream;
    const std::string format = Literal(node->Find("format"), "sse");
    stream.format = format == "sse"     ? StreamPlan::Format::kSse
                    : format == "lines" ? StreamPlan::Format::kLines
                                        : StreamPlan::Format::kBytes;
    if (const auto ns = Duration(node->Find("for"))) stream.for_ns = *ns;
    if (const Node* most = node->Find("maxEvents")) {
      std::from_chars(most->scalar.data(), most->scalar.data() + most->scalar.size(),
                      stream.max_events);
    }
    if (const Node* until = node->Find("until")) {
      Scope scope(&context_.names);
      stream.type = context_.slots.Add("event.type");
      stream.data = context_.slots.Add("event.data");
      stream.id = context_.slots.Add("event.id");
      stream.events = context_.slots.Add("events");
      const StreamPlan* s = &stream;
      scope.AddSlot("events", stream.events, model::Type::kInt);
      scope.AddGroup("event", {"type", "data", "id"},
                     [s](std::string_view member) -> std::optional<model::Binding> {
                       const Slot slot = member == "type"   ? s->type
                                         : member == "data" ? s->data
                                         : member == "id"   ? s->id
                                                            : kNoSlot;
                       if (slot == kNoSlot) return std::nullopt;
                       return model::Binding{
                           .slot = slot, .segments = 2, .type = model::Type::kString};
                     });
      stream.until = CompileExpression(until->scalar, model::TextOf(*until).where, scope,
                                       context_.diagnostics);
    }
    plan_->stream = std::move(stream);
  }

  void CompileLimits() {
    if (const auto timeout = Setting(&HttpSettings::timeout))
      plan_->timeout_ns = static_cast<std::uint64_t>(timeout->ns);
    if (const auto ns = Duration(Find("timeout"))) plan_->timeout_ns = *ns;
    if (const auto redirects = Setting(&HttpSettings::redirects)) plan_->redirects = *redirects;
    if (const Node* redirects = Find("redirects")) {
      std::from_chars(redirects->scalar.data(), redirects->scalar.data() + redirects->scalar.size(),
                      plan_->redirects);
    }
    plan_->decompress = Bool("decompress", Setting(&HttpSettings::decompress).value_or(true));
    if (const auto size = Setting(&HttpSettings::max_body)) plan_->max_body = size->bytes;
    if (const auto size = Size(Find("maxBody"))) plan_->max_body = *size;
    if (const auto size = Setting(&HttpSettings::keep_body)) {
      plan_->keep_body = size->bytes;
      plan_->keep_body_said = true;
    }
    if (const auto size = Size(Find("keepBody"))) {
      plan_->keep_body = *size;
      plan_->keep_body_said = true;
    }
    if (const Node* save = Find("saveTo")) plan_->save_to = Text(*save);
    const auto connections = Setting(&HttpSettings::connections);
    plan_->fresh_connection =
        Bool("freshConnection", connections && *connections == HttpSettings::Connections::kRequest);
  }

  // Evaluates a text that reads constants only (env, secrets, params).
  std::string Constant(const TextPlan& plan, const model::Location& where) {
    std::string text;
    if (plan.dynamic == nullptr) return plan.fixed;
    model::Arena arena;
    base::Random random(1);
    model::EvalContext context{.slots = context_.program.initial_slots,
                               .arena = &arena,
                               .random = &random,
                               .wall_ns = 0,
                               .error = {}};
    if (!plan.dynamic->AppendText(context, text))
      context_.diagnostics.Error(where, std::string(context.error),
                                 "only env, secrets and params can be read here");
    return text;
  }

  void CompileTransport() {
    net::Transport t;
    std::string version =
        Literal(Find("version"), Setting(&HttpSettings::version).value_or("auto"));
    t.protocol = version == "1.1"   ? net::Protocol::kHttp1
                 : version == "h2"  ? net::Protocol::kH2
                 : version == "h2c" ? net::Protocol::kH2PriorKnowledge
                                    : net::Protocol::kAuto;
    CompileTls(t);
    for (const HttpSettings* settings : context_.http) {
      if (t.resolve.empty()) t.resolve = settings->resolve;
      if (t.source_addresses.empty()) t.source_addresses = settings->source_addresses;
    }
    if (Find("resolve") != nullptr) t.resolve = List(Find("resolve"));
    if (Find("sourceAddresses") != nullptr) t.source_addresses = List(Find("sourceAddresses"));
    CheckAddresses(t);
    const std::string family =
        Literal(Find("family"), Setting(&HttpSettings::family).value_or("any"));
    t.family = family == "ipv4"   ? net::Transport::Family::kV4
               : family == "ipv6" ? net::Transport::Family::kV6
                                  : net::Transport::Family::kAny;
    if (const auto ns = Duration(Find("connectTimeout"))) t.connect_timeout_ns = *ns;
    for (int tls = 0; tls < 2; ++tls) {
      net::Transport each = t;
      CompileProxy(each, tls == 1 ? net::Scheme::kHttps : net::Scheme::kHttp);
      plan_->transport[tls] = Keep(std::move(each));
    }
  }

  void CheckAddresses(const net::Transport& t) {
    const auto where = [&](std::string_view name) {
      const Node* node = Find(name);
      return node != nullptr ? node->where : context_.step.where;
    };
    for (const std::string& entry : t.resolve) {
      if (const base::Status s = net::CheckResolveEntry(entry); !s.ok())
        context_.diagnostics.Error(where("resolve"), s.message());
    }
    for (const std::string& address : t.source_addresses) {
      if (!net::SocketAddress::Parse(address, 0)) {
        context_.diagnostics.Error(where("sourceAddresses"),
                                   "\"" + address + "\" is no address of this machine",
                                   "write an IPv4 or IPv6 address");
      }
    }
  }

  void CompileTls(net::Transport& t) {
    net::TlsOptions& tls = t.tls;
    model::Location where = context_.step.where;
    ReadTls(tls, where);
    if (tls == net::TlsOptions{} || context_.diagnostics.has_errors()) return;
    // What is wrong with the files is told now and not by every request.
    if (const auto context = net::TlsContext::Create(t); !context.ok())
      context_.diagnostics.Error(where, context.status().message());
  }

  void ReadTls(net::TlsOptions& tls, model::Location& where) {
    if (const auto settings = Setting(&HttpSettings::tls)) {
      tls.verify = settings->verify;
      tls.server_name = settings->server_name;
      tls.ca_file = File(settings->ca);
      tls.certificate_file = File(settings->cert);
      tls.key_file = File(settings->key);
      tls.ciphers = settings->ciphers;
      tls.min_version = settings->min_version;
      tls.session_reuse = settings->session_reuse;
      if (!settings->key_password.empty())
        tls.key_password = Constant(Text(settings->key_password), settings->key_password.where);
    }
    const Node* node = Find("tls");
    if (node == nullptr) return;
    where = node->where;
    const auto text = [&](std::string_view name, std::string& into) {
      if (const Node* value = node->Find(name)) into = value->scalar;
    };
    const auto file = [&](std::string_view name, std::string& into) {
      if (const Node* value = node->Find(name)) into = File(value->scalar);
    };
    if (const Node* verify = node->Find("verify")) tls.verify = verify->scalar == "true";
    if (const Node* reuse = node->Find("sessionReuse")) tls.session_reuse = reuse->scalar == "true";
    text("serverName", tls.server_name);
    file("ca", tls.ca_file);
    file("cert", tls.certificate_file);
    file("key", tls.key_file);
    text("minVersion", tls.min_version);
    text("ciphers", tls.ciphers);
    if (const Node* password = node->Find("keyPassword"))
      tls.key_password = Constant(Text(*password), password->where);
  }

  [[nodiscard]] std::string File(const std::string& path) const {
    return path.empty() || path.starts_with('/') || context_.input.folder.empty()
               ? path
               : context_.input.folder + "/" + path;
  }

  void CompileProxy(net::Transport& t, net::Scheme scheme) {
    std::string proxy;
    model::Location where = context_.step.where;
    for (const HttpSettings* settings : context_.http) {
      if (settings->proxy.empty()) continue;
      proxy = Constant(Text(settings->proxy), settings->proxy.where);
      where = settings->proxy.where;
      break;
    }
    if (const Node* node = Find("proxy")) {
      proxy = Constant(Text(*node), node->where);
      where = node->where;
    }
    const auto variable = [&](const char* name) {
      const auto found = context_.input.variables.find(name);
      return found == context_.input.variables.end() ? std::string() : found->second;
    };
    t.no_proxy =
        Literal(Find("noProxy"), Setting(&HttpSettings::no_proxy).value_or(variable("no_proxy")));
    if (proxy == "none") return;
    if (proxy.empty()) {
      const net::ProxyEnvironment environment{variable("http_proxy"), variable("https_proxy"),
                                              variable("all_proxy"), variable("no_proxy")};
      proxy = net::ProxyFor(environment, scheme);
    }
    if (!proxy.empty()) {
      if (const auto parsed = net::ParseProxy(proxy); !parsed.ok())
        context_.diagnostics.Error(where, parsed.status().message());
    }
    t.proxy = proxy;
  }

  // One object a different transport: the client compares them by address.
  const net::Transport* Keep(net::Transport t) {
    for (const auto& known : context_.program.transports) {
      if (*known == t) return known.get();
    }
    context_.program.transports.push_back(std::make_unique<const net::Transport>(std::move(t)));
    return context_.program.transports.back().get();
  }

  ActionContext& context_;
  const Node& with_;
  std::unique_ptr<HttpPlan> plan_;
};

}  // namespace

std::unique_ptr<ActionPlan> CompileHttp(ActionContext& context) {
  return HttpCompiler(context).Compile();
}

}  // namespace ronda::engine
