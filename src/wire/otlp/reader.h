#pragma once

#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>

#include "wire/otlp/decode.h"
#include "wire/otlp/fields.h"
#include "wire/otlp/metric_model.h"

// How the parts of decode.h read protobuf. Only its sources include it; whoever does sees the throwing
// library.
namespace ronda::wire::otlp {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// What a field's key says about it; a field of another type than ours is unknown, as for protobuf.
constexpr std::uint32_t Varint(std::uint32_t field) {
  return protozero::tag_and_type(field, pbf_wire_type::varint);
}
constexpr std::uint32_t Fixed32(std::uint32_t field) {
  return protozero::tag_and_type(field, pbf_wire_type::fixed32);
}
constexpr std::uint32_t Fixed64(std::uint32_t field) {
  return protozero::tag_and_type(field, pbf_wire_type::fixed64);
}
constexpr std::uint32_t Sized(std::uint32_t field) {
  return protozero::tag_and_type(field, pbf_wire_type::length_delimited);
}

inline std::string_view ViewOf(pbf_reader& reader) {
  const auto view = reader.get_view();
  return {view.data(), view.size()};
}

inline pbf_reader MessageOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// Field number and type of the field that the reader stands at.
inline std::uint32_t KeyOf(const pbf_reader& reader) { return reader.tag_and_type(); }

// The longest beginning of `text` of at most `most` bytes that does not end inside a UTF-8 character.
inline std::string_view CutText(std::string_view text, std::size_t most) {
  std::size_t end = most;
  for (int i = 0; i < 3 && end > 0; ++i, --end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80) break;
  }
  return text.substr(0, end);
}

// protozero says by throwing that bytes are malformed; nothing leaves this.
template <typename Read>
bool Catching(const Read& read) {
  try {
    read();
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

// Reads one request into one batch.
class Decoder::Reader {
 public:
  Reader(Decoder& decoder, BatchParts& batch)
      : limits_(decoder.limits_), report_(decoder.report_), decoder_(decoder), batch_(batch) {}

  // `item(bytes)` is called for each span, record or metric; the scope it belongs to is the batch's last.
  template <typename Item>
  void Request(std::string_view bytes, const Item& item) {
    pbf_reader reader = MessageOf(bytes);
    while (reader.next()) {
      if (KeyOf(reader) == Sized(field::kRequestResources)) {
        ResourceItems(ViewOf(reader), item);
      } else {
        reader.skip();
      }
    }
  }

  void OneResource(std::string_view bytes);
  void OneScope(std::string_view bytes);
  void OneSpan(std::string_view bytes, SpanBatch& batch);
  void OneRecord(std::string_view bytes, LogBatch& batch);
  void OneMetric(std::string_view bytes, MetricBatch& batch);

 private:
  template <typename Item>
  void ResourceItems(std::string_view bytes, const Item& item) {
    OneResource(bytes);
    pbf_reader reader = MessageOf(bytes);
    while (reader.next()) {
      if (KeyOf(reader) == Sized(field::kResourceScopes)) {
        ScopeItems(ViewOf(reader), item);
      } else {
        reader.skip();
      }
    }
  }

  template <typename Item>
  void ScopeItems(std::string_view bytes, const Item& item) {
    OneScope(bytes);
    pbf_reader reader = MessageOf(bytes);
    while (reader.next()) {
      if (KeyOf(reader) == Sized(field::kScopeItems)) {
        item(ViewOf(reader));
      } else {
        reader.skip();
      }
    }
  }

  void ResourceBody(std::string_view bytes, Resource& resource);
  void ScopeBody(std::string_view bytes, Scope& scope);
  void EventBody(std::string_view bytes, SpanBatch& batch);
  bool LinkBody(std::string_view bytes, SpanBatch& batch);
  void DataBody(std::string_view bytes, Metric& metric);
  void OnePoint(std::string_view bytes, Metric& metric, MetricBatch& batch);
  void PointBody(std::string_view bytes, MetricType type, MetricPoint& point);
  // One field each; CommonField says whether it was one of its own.
  [[nodiscard]] bool CommonField(pbf_reader& reader, MetricType type, MetricPoint& point);
  void NumberField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut);
  void HistogramField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut);
  void ExponentialField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut);
  void SummaryField(pbf_reader& reader, MetricPoint& point, std::uint32_t& cut);
  void BucketsBody(std::string_view bytes, Buckets& buckets, std::vector<std::uint64_t>& counts);
  void AddAttribute(std::string_view bytes, Range& range, std::uint32_t& dropped);
  bool Bounded(Value& value);
  std::uint32_t Here() const { return static_cast<std::uint32_t>(batch_.attributes.size()); }
  void Refuse(Refusal why) { ++report_.refused[static_cast<std::size_t>(why)]; }

  const Limits& limits_;
  DecodeReport& report_;
  Decoder& decoder_;
  BatchParts& batch_;
};

template <typename Read>
base::Status Decoder::Guarded(std::string_view what, std::string_view bytes, const Read& read) {
  report_ = {};
  if (bytes.size() > limits_.request_bytes) {
    return base::ResourceExhausted(std::string(what) + " of " + std::to_string(bytes.size()) +
                                   " bytes; at most " + std::to_string(limits_.request_bytes) +
                                   " are taken: send smaller batches");
  }
  if (Catching(read)) return base::Ok();
  report_ = {};
  return base::InvalidArgument("the body is no " + std::string(what) +
                               ": malformed protobuf (is it compressed, or JSON?)");
}

}  // namespace ronda::wire::otlp
