#include "trace/ingest/mask.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;

constexpr std::string_view kHidden = "***";
constexpr std::string_view kRequestHeader = "http.request.header.";
constexpr std::string_view kResponseHeader = "http.response.header.";
// Headers that carry secrets, with '-' (semantic conventions 1.20 and up) written as '_' (before).
constexpr std::array<std::string_view, 9> kSecretHeaders = {
    "authorization", "proxy_authorization",  "cookie",      "set_cookie", "x_api_key", "api_key",
    "x_auth_token",  "x_amz_security_token", "x_csrf_token"};

bool IsWord(char c) {
  const auto u = static_cast<unsigned char>(c);
  return std::isalnum(u) != 0 || c == '_' || c == '$' || c == '@' || c == '#' || u >= 0x80;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsSecretHeader(std::string_view key) {
  for (const std::string_view prefix : {kRequestHeader, kResponseHeader}) {
    if (!key.starts_with(prefix)) continue;
    std::string name(key.substr(prefix.size()));
    for (char& c : name) {
      c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return std::ranges::find(kSecretHeaders, name) != kSecretHeaders.end();
  }
  return false;
}

// Reads SQL front to back and writes it without its literals.
class SqlScan {
 public:
  SqlScan(std::string_view sql, DoubleQuotes quotes) : sql_(sql), quotes_(quotes) {}

  std::string Run() {
    out_.reserve(sql_.size());
    while (at_ < sql_.size()) Step();
    return std::move(out_);
  }

 private:
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }
  void CopyTo(std::size_t end) {
    end = std::min(end, sql_.size());
    out_ += sql_.substr(at_, end - at_);
    at_ = end;
  }

  void Step() {
    const char c = Peek();
    if (c == '\'' || (c == '"' && quotes_ == DoubleQuotes::kText)) return Quoted(c);
    if (c == '"' || c == '`') return Identifier(c);
    if (c == '-' && Peek(1) == '-') return CopyTo(std::min(sql_.find('\n', at_), sql_.size()));
    if (c == '/' && Peek(1) == '*') {
      const auto end = sql_.find("*/", at_ + 2);
      return CopyTo(end == std::string_view::npos ? sql_.size() : end + 2);
    }
    if (c == '$' && DollarQuoted()) return;
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)) && !AfterName())) return Number();
    if (IsWord(c)) return Word();
    out_ += c;
    ++at_;
  }

  // True when what was just written is a name: "t.1" has no number.
  [[nodiscard]] bool AfterName() const {
    return !out_.empty() &&
           (IsWord(out_.back()) || out_.back() == '"' || out_.back() == '`' || out_.back() == ']');
  }

  void Quoted(char quote) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '\\') {
        ++at_;
      } else if (sql_[at_] == quote) {
        if (Peek(1) != quote) break;
        ++at_;
      }
    }
    at_ = std::min(at_ + 1, sql_.size());
    out_ += '?';
  }

  void Identifier(char quote) {
    const auto end = sql_.find(quote, at_ + 1);
    CopyTo(end == std::string_view::npos ? sql_.size() : end + 1);
  }

  // PostgreSQL's $tag$...$tag$.
  bool DollarQuoted() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && IsWord(sql_[end]) && sql_[end] != '$') ++end;
    if (end >= sql_.size() || sql_[end] != '$' || IsDigit(Peek(1))) return false;
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const auto close = sql_.find(tag, end + 1);
    at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
    out_ += '?';
    return true;
  }

  void Number() {
    while (at_ < sql_.size()) {
      const char c = sql_[at_], before = at_ > 0 ? sql_[at_ - 1] : '\0';
      const bool exponent_sign = (c == '+' || c == '-') && (before == 'e' || before == 'E');
      if (!IsWord(c) && c != '.' && !exponent_sign) break;
      ++at_;
    }
    out_ += '?';
  }

  void Word() {
    const std::size_t begin = at_;
    std::size_t end = at_;
    while (end < sql_.size() && IsWord(sql_[end])) ++end;
    // X'1f', B'01', N'text', E'text', _utf8'text': the prefix belongs to the literal.
    if (end < sql_.size() && sql_[end] == '\'' && (end - begin == 1 || sql_[begin] == '_')) {
      at_ = end;
      return;
    }
    CopyTo(end);
  }

  std::string_view sql_;
  DoubleQuotes quotes_;
  std::size_t at_ = 0;
  std::string out_;
};

bool IsStatement(std::string_view key) { return key == "db.statement" || key == "db.query.text"; }

DoubleQuotes QuotesOf(std::span<const otlp::Attribute> attributes) {
  for (const otlp::Attribute& attribute : attributes) {
    if (attribute.key() != "db.system" && attribute.key() != "db.system.name") continue;
    const std::string_view system = attribute.value().bytes();
    if (system == "mysql" || system == "mariadb") return DoubleQuotes::kText;
  }
  return DoubleQuotes::kIdentifier;
}

std::uint64_t MaskStatements(otlp::SpanBatch& batch, otlp::Range range) {
  std::uint64_t masked = 0;
  for (std::uint32_t i = range.begin; i < range.begin + range.count; ++i) {
    otlp::Attribute& attribute = batch.attributes[i];
    if (!attribute.key().starts_with("db.") || !IsStatement(attribute.key()) ||
        attribute.value().type() != otlp::ValueType::kString) {
      continue;
    }
    const std::string_view sql = attribute.value().bytes();
    const std::string text = MaskSql(sql, QuotesOf(batch.At(range)));
    if (text == sql) continue;
    attribute.set_value(otlp::Value::String(batch.arena.Copy(text)));
    ++masked;
  }
  return masked;
}

}  // namespace

std::string MaskSql(std::string_view sql, DoubleQuotes quotes) {
  return SqlScan(sql, quotes).Run();
}

Masker::Masker(const MaskRules& rules) : rules_(rules) {
  for (const std::string& key : rules.keys) {
    if (key.ends_with('*')) {
      prefixes_.push_back(key.substr(0, key.size() - 1));
    } else {
      exact_.insert(key);
    }
  }
  if (rules.sql == MaskRules::Apply::kYes) prefixes_.emplace_back("db.query.parameter.");
  for (const std::string& key : exact_) {
    if (!key.empty()) first_.set(static_cast<unsigned char>(key.front()));
  }
  for (const std::string& prefix : prefixes_) {
    if (prefix.empty()) {
      first_.set();
    } else {
      first_.set(static_cast<unsigned char>(prefix.front()));
    }
  }
  if (rules.headers == MaskRules::Apply::kYes) first_.set('h');
}

bool Masker::HidesKey(std::string_view key) const {
  if (key.empty() || !first_.test(static_cast<unsigned char>(key.front()))) return false;
  if (rules_.headers == MaskRules::Apply::kYes && IsSecretHeader(key)) return true;
  if (!exact_.empty() && exact_.contains(std::string(key))) return true;
  return std::ranges::any_of(prefixes_,
                             [&](const auto& prefix) { return key.starts_with(prefix); });
}

std::uint64_t Masker::HideKeys(otlp::BatchParts& batch) const {
  std::uint64_t masked = 0;
  for (otlp::Attribute& attribute : batch.attributes) {
    if (!HidesKey(attribute.key()) || attribute.value() == otlp::Value::String(kHidden)) continue;
    attribute.set_value(otlp::Value::String(kHidden));
    ++masked;
  }
  return masked;
}

std::uint64_t Masker::Apply(otlp::MetricBatch& batch) const { return HideKeys(batch); }

std::uint64_t Masker::Apply(otlp::SpanBatch& batch) const {
  std::uint64_t masked = HideKeys(batch);
  if (rules_.sql == MaskRules::Apply::kNo) return masked;
  for (const otlp::Span& span : batch.spans) masked += MaskStatements(batch, span.attributes);
  return masked;
}

}  // namespace ronda::trace::ingest
