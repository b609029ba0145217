#include "trace/ingest/json.h"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "wire/otlp/fields.h"

namespace ronda::trace::ingest {
namespace {

namespace field = wire::otlp::field;
namespace dom = simdjson::dom;
using protozero::pbf_writer;
using Element = dom::element;

// Past this size the parser's memory is given back after use.
constexpr std::size_t kKept = 1u << 20;

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An integer as a number, as a text, or as a number with a fraction of nothing.
template <typename T>
std::optional<T> IntegerOf(Element value) {
  if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS) {
    return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
  }
  if (std::uint64_t number = 0; value.get(number) == simdjson::SUCCESS) {
    return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
  }
  if (double number = 0; value.get(number) == simdjson::SUCCESS) {
    constexpr double kMost = 9007199254740992.0;  // exact up to here
    if (std::trunc(number) != number || std::fabs(number) > kMost) return std::nullopt;
    const auto whole = static_cast<std::int64_t>(number);
    return std::in_range<T>(whole) ? std::optional(static_cast<T>(whole)) : std::nullopt;
  }
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  return Number<T>(text);
}

std::optional<double> DoubleOf(Element value) {
  if (double number = 0; value.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return Number<double>(text);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The bytes of a hex text; one byte, which no id has, for another text.
std::string BytesOfHex(std::string_view hex) {
  const std::string wrong(1, '\0');
  if (hex.size() % 2 != 0 || hex.size() > 64) return wrong;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]), low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) return wrong;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

// RFC 4648, either alphabet, with or without padding.
std::optional<std::string> BytesOfBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+' || c == '-') value = 62;
    if (c == '/' || c == '_') value = 63;
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8));
  }
  if (text.size() % 4 == 1) return std::nullopt;
  return bytes;
}

constexpr std::array<std::string_view, 6> kKinds = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                                    "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                                    "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
constexpr std::array<std::string_view, 25> kSeverities = {
    "SEVERITY_NUMBER_UNSPECIFIED", "SEVERITY_NUMBER_TRACE",  "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",      "SEVERITY_NUMBER_TRACE4", "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",      "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",        "SEVERITY_NUMBER_INFO2",  "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",       "SEVERITY_NUMBER_WARN",   "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",       "SEVERITY_NUMBER_WARN4",  "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",      "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",       "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4"};
constexpr std::array<std::string_view, 3> kStatuses = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                                       "STATUS_CODE_ERROR"};

constexpr std::array<std::string_view, 3> kTemporalities = {"AGGREGATION_TEMPORALITY_UNSPECIFIED",
                                                            "AGGREGATION_TEMPORALITY_DELTA",
                                                            "AGGREGATION_TEMPORALITY_CUMULATIVE"};

// What requests of each kind call their parts.
enum class Item : std::uint8_t { kSpan, kLogRecord, kMetric };
struct Names {
  std::string_view resources, scopes, items;
  Item item;
};
constexpr Names kTraces{"resourceSpans", "scopeSpans", "spans", Item::kSpan};
constexpr Names kLogs{"resourceLogs", "scopeLogs", "logRecords", Item::kLogRecord};
constexpr Names kMetrics{"resourceMetrics", "scopeMetrics", "metrics", Item::kMetric};

// Walks one request. Stops writing anything of use at the first error, which `error()` has.
class Transcoder {
 public:
  Transcoder(const Names& names, std::string& out) : names_(names), out_(out) {}
  [[nodiscard]] const std::string& error() const { return error_; }

  void Request(Element root) {
    pbf_writer request(out_);
    Fields(root, "the request", [&](std::string_view name, Element value) {
      if (name == names_.resources) Each(value, name, request, field::kRequestResources, Resources);
    });
  }

 private:
  void Fail(std::string_view name, std::string_view wanted) {
    if (error_.empty()) error_ = "\"" + std::string(name) + "\" is no " + std::string(wanted);
  }

  // Calls `take` for each member that is not null.
  template <typename Take>
  void Fields(Element value, std::string_view what, const Take& take) {
    dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return Fail(what, "object");
    for (const auto [name, member] : object) {
      if (!error_.empty()) return;
      if (!member.is_null()) take(name, member);
    }
  }

  // A message, also when it has nothing in it: protozero would leave it out.
  template <typename Fill>
  void Message(pbf_writer& into, std::uint32_t tag, const Fill& fill) {
    const std::size_t before = out_.size();
    {
      pbf_writer message(into, tag);
      fill(message);
    }
    if (out_.size() == before) into.add_message(tag, "", 0);
  }

  // An array of messages, each written by `write`.
  template <typename Write>
  void Each(Element value, std::string_view name, pbf_writer& into, std::uint32_t tag,
            const Write& write) {
    dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return Fail(name, "array");
    for (const Element element : array) {
      if (!error_.empty()) return;
      Message(into, tag, [&](pbf_writer& message) { write(*this, message, element); });
    }
  }

  void Text(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return Fail(name, "string");
    into.add_string(tag, text.data(), text.size());
  }
  void Texts(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return Fail(name, "array");
    for (const Element element : array) Text(into, tag, name, element);
  }
  void Id(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return Fail(name, "string");
    if (text.empty()) return;
    const std::string bytes = BytesOfHex(text);
    into.add_bytes(tag, bytes.data(), bytes.size());
  }
  void Time(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    const auto number = IntegerOf<std::uint64_t>(value);
    if (!number) return Fail(name, "unsigned integer");
    into.add_fixed64(tag, *number);
  }
  void Count(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    const auto number = IntegerOf<std::uint32_t>(value);
    if (!number) return Fail(name, "unsigned integer");
    into.add_uint32(tag, *number);
  }
  void Flags(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    const auto number = IntegerOf<std::uint32_t>(value);
    if (!number) return Fail(name, "unsigned integer");
    into.add_fixed32(tag, *number);
  }
  template <typename Names>
  void Enum(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value,
            const Names& names) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == text) return into.add_enum(tag, static_cast<std::int32_t>(i));
      }
    }
    const auto number = IntegerOf<std::int32_t>(value);
    if (!number) return Fail(name, "value of its enum");
    into.add_enum(tag, *number);
  }

  void Attributes(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    Each(value, name, into, tag, KeyValue);
  }

  // As EncodeElements writes it, so that equal lists are equal bytes: no empty key, no empty value.
  static void KeyValue(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "an attribute", [&](std::string_view name, Element member) {
      if (name == "key") {
        if (member.is_string() && member.get_string_length().value_unsafe() == 0) return;
        self.Text(out, field::kKey, name, member);
      } else if (name == "value") {
        pbf_writer any(out, field::kValue);
        AnyValue(self, any, member);
      }
    });
  }

  static void AnyValue(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "value", [&](std::string_view name, Element member) {
      if (name == "stringValue") {
        self.Text(out, field::kValueString, name, member);
      } else if (name == "boolValue") {
        bool truth = false;
        if (member.get(truth) != simdjson::SUCCESS) return self.Fail(name, "boolean");
        out.add_bool(field::kValueBool, truth);
      } else if (name == "intValue") {
        const auto number = IntegerOf<std::int64_t>(member);
        if (!number) return self.Fail(name, "64-bit integer");
        out.add_int64(field::kValueInt, *number);
      } else if (name == "doubleValue") {
        const auto number = DoubleOf(member);
        if (!number) return self.Fail(name, "number");
        out.add_double(field::kValueDouble, *number);
      } else if (name == "bytesValue") {
        std::string_view text;
        if (member.get(text) != simdjson::SUCCESS) return self.Fail(name, "string");
        const auto bytes = BytesOfBase64(text);
        if (!bytes) return self.Fail(name, "base64");
        out.add_bytes(field::kValueBytes, bytes->data(), bytes->size());
      } else if (name == "arrayValue") {
        self.Elements(out, field::kValueArray, member, AnyValue);
      } else if (name == "kvlistValue") {
        self.Elements(out, field::kValueKvlist, member, KeyValue);
      }
    });
  }

  template <typename Write>
  void Elements(pbf_writer& out, std::uint32_t tag, Element value, const Write& write) {
    Message(out, tag, [&](pbf_writer& list) {
      Fields(value, "arrayValue or kvlistValue", [&](std::string_view name, Element member) {
        if (name == "values") Each(member, name, list, field::kElements, write);
      });
    });
  }

  static void Resources(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a resource's part", [&](std::string_view name, Element member) {
      if (name == "resource") {
        self.Message(out, field::kResource, [&](pbf_writer& r) { self.Resource(r, member); });
      } else if (name == self.names_.scopes) {
        self.Each(member, name, out, field::kResourceScopes, Scopes);
      } else if (name == "schemaUrl") {
        self.Text(out, field::kResourceSchemaUrl, name, member);
      }
    });
  }

  void Resource(pbf_writer& out, Element value) {
    Fields(value, "resource", [&](std::string_view name, Element member) {
      if (name == "attributes") {
        Attributes(out, field::kResourceAttributes, name, member);
      } else if (name == "droppedAttributesCount") {
        Count(out, field::kResourceDropped, name, member);
      } else if (name == "entityRefs") {
        Each(member, name, out, field::kResourceEntityRefs, EntityRef);
      }
    });
  }

  static void EntityRef(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "an entity", [&](std::string_view name, Element member) {
      if (name == "schemaUrl") self.Text(out, field::kEntitySchemaUrl, name, member);
      if (name == "type") self.Text(out, field::kEntityType, name, member);
      if (name == "idKeys") self.Texts(out, field::kEntityIdKeys, name, member);
      if (name == "descriptionKeys") self.Texts(out, field::kEntityDescriptionKeys, name, member);
    });
  }

  static void Scopes(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a scope's part", [&](std::string_view name, Element member) {
      if (name == "scope") {
        self.Message(out, field::kScope, [&](pbf_writer& s) { self.Scope(s, member); });
      } else if (name == self.names_.items) {
        self.Each(member, name, out, field::kScopeItems,
                  self.names_.item == Item::kSpan        ? Span
                  : self.names_.item == Item::kLogRecord ? LogRecord
                                                         : Metric);
      } else if (name == "schemaUrl") {
        self.Text(out, field::kScopeSchemaUrl, name, member);
      }
    });
  }

  void Scope(pbf_writer& out, Element value) {
    Fields(value, "scope", [&](std::string_view name, Element member) {
      if (name == "name") Text(out, field::kScopeName, name, member);
      if (name == "version") Text(out, field::kScopeVersion, name, member);
      if (name == "attributes") Attributes(out, field::kScopeAttributes, name, member);
      if (name == "droppedAttributesCount") Count(out, field::kScopeDropped, name, member);
    });
  }

  static void Span(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a span", [&](std::string_view name, Element member) {
      if (name == "traceId") return self.Id(out, field::kSpanTraceId, name, member);
      if (name == "spanId") return self.Id(out, field::kSpanId, name, member);
      if (name == "parentSpanId") return self.Id(out, field::kSpanParentId, name, member);
      if (name == "name") return self.Text(out, field::kSpanName, name, member);
      if (name == "kind") return self.Enum(out, field::kSpanKind, name, member, kKinds);
      if (name == "startTimeUnixNano") return self.Time(out, field::kSpanStart, name, member);
      if (name == "endTimeUnixNano") return self.Time(out, field::kSpanEnd, name, member);
      if (name == "attributes") return self.Attributes(out, field::kSpanAttributes, name, member);
      if (name == "status") {
        return self.Message(out, field::kSpanStatus,
                            [&](pbf_writer& status) { self.Status(status, member); });
      }
      self.RareOfSpan(out, name, member);
    });
  }

  void RareOfSpan(pbf_writer& out, std::string_view name, Element member) {
    if (name == "events") return Each(member, name, out, field::kSpanEvents, Event);
    if (name == "links") return Each(member, name, out, field::kSpanLinks, Link);
    if (name == "traceState") return Text(out, field::kSpanTraceState, name, member);
    if (name == "flags") return Flags(out, field::kSpanFlags, name, member);
    if (name == "droppedAttributesCount") {
      return Count(out, field::kSpanDroppedAttributes, name, member);
    }
    if (name == "droppedEventsCount") return Count(out, field::kSpanDroppedEvents, name, member);
    if (name == "droppedLinksCount") return Count(out, field::kSpanDroppedLinks, name, member);
  }

  void Status(pbf_writer& out, Element value) {
    Fields(value, "status", [&](std::string_view name, Element member) {
      if (name == "message") Text(out, field::kStatusMessage, name, member);
      if (name == "code") Enum(out, field::kStatusCode, name, member, kStatuses);
    });
  }

  static void LogRecord(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a log record", [&](std::string_view name, Element member) {
      if (name == "timeUnixNano") return self.Time(out, field::kLogTime, name, member);
      if (name == "observedTimeUnixNano") return self.Time(out, field::kLogObserved, name, member);
      if (name == "severityNumber") {
        return self.Enum(out, field::kLogSeverity, name, member, kSeverities);
      }
      if (name == "severityText") return self.Text(out, field::kLogSeverityText, name, member);
      if (name == "body") {
        pbf_writer any(out, field::kLogBody);
        return AnyValue(self, any, member);
      }
      if (name == "attributes") return self.Attributes(out, field::kLogAttributes, name, member);
      if (name == "droppedAttributesCount") {
        return self.Count(out, field::kLogDropped, name, member);
      }
      if (name == "flags") return self.Flags(out, field::kLogFlags, name, member);
      if (name == "traceId") return self.Id(out, field::kLogTraceId, name, member);
      if (name == "spanId") return self.Id(out, field::kLogSpanId, name, member);
      if (name == "eventName") return self.Text(out, field::kLogEventName, name, member);
    });
  }

  static void Metric(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a metric", [&](std::string_view name, Element member) {
      if (name == "name") return self.Text(out, field::kMetricName, name, member);
      if (name == "description") return self.Text(out, field::kMetricDescription, name, member);
      if (name == "unit") return self.Text(out, field::kMetricUnit, name, member);
      const auto data = [&](std::uint32_t tag, const auto& point) {
        self.Message(out, tag, [&](pbf_writer& d) { self.Data(d, member, point); });
      };
      if (name == "gauge") return data(field::kMetricGauge, NumberPoint);
      if (name == "sum") return data(field::kMetricSum, NumberPoint);
      if (name == "histogram") return data(field::kMetricHistogram, HistogramPoint);
      if (name == "exponentialHistogram") {
        return data(field::kMetricExponential, ExponentialPoint);
      }
      if (name == "summary") return data(field::kMetricSummary, SummaryPoint);
    });
  }

  // Gauge, Sum, Histogram, ...: what one does not have, its decoder passes over.
  template <typename Point>
  void Data(pbf_writer& out, Element value, const Point& point) {
    Fields(value, "a metric's data", [&](std::string_view name, Element member) {
      if (name == "dataPoints") return Each(member, name, out, field::kPoints, point);
      if (name == "aggregationTemporality") {
        return Enum(out, field::kTemporality, name, member, kTemporalities);
      }
      if (name == "isMonotonic") {
        bool truth = false;
        if (member.get(truth) != simdjson::SUCCESS) return Fail(name, "boolean");
        out.add_bool(field::kMonotonic, truth);
      }
    });
  }

  void Double(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    const auto number = DoubleOf(value);
    if (!number) return Fail(name, "number");
    into.add_double(tag, *number);
  }
  template <typename Add>
  void Numbers(std::string_view name, Element value, const Add& add) {
    dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return Fail(name, "array");
    for (const Element element : array) add(element);
  }

  // What all kinds of points call the same; false for another name.
  bool CommonOfPoint(pbf_writer& out, std::uint32_t attributes, std::uint32_t flags,
                     std::string_view name, Element member) {
    if (name == "attributes") {
      Attributes(out, attributes, name, member);
    } else if (name == "startTimeUnixNano") {
      Time(out, field::kPointStart, name, member);
    } else if (name == "timeUnixNano") {
      Time(out, field::kPointTime, name, member);
    } else if (name == "flags") {
      Count(out, flags, name, member);
    } else {
      return false;
    }
    return true;
  }
  // And what all call the same that count.
  bool CountOfPoint(pbf_writer& out, std::string_view name, Element member) {
    if (name != "count" && name != "sum") return false;
    if (name == "count") {
      Time(out, field::kPointCount, name, member);
    } else {
      Double(out, field::kPointSum, name, member);
    }
    return true;
  }

  static void NumberPoint(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a data point", [&](std::string_view name, Element member) {
      if (self.CommonOfPoint(out, field::kNumberAttributes, field::kNumberFlags, name, member)) {
        return;
      }
      if (name == "asDouble") return self.Double(out, field::kNumberDouble, name, member);
      if (name == "asInt") {
        const auto number = IntegerOf<std::int64_t>(member);
        if (!number) return self.Fail(name, "64-bit integer");
        out.add_sfixed64(field::kNumberInt, *number);
      }
    });
  }

  static void HistogramPoint(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a data point", [&](std::string_view name, Element member) {
      if (self.CommonOfPoint(out, field::kHistogramAttributes, field::kHistogramFlags, name,
                             member) ||
          self.CountOfPoint(out, name, member)) {
        return;
      }
      if (name == "min") return self.Double(out, field::kHistogramMin, name, member);
      if (name == "max") return self.Double(out, field::kHistogramMax, name, member);
      if (name == "bucketCounts") {
        self.Numbers(name, member,
                     [&](Element count) { self.Time(out, field::kHistogramCounts, name, count); });
      }
      if (name == "explicitBounds") {
        self.Numbers(name, member, [&](Element bound) {
          self.Double(out, field::kHistogramBounds, name, bound);
        });
      }
    });
  }

  static void ExponentialPoint(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a data point", [&](std::string_view name, Element member) {
      if (self.CommonOfPoint(out, field::kExponentialAttributes, field::kExponentialFlags, name,
                             member) ||
          self.CountOfPoint(out, name, member)) {
        return;
      }
      if (name == "scale") return self.Signed(out, field::kExponentialScale, name, member);
      if (name == "zeroCount") return self.Time(out, field::kExponentialZeroCount, name, member);
      if (name == "zeroThreshold") {
        return self.Double(out, field::kExponentialZeroThreshold, name, member);
      }
      if (name == "min") return self.Double(out, field::kExponentialMin, name, member);
      if (name == "max") return self.Double(out, field::kExponentialMax, name, member);
      if (name == "positive" || name == "negative") {
        const bool positive = name == "positive";
        self.Message(out, positive ? field::kExponentialPositive : field::kExponentialNegative,
                     [&](pbf_writer& buckets) { self.Buckets(buckets, member); });
      }
    });
  }

  void Signed(pbf_writer& into, std::uint32_t tag, std::string_view name, Element value) {
    const auto number = IntegerOf<std::int32_t>(value);
    if (!number) return Fail(name, "32-bit integer");
    into.add_sint32(tag, *number);
  }

  void Buckets(pbf_writer& out, Element value) {
    Fields(value, "buckets", [&](std::string_view name, Element member) {
      if (name == "offset") return Signed(out, field::kBucketsOffset, name, member);
      if (name != "bucketCounts") return;
      Numbers(name, member, [&](Element count) {
        const auto number = IntegerOf<std::uint64_t>(count);
        if (!number) return Fail(name, "unsigned integers");
        out.add_uint64(field::kBucketsCounts, *number);
      });
    });
  }

  static void SummaryPoint(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a data point", [&](std::string_view name, Element member) {
      if (self.CommonOfPoint(out, field::kSummaryAttributes, field::kSummaryFlags, name, member) ||
          self.CountOfPoint(out, name, member)) {
        return;
      }
      if (name == "quantileValues") {
        self.Each(member, name, out, field::kSummaryQuantiles, Quantile);
      }
    });
  }

  static void Quantile(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a quantile", [&](std::string_view name, Element member) {
      if (name == "quantile") self.Double(out, field::kQuantile, name, member);
      if (name == "value") self.Double(out, field::kQuantileValue, name, member);
    });
  }

  static void Event(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "an event", [&](std::string_view name, Element member) {
      if (name == "timeUnixNano") self.Time(out, field::kEventTime, name, member);
      if (name == "name") self.Text(out, field::kEventName, name, member);
      if (name == "attributes") self.Attributes(out, field::kEventAttributes, name, member);
      if (name == "droppedAttributesCount") self.Count(out, field::kEventDropped, name, member);
    });
  }

  static void Link(Transcoder& self, pbf_writer& out, Element value) {
    self.Fields(value, "a link", [&](std::string_view name, Element member) {
      if (name == "traceId") self.Id(out, field::kLinkTraceId, name, member);
      if (name == "spanId") self.Id(out, field::kLinkSpanId, name, member);
      if (name == "traceState") self.Text(out, field::kLinkTraceState, name, member);
      if (name == "attributes") self.Attributes(out, field::kLinkAttributes, name, member);
      if (name == "droppedAttributesCount") self.Count(out, field::kLinkDropped, name, member);
      if (name == "flags") self.Flags(out, field::kLinkFlags, name, member);
    });
  }

  const Names& names_;
  std::string& out_;
  std::string error_;
};

// "" or what is wrong.
std::string Transcode(dom::parser& parser, std::string_view json, const Names& names,
                      std::string& out) {
  Element root;
  const auto failure = parser.parse(json.data(), json.size()).get(root);
  if (failure != simdjson::SUCCESS) return simdjson::error_message(failure);
  Transcoder transcoder(names, out);
  transcoder.Request(root);
  return transcoder.error();
}

base::Status Read(std::unique_ptr<dom::parser>& parser, std::string_view json, const Names& names,
                  std::string& out) {
  out.clear();
  const std::string error = Transcode(*parser, json, names, out);
  if (json.size() > kKept) parser = std::make_unique<dom::parser>();
  if (error.empty()) return base::Ok();
  out.clear();
  return base::InvalidArgument("the body is no OTLP/JSON request: " + error);
}

}  // namespace

struct JsonReader::Impl {
  std::unique_ptr<dom::parser> parser = std::make_unique<dom::parser>();
};

JsonReader::JsonReader() : impl_(std::make_unique<Impl>()) {}
JsonReader::~JsonReader() = default;

base::Status JsonReader::ReadTraces(std::string_view json, std::string& out) {
  return Read(impl_->parser, json, kTraces, out);
}

base::Status JsonReader::ReadMetrics(std::string_view json, std::string& out) {
  return Read(impl_->parser, json, kMetrics, out);
}

base::Status JsonReader::ReadLogs(std::string_view json, std::string& out) {
  return Read(impl_->parser, json, kLogs, out);
}

}  // namespace ronda::trace::ingest
