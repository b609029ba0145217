#include "engine/vu/secrets.h"

#include <strings.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "net/codec/url.h"

namespace ronda::engine {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::size_t kShortest = 3;

void ReplaceAll(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kMask.size())) {
    text.replace(at, what.size(), kMask);
  }
}

void Add(std::string_view secret, std::vector<std::string>& forms) {
  if (secret.size() < kShortest) return;
  forms.emplace_back(secret);
  std::string encoded;
  net::AppendPercentEncoded(secret, encoded);
  forms.push_back(encoded);
  encoded.clear();
  net::AppendFormEncoded(secret, encoded);
  forms.push_back(encoded);
  encoded.clear();
  model::AppendJson(model::Value::String(secret), encoded);
  forms.push_back(encoded.substr(1, encoded.size() - 2));
}

std::vector<std::string> SecretForms(const Program& program, const Slots& slots) {
  std::vector<std::string> forms;
  for (const std::string& secret : program.secret_values) Add(secret, forms);
  for (const Slot slot : program.secret_slots) {
    const model::Value value = slots.Get(slot);
    if (value.is_null()) continue;
    std::string text;
    model::AppendText(value, text);
    Add(text, forms);
  }
  // Longer ones first: one secret may contain another.
  std::ranges::sort(forms, [](const auto& a, const auto& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  const auto rest = std::ranges::unique(forms);
  forms.erase(rest.begin(), rest.end());
  return forms;
}

void MaskHeaders(std::string& head) {
  static constexpr std::string_view kHidden[] = {
      "authorization:", "proxy-authorization:", "cookie:", "set-cookie:"};
  for (std::size_t line = 0; line < head.size();) {
    const std::size_t end = std::min(head.find('\n', line), head.size());
    for (const std::string_view name : kHidden) {
      if (end - line < name.size() ||
          strncasecmp(head.data() + line, name.data(), name.size()) != 0) {
        continue;
      }
      head.replace(line + name.size(), end - line - name.size(), " ***");
      break;
    }
    line = std::min(head.find('\n', line), head.size()) + 1;
  }
}

}  // namespace

void MaskText(const Program& program, const Slots& slots, std::string& text) {
  for (const std::string& form : SecretForms(program, slots)) ReplaceAll(text, form);
}

void MaskSecrets(const Program& program, const Slots& slots, stats::Example& example) {
  MaskHeaders(example.request_head);
  MaskHeaders(example.response_head);
  const std::vector<std::string> forms = SecretForms(program, slots);
  for (std::string* text :
       {&example.request_line, &example.request_head, &example.request_body, &example.response_line,
        &example.response_head, &example.response_body, &example.detail}) {
    for (const std::string& form : forms) ReplaceAll(*text, form);
  }
}

}  // namespace ronda::engine
