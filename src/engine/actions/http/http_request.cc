#include <strings.h>

#include <algorithm>
#include <filesystem>

#include "engine/actions/http/auth.h"
#include "engine/actions/http/file_source.h"
#include "engine/actions/http/http_call.h"
#include "engine/vu/user.h"
#include "engine/vu/user_thread.h"
#include "net/codec/content_encoder.h"

namespace ronda::engine {

bool HttpCall::ParseUrl() {
  auto parsed = net::ParseUrl(url_text_, url_storage_);
  if (!parsed.ok()) {
    error_ = parsed.status().message();
    return false;
  }
  url_ = *parsed;
  return true;
}

bool HttpCall::BuildUrl(model::EvalContext& context) {
  if (plan_->parsed_url) {
    url_ = *plan_->parsed_url;
    return true;
  }
  url_text_.clear();
  if (!plan_->url.Append(context, url_text_)) return false;
  const bool absolute = url_text_.starts_with("http://") || url_text_.starts_with("https://");
  if (!absolute && (!plan_->base_url.fixed.empty() || plan_->base_url.dynamic != nullptr)) {
    const std::string path = std::move(url_text_);
    url_text_.clear();
    if (!plan_->base_url.Append(context, url_text_)) return false;
    while (url_text_.ends_with('/') && path.starts_with('/')) url_text_.pop_back();
    url_text_ += path;
  }
  if (!plan_->query.empty()) url_text_.resize(std::min(url_text_.find('#'), url_text_.size()));
  char separator = url_text_.find('?') == std::string::npos ? '?' : '&';
  const auto add = [&](const std::string& name, model::Value value) {
    if (value.is_null()) return;
    url_text_ += separator;
    separator = '&';
    net::AppendPercentEncoded(name, url_text_);
    url_text_ += '=';
    std::string text;
    model::AppendText(value, text);
    net::AppendPercentEncoded(text, url_text_);
  };
  for (const auto& [name, plan] : plan_->query) {
    model::Value value;
    if (!plan->Evaluate(context, value)) return false;
    if (value.type() != model::Type::kList) {
      add(name, value);
      continue;
    }
    for (const model::Value item : value.AsList()) add(name, item);
  }
  return ParseUrl();
}

bool HttpCall::BuildBody(model::EvalContext& context) {
  body_.clear();
  request_.body_source = nullptr;
  switch (plan_->body_kind) {
    case HttpPlan::Body::kNone: break;
    case HttpPlan::Body::kText:
      if (!plan_->body_text.Append(context, body_)) return false;
      break;
    case HttpPlan::Body::kJson:
      if (!plan_->json->AppendJson(context, body_)) return false;
      break;
    case HttpPlan::Body::kForm:
      for (const auto& [name, plan] : plan_->form) {
        model::Value value;
        if (!plan->Evaluate(context, value)) return false;
        const std::span<const model::Value> one(&value, 1);
        for (const model::Value item : value.type() == model::Type::kList ? value.AsList() : one) {
          if (item.is_null()) continue;
          if (!body_.empty()) body_ += '&';
          net::AppendFormEncoded(name, body_);
          body_ += '=';
          std::string text;
          model::AppendText(item, text);
          net::AppendFormEncoded(text, body_);
        }
      }
      break;
    case HttpPlan::Body::kMultipart: return BuildMultipart(context);
    case HttpPlan::Body::kFile: {
      std::string path;
      if (!plan_->body_text.Append(context, path)) return false;
      auto source = FileSource::Open(plan_->folder, path);
      if (!source.ok()) {
        error_ = source.status().message();
        return false;
      }
      files_.clear();
      files_.push_back(*std::move(source));
      request_.body_source = files_.back().get();
      return true;
    }
  }
  if (plan_->compress != HttpPlan::Compress::kNone && !Compress()) return false;
  request_.body = body_;
  return true;
}

bool HttpCall::BuildMultipart(model::EvalContext& context) {
  multipart_ = std::make_unique<net::MultipartBody>(net::RandomBoundary());
  files_.clear();
  file_texts_.clear();
  file_texts_.reserve(plan_->multipart.size() * 4);
  const auto render = [&](const TextPlan& plan) -> const std::string* {
    std::string text;
    if (!plan.Append(context, text)) return nullptr;
    return &file_texts_.emplace_back(std::move(text));
  };
  for (const MultipartPart& part : plan_->multipart) {
    const std::string* name = render(part.name);
    if (name == nullptr) return false;
    if (!part.is_file) {
      const std::string* value = render(part.value);
      if (value == nullptr) return false;
      const std::string* type = part.has_type ? render(part.type) : nullptr;
      const std::string* filename = part.has_filename ? render(part.filename) : nullptr;
      if ((part.has_type && type == nullptr) || (part.has_filename && filename == nullptr))
        return false;
      const std::string_view content_type = type != nullptr ? std::string_view(*type) : "";
      if (filename != nullptr) {
        multipart_->AddFile(*name, {*filename, content_type}, *value);
      } else {
        multipart_->AddField(*name, *value, content_type);
      }
      continue;
    }
    const std::string* path = render(part.file);
    if (path == nullptr) return false;
    auto source = FileSource::Open(plan_->folder, *path);
    if (!source.ok()) {
      error_ = source.status().message();
      return false;
    }
    files_.push_back(*std::move(source));
    const std::string* filename =
        part.has_filename
            ? render(part.filename)
            : &file_texts_.emplace_back(std::filesystem::path(*path).filename().string());
    const std::string* type = part.has_type ? render(part.type) : nullptr;
    if (filename == nullptr || (part.has_type && type == nullptr)) return false;
    multipart_->AddFile(*name, {*filename, type != nullptr ? std::string_view(*type) : ""},
                        *files_.back());
  }
  request_.body = {};
  request_.body_source = multipart_.get();
  return true;
}

bool HttpCall::Compress() {
  const auto coding = plan_->compress == HttpPlan::Compress::kGzip ? net::ContentCoding::kGzip
                                                                   : net::ContentCoding::kDeflate;
  auto packed = net::EncodeContent(coding, body_);
  if (!packed.ok()) {
    error_ = packed.status().message();
    return false;
  }
  body_ = *std::move(packed);
  return true;
}

bool HttpCall::BuildHeaders(model::EvalContext& context) {
  pieces_.clear();
  constant_headers_ = !plan_->constant_headers.empty() && url_.userinfo.empty();
  if (constant_headers_) return true;
  for (const HeaderPlan& header : plan_->headers) {
    if (header.value.dynamic == nullptr) {
      pieces_.push_back({header.name, header.value.fixed});
      continue;
    }
    const std::size_t from = head_text_.size();
    if (!header.value.Append(context, head_text_)) return false;
    AddPiece(header.name, from);
  }
  for (const net::HeaderView& header : plan_->default_headers) {
    pieces_.push_back({header.name, header.value});
  }
  if (plan_->body_kind == HttpPlan::Body::kMultipart && !plan_->has_content_type) {
    pieces_.push_back({"Content-Type", multipart_->content_type()});
  }
  if (!AddCredentials(context)) return false;
  if (plan_->traceparent || strand_->thread().program().traced) {
    span_ = strand_->thread().random()() | 1;
    User& user = strand_->user();
    const base::TraceId trace = user.trace().valid() ? user.trace() : strand_->thread().NextTrace();
    const auto text = base::FormatTraceParent(trace, span_, base::Sampled::kYes);
    const std::size_t from = head_text_.size();
    head_text_.append(text.data(), text.size());
    AddPiece("traceparent", from);
  }
  sign_from_ = pieces_.size();
  return !plan_->sign || AddSignature(context);
}

bool HttpCall::BuildCookies(model::EvalContext& context) {
  own_cookies_.clear();
  for (const auto& [name, plan] : plan_->cookies) {
    if (!own_cookies_.empty()) own_cookies_ += "; ";
    (own_cookies_ += name) += '=';
    if (!plan.Append(context, own_cookies_)) return false;
  }
  return true;
}

net::DigestAuth* HttpCall::Digest() {
  auto& auth = strand_->user().auth();
  if (auth == nullptr) auth = std::make_unique<UserAuth>();
  const std::string key =
      digest_user_ + "@" + std::string(url_.host) + ":" + std::to_string(url_.port);
  for (UserAuth::Entry& entry : auth->entries) {
    if (entry.key == key) return entry.digest.get();
  }
  auth->entries.push_back({key, std::make_unique<net::DigestAuth>(digest_user_, digest_password_)});
  return auth->entries.back().digest.get();
}

bool HttpCall::AddCredentials(model::EvalContext& context) {
  const std::size_t from = head_text_.size();
  if (plan_->digest) {  // Send adds the header, once there was a challenge
    digest_user_.clear();
    digest_password_.clear();
    return plan_->digest->first.Append(context, digest_user_) &&
           plan_->digest->second.Append(context, digest_password_);
  }
  if (plan_->bearer) {
    head_text_ += "Bearer ";
    if (!plan_->bearer->Append(context, head_text_)) return false;
    AddPiece("Authorization", from);
    return true;
  }
  if (!plan_->basic && url_.userinfo.empty()) return true;
  std::string user, password;
  if (plan_->basic) {
    if (!plan_->basic->first.Append(context, user) ||
        !plan_->basic->second.Append(context, password))
      return false;
  } else {
    const std::size_t colon = std::min(url_.userinfo.find(':'), url_.userinfo.size());
    net::AppendPercentDecoded(url_.userinfo.substr(0, colon), user);
    if (colon < url_.userinfo.size())
      net::AppendPercentDecoded(url_.userinfo.substr(colon + 1), password);
  }
  if (const base::Status s = net::AppendBasicAuth(user, password, head_text_); !s.ok()) {
    error_ = s.message();
    return false;
  }
  AddPiece("Authorization", from);
  return true;
}

bool HttpCall::AddSignature(model::EvalContext& context) {
  const SignPlan& sign = *plan_->sign;
  Slots& slots = strand_->slots();
  const std::string_view target = url_.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  slots.Borrow(sign.method, model::Value::String(method_));
  slots.Borrow(sign.path, model::Value::String(target.substr(0, question)));
  slots.Borrow(sign.query,
               model::Value::String(question < target.size() ? target.substr(question + 1)
                                                             : std::string_view()));
  slots.Borrow(sign.host, model::Value::String(url_.authority));
  slots.Borrow(sign.body, model::Value::String(body_));
  slots.Borrow(sign.timestamp,
               model::Value::Int(static_cast<std::int64_t>(context.wall_ns / 1'000'000'000)));
  std::string key;
  if (!sign.key.Append(context, key)) return false;
  slots.Borrow(sign.key_slot, model::Value::String(key));
  context.slots = slots.values();
  const auto compute = [&](const auto& plan, Slot slot) {
    model::Value value;
    if (!plan->Evaluate(context, value)) return false;
    slots.Borrow(slot, value);
    return true;
  };
  if (!compute(sign.body_hash, sign.body_sha256) || !compute(sign.nonce, sign.nonce_slot) ||
      !compute(sign.data, sign.data_slot) || !compute(sign.signature, sign.signature_slot)) {
    return false;
  }
  slots.Borrow(sign.key_slot, {});
  const auto add = [&](const std::string& name, Slot slot) {
    if (name.empty()) return;
    const std::size_t from = head_text_.size();
    model::AppendText(slots.Get(slot), head_text_);
    AddPiece(name, from);
  };
  add(sign.timestamp_header, sign.timestamp);
  add(sign.nonce_header, sign.nonce_slot);
  const std::size_t from = head_text_.size();
  if (!sign.format->Render(context, head_text_)) return false;
  AddPiece(sign.header, from);
  return true;
}

}  // namespace ronda::engine
