#include "engine/extract/extractor.h"

#include <re2/re2.h>
#include <strings.h>

#include <algorithm>

#include "base/core/random.h"
#include "engine/extract/css.h"
#include "engine/extract/html.h"
#include "engine/extract/reader_impl.h"

namespace ronda::engine::extract {
namespace {

// Of one regex: later ones are not looked for.
constexpr std::size_t kMostMatches = 100'000;

// `index` of several.
class Pick {
 public:
  explicit Pick(const model::Extract& spec) : index_(spec.index), random_(spec.random) {}
  [[nodiscard]] bool chooses() const { return index_.has_value() || random_; }

  [[nodiscard]] model::Value From(std::span<const model::Value> all, model::Arena& arena,
                                  base::Random& random) const {
    if (all.empty()) return {};
    if (random_) return all[random.Below(all.size())];
    if (index_) {
      const std::int64_t at =
          *index_ < 0 ? *index_ + static_cast<std::int64_t>(all.size()) : *index_;
      return at >= 0 && at < static_cast<std::int64_t>(all.size())
                 ? all[static_cast<std::size_t>(at)]
                 : model::Value();
    }
    if (all.size() == 1) return all.front();
    const auto items = arena.AllocateArray<model::Value>(all.size());
    std::ranges::copy(all, items.begin());
    return model::Value::List(items);
  }

 private:
  std::optional<int> index_;
  bool random_;
};

class JsonExtractor : public Extractor {
 public:
  JsonExtractor(std::unique_ptr<const JsonPath> path, Pick pick)
      : path_(std::move(path)), pick_(pick) {}
  bool Read(Reader& reader, model::Arena& arena, base::Random& random, model::Value& result,
            std::string_view& error) const override {
    if (!path_->Read(reader, arena, result, error)) return false;
    if (!pick_.chooses() || result.is_null()) return true;
    const std::span<const model::Value> one(&result, 1);
    result = pick_.From(result.type() == model::Type::kList ? result.AsList() : one, arena, random);
    return true;
  }

 private:
  const std::unique_ptr<const JsonPath> path_;
  const Pick pick_;
};

class RegexExtractor : public Extractor {
 public:
  RegexExtractor(std::unique_ptr<const re2::RE2> pattern, int group, Pick pick)
      : pattern_(std::move(pattern)), group_(group), pick_(pick) {}
  bool Read(Reader& reader, model::Arena& arena, base::Random& random, model::Value& result,
            std::string_view&) const override {
    const std::string_view body = reader.response().body;
    const re2::StringPiece text(body.data(), body.size());
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(group_) + 1);
    std::vector<model::Value> found;
    std::size_t at = 0;
    while (
        at <= body.size() && found.size() < kMostMatches &&
        pattern_->Match(text, at, body.size(), re2::RE2::UNANCHORED, groups.data(), group_ + 1)) {
      const re2::StringPiece& piece = groups[static_cast<std::size_t>(group_)];
      found.push_back(piece.data() == nullptr ? model::Value()
                                              : model::Value::String({piece.data(), piece.size()}));
      const std::size_t end =
          static_cast<std::size_t>(groups[0].data() - body.data()) + groups[0].size();
      at = groups[0].empty() ? end + 1 : end;
    }
    result = pick_.From(found, arena, random);
    return true;
  }

 private:
  const std::unique_ptr<const re2::RE2> pattern_;
  const int group_;
  const Pick pick_;
};

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

class HeaderExtractor : public Extractor {
 public:
  enum class What : std::uint8_t { kHeader, kCookie };
  HeaderExtractor(std::string name, What what, Pick pick)
      : name_(std::move(name)), what_(what), pick_(pick) {}
  bool Read(Reader& reader, model::Arena& arena, base::Random& random, model::Value& result,
            std::string_view&) const override {
    std::vector<model::Value> found;
    for (const HeaderField& field : reader.response().headers) {
      if (what_ == What::kHeader) {
        if (SameName(field.name, name_)) found.push_back(model::Value::String(field.value));
        continue;
      }
      if (!SameName(field.name, "set-cookie")) continue;
      const std::string_view pair =
          field.value.substr(0, std::min(field.value.find(';'), field.value.size()));
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name_)
        found.push_back(model::Value::String(pair.substr(equals + 1)));
    }
    result = pick_.From(found, arena, random);
    return true;
  }

 private:
  const std::string name_;
  const What what_;
  const Pick pick_;
};

class HtmlExtractor : public Extractor {
 public:
  HtmlExtractor(std::unique_ptr<const HtmlPath> path, Pick pick)
      : path_(std::move(path)), pick_(pick) {}
  bool Read(Reader& reader, model::Arena& arena, base::Random& random, model::Value& result,
            std::string_view& error) const override {
    std::vector<model::Value> found;
    if (!path_->Read(reader, arena, found, error)) return false;
    result = pick_.From(found, arena, random);
    return true;
  }

 private:
  const std::unique_ptr<const HtmlPath> path_;
  const Pick pick_;
};

std::unique_ptr<const Extractor> CompileRegex(const model::Extract& spec, model::LoadError& error) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  auto pattern = std::make_unique<const re2::RE2>(spec.pattern.text, options);
  if (!pattern->ok()) {
    error.message = "regex: " + pattern->error();
    error.hint = "the syntax is RE2's: no backreferences, no lookaround";
    error.length = static_cast<std::uint32_t>(spec.pattern.text.size());
    return nullptr;
  }
  const int groups = pattern->NumberOfCapturingGroups();
  const int group = spec.group.value_or(groups > 0 ? 1 : 0);
  if (group < 0 || group > groups) {
    error.message = "regex: there is no group " + std::to_string(group) + "; the pattern has " +
                    std::to_string(groups);
    return nullptr;
  }
  return std::make_unique<RegexExtractor>(std::move(pattern), group, Pick(spec));
}

}  // namespace

std::unique_ptr<const Extractor> Extractor::Compile(const model::Extract& spec,
                                                    model::LoadError& error) {
  switch (spec.kind) {
    case model::Extract::Kind::kJson: {
      auto path = JsonPath::Compile(spec.pattern.text, error);
      if (path == nullptr) return nullptr;
      return std::make_unique<JsonExtractor>(std::move(path), Pick(spec));
    }
    case model::Extract::Kind::kRegex: return CompileRegex(spec, error);
    case model::Extract::Kind::kHeader:
      return std::make_unique<HeaderExtractor>(spec.pattern.text, HeaderExtractor::What::kHeader,
                                               Pick(spec));
    case model::Extract::Kind::kCookie:
      return std::make_unique<HeaderExtractor>(spec.pattern.text, HeaderExtractor::What::kCookie,
                                               Pick(spec));
    case model::Extract::Kind::kXPath:
    case model::Extract::Kind::kCss: {
      std::optional<std::string> xpath = spec.pattern.text;
      if (spec.kind == model::Extract::Kind::kCss) xpath = CssToXPath(spec.pattern.text, error);
      if (!xpath.has_value()) return nullptr;
      auto path = HtmlPath::Compile(*xpath, error);
      if (path == nullptr) return nullptr;
      return std::make_unique<HtmlExtractor>(std::move(path), Pick(spec));
    }
    case model::Extract::Kind::kExpression: break;
  }
  error.message = "an expression is not read from the response";
  return nullptr;
}

}  // namespace ronda::engine::extract
