#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

namespace ronda::base {

// Writes JSON piece by piece; commas come by themselves. Owned by one thread.
class JsonWriter {
 public:
  std::string out;

  JsonWriter& Object() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& List() { return Open('['); }
  JsonWriter& EndList() { return Close(']'); }
  JsonWriter& Key(std::string_view key) {
    Comma();
    AppendJsonText(key, out);
    out += ':';
    fresh_ = true;
    return *this;
  }

  JsonWriter& Text(std::string_view text) {
    Comma();
    AppendJsonText(text, out);
    return *this;
  }
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  JsonWriter& Number(T n) {
    Comma();
    const fmt::format_int digits(n);
    out.append(digits.data(), digits.size());
    return *this;
  }
  template <std::signed_integral T>
  JsonWriter& Number(T n) {
    Comma();
    const fmt::format_int digits(n);
    out.append(digits.data(), digits.size());
    return *this;
  }
  // At most six digits after the point; null where it is no number.
  JsonWriter& Number(double n) {
    Comma();
    if (!std::isfinite(n)) {
      out += "null";
      return *this;
    }
    const std::size_t begin = out.size();
    fmt::format_to(std::back_inserter(out), "{:.6f}", n);
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
    if (std::string_view(out).substr(begin) == "-0") out.replace(begin, 2, "0");
    return *this;
  }
  JsonWriter& Bool(bool b) {
    Comma();
    out += b ? "true" : "false";
    return *this;
  }
  JsonWriter& Null() {
    Comma();
    out += "null";
    return *this;
  }
  // A value that is JSON already.
  JsonWriter& Raw(std::string_view json) {
    Comma();
    out += json;
    return *this;
  }

  JsonWriter& Field(std::string_view key, std::string_view text) { return Key(key).Text(text); }
  JsonWriter& Field(std::string_view key, const char* text) { return Key(key).Text(text); }
  JsonWriter& Field(std::string_view key, bool b) { return Key(key).Bool(b); }
  JsonWriter& Field(std::string_view key, double n) { return Key(key).Number(n); }
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  JsonWriter& Field(std::string_view key, T n) {
    return Key(key).Number(n);
  }
  template <std::signed_integral T>
  JsonWriter& Field(std::string_view key, T n) {
    return Key(key).Number(n);
  }
  // A list of what `value` gives for each of `items`.
  template <typename Range, typename F>
  JsonWriter& Column(std::string_view key, const Range& items, F&& value) {
    Key(key).List();
    for (const auto& item : items) Number(value(item));
    return EndList();
  }

 private:
  JsonWriter& Open(char c) {
    Comma();
    out += c;
    fresh_ = true;
    return *this;
  }
  JsonWriter& Close(char c) {
    out += c;
    fresh_ = false;
    return *this;
  }
  void Comma() {
    if (!fresh_) out += ',';
    fresh_ = false;
  }

  bool fresh_ = true;  // nothing stands before in this object, list or after this key
};

}  // namespace ronda::base
