#include "model/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>

#include "model/expression_duration.h"

namespace ronda::model {
namespace {

constexpr std::size_t kFirstChunk = 1024;
constexpr std::size_t kLargestChunk = 256 * 1024;
constexpr std::size_t kKept = 1024 * 1024;  // of an arena, from one round to the next

// A double holds an int exactly, or it does not equal it.
bool EqualNumbers(std::int64_t i, double d) {
  return static_cast<long double>(i) == static_cast<long double>(d);
}

bool EqualLists(std::span<const Value> a, std::span<const Value> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), Equal);
}

std::vector<const Member*> Sorted(std::span<const Member> members) {
  std::vector<const Member*> sorted;
  sorted.reserve(members.size());
  for (const Member& member : members) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(), [](const Member* x, const Member* y) {
    return std::pair(x->key, x) < std::pair(y->key, y);  // equal keys as they were written
  });
  return sorted;
}

// The order of members does not matter.
bool EqualMaps(std::span<const Member> a, std::span<const Member> b) {
  if (a.size() != b.size()) return false;
  const auto same_key = [](const Member& x, const Member& y) { return x.key == y.key; };
  if (std::equal(a.begin(), a.end(), b.begin(), same_key)) {
    return std::equal(a.begin(), a.end(), b.begin(),
                      [](const Member& x, const Member& y) { return Equal(x.value, y.value); });
  }
  const auto left = Sorted(a);
  const auto right = Sorted(b);
  return std::equal(left.begin(), left.end(), right.begin(), [](const Member* x, const Member* y) {
    return x->key == y->key && Equal(x->value, y->value);
  });
}

void AppendInt(std::int64_t i, std::string& out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, i).ptr;
  out.append(buffer, end);
}

// The shortest digits that read back to the same number; without an exponent where people would
// write none, and without ".0".
void AppendFloat(double d, std::string& out) {
  char buffer[64];
  const double size = std::fabs(d);
  if (std::trunc(d) == d && size < 1e15) {
    AppendInt(static_cast<std::int64_t>(d), out);
    return;
  }
  const bool plain = size >= 1e-6 && size < 1e15;
  const auto end =
      plain ? std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::fixed).ptr
            : std::to_chars(buffer, buffer + sizeof buffer, d).ptr;
  out.append(buffer, end);
}

void AppendJsonString(std::string_view s, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c >= 0x20 && c != '"' && c != '\\') [[likely]]
      continue;
    out.append(s, copied, i - copied);
    copied = i + 1;
    out += '\\';
    switch (c) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(s, copied, s.size() - copied);
  out += '"';
}

}  // namespace

std::string_view NameOf(Type type) {
  constexpr std::string_view kNames[] = {"null",   "bool",     "int",  "float",
                                         "string", "duration", "list", "map"};
  return kNames[static_cast<std::size_t>(type)];
}

Value Value::Get(std::string_view key) const {
  if (type_ != Type::kMap) return {};
  for (const Member& member : AsMap()) {
    if (member.key == key) return member.value;
  }
  return {};
}

void* Arena::Allocate(std::size_t size, std::size_t alignment) {
  while (chunk_ < chunks_.size()) {
    const std::size_t at = (used_ + alignment - 1) & ~(alignment - 1);
    if (at <= chunks_[chunk_].size && size <= chunks_[chunk_].size - at) {
      used_ = at + size;
      return chunks_[chunk_].bytes.get() + at;
    }
    ++chunk_;
    used_ = 0;
  }
  const std::size_t doubled = chunks_.empty() ? kFirstChunk : chunks_.back().size * 2;
  const std::size_t bytes = std::max(size, std::min(doubled, kLargestChunk));
  chunks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
  chunk_ = chunks_.size() - 1;
  used_ = size;
  return chunks_.back().bytes.get();
}

std::string_view Arena::Copy(std::string_view s) {
  if (s.empty()) return {};
  char* copy = static_cast<char*>(Allocate(s.size(), 1));
  std::memcpy(copy, s.data(), s.size());
  return {copy, s.size()};
}

void Arena::Reset() {
  if (chunk_ > 0) {
    // One chunk for all of it, so that the next round finds it whole.
    const std::size_t bytes = std::min(capacity(), kKept);
    chunks_.clear();
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes});
  } else if (!chunks_.empty() && chunks_[0].size > kKept) {
    chunks_.clear();
  }
  chunk_ = 0;
  used_ = 0;
}

std::size_t Arena::capacity() const {
  std::size_t bytes = 0;
  for (const Chunk& chunk : chunks_) bytes += chunk.size;
  return bytes;
}

Value CopyInto(Value value, Arena& arena) {
  switch (value.type()) {
    case Type::kString: return Value::String(arena.Copy(value.AsString()));
    case Type::kList: {
      const auto from = value.AsList();
      const auto to = arena.AllocateArray<Value>(from.size());
      for (std::size_t i = 0; i < from.size(); ++i) to[i] = CopyInto(from[i], arena);
      return Value::List(to);
    }
    case Type::kMap: {
      const auto from = value.AsMap();
      const auto to = arena.AllocateArray<Member>(from.size());
      for (std::size_t i = 0; i < from.size(); ++i) {
        to[i] = {arena.Copy(from[i].key), CopyInto(from[i].value, arena)};
      }
      return Value::Map(to);
    }
    default: return value;
  }
}

bool Equal(Value a, Value b) {
  if (a.type() != b.type()) {
    if (a.type() == Type::kInt && b.type() == Type::kFloat)
      return EqualNumbers(a.AsInt(), b.AsFloat());
    if (a.type() == Type::kFloat && b.type() == Type::kInt)
      return EqualNumbers(b.AsInt(), a.AsFloat());
    return false;
  }
  switch (a.type()) {
    case Type::kNull: return true;
    case Type::kBool: return a.AsBool() == b.AsBool();
    case Type::kInt: return a.AsInt() == b.AsInt();
    case Type::kFloat: return a.AsFloat() == b.AsFloat();
    case Type::kString: return a.AsString() == b.AsString();
    case Type::kDuration: return a.AsDurationNs() == b.AsDurationNs();
    case Type::kList: return EqualLists(a.AsList(), b.AsList());
    case Type::kMap: return EqualMaps(a.AsMap(), b.AsMap());
  }
  return false;
}

void AppendText(Value value, std::string& out) {
  switch (value.type()) {
    case Type::kNull: return;
    case Type::kString: out += value.AsString(); return;
    case Type::kInt: AppendInt(value.AsInt(), out); return;
    case Type::kFloat: AppendFloat(value.AsFloat(), out); return;
    case Type::kBool: out += value.AsBool() ? "true" : "false"; return;
    case Type::kDuration: AppendDuration(value.AsDurationNs(), out); return;
    case Type::kList:
    case Type::kMap: AppendJson(value, out); return;
  }
}

void AppendJson(Value value, std::string& out) {
  switch (value.type()) {
    case Type::kNull: out += "null"; return;
    case Type::kString: AppendJsonString(value.AsString(), out); return;
    case Type::kFloat:
      if (std::isfinite(value.AsFloat())) {
        AppendFloat(value.AsFloat(), out);
      } else {
        out += "null";
      }
      return;
    case Type::kDuration: AppendFloat(static_cast<double>(value.AsDurationNs()) / 1e9, out); return;
    case Type::kList: {
      char before = '[';
      for (const Value& item : value.AsList()) {
        out += before;
        AppendJson(item, out);
        before = ',';
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case Type::kMap: {
      char before = '{';
      for (const Member& member : value.AsMap()) {
        out += before;
        AppendJsonString(member.key, out);
        out += ':';
        AppendJson(member.value, out);
        before = ',';
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    case Type::kBool:
    case Type::kInt: AppendText(value, out); return;
  }
}

}  // namespace ronda::model
