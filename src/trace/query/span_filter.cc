#include "trace/query/span_filter.h"

#include <algorithm>

#include "trace/query/trace_view.h"
#include "trace/segment/table.h"

namespace ronda::trace::query {
namespace {

using otlp::Value;
using otlp::ValueType;
using segment::Cells;
using segment::Role;
using segment::Zone;

bool None(const Flags& flags) { return std::ranges::find(flags, std::uint8_t{1}) == flags.end(); }

Role RoleOf(Field field) {
  switch (field) {
    case Field::kName: return Role::kName;
    case Field::kStatusMessage: return Role::kStatusMessage;
    case Field::kKind: return Role::kKind;
    case Field::kStatus: return Role::kStatus;
    default: return Role::kDuration;
  }
}

// A fixed column's number as its field says it: kinds and codes are signed, a duration that is
// negative counts as 0.
std::int64_t NumberOf(Field field, std::uint64_t number) {
  if (field == Field::kDuration)
    return std::max<std::int64_t>(static_cast<std::int64_t>(number), 0);
  return static_cast<std::int32_t>(number);
}

// Whether that keeps the order of the zone's numbers.
bool IsMonotone(Field field, const Zone& zone) {
  return zone.max <= (field == Field::kDuration ? ~std::uint64_t{0} >> 1 : ~std::uint32_t{0} >> 1);
}

}  // namespace

base::Status SpanFilter::Page(std::size_t page, Flags& flags) {
  return Run(condition_, page, flags);
}

base::Status SpanFilter::Run(const Condition& node, std::size_t page, Flags& flags) {
  const std::size_t rows = columns_.RowsOf(page);
  switch (node.kind) {
    case Condition::Kind::kTest: flags.assign(rows, 0); return RunTest(node.test, page, flags);
    case Condition::Kind::kNot:
      RETURN_IF_ERROR(Run(node.parts[0], page, flags));
      for (std::uint8_t& flag : flags) flag ^= 1;
      return base::Ok();
    case Condition::Kind::kAll: {
      flags.assign(rows, 1);
      Flags part;
      for (const Condition& each : node.parts) {
        RETURN_IF_ERROR(Run(each, page, part));
        for (std::size_t i = 0; i < rows; ++i) flags[i] &= part[i];
        if (None(flags)) break;
      }
      return base::Ok();
    }
    case Condition::Kind::kAny: {
      flags.assign(rows, 0);
      Flags part;
      for (const Condition& each : node.parts) {
        RETURN_IF_ERROR(Run(each, page, part));
        for (std::size_t i = 0; i < rows; ++i) flags[i] |= part[i];
      }
      return base::Ok();
    }
  }
  return base::Ok();
}

void SpanFilter::Judge(const Test& test, const segment::TextList& dictionary, Verdicts& verdicts) {
  verdicts.judged = true;
  verdicts.by_number.resize(dictionary.size());
  for (std::size_t i = 0; i < dictionary.size(); ++i) {
    if (!MatchesText(test, dictionary.At(i))) continue;
    verdicts.by_number[i] = 1;
    if (verdicts.first > verdicts.last) verdicts.first = i;
    verdicts.last = i;
  }
}

base::Status SpanFilter::Prepare(const Test& test, Prepared& prepared) {
  if (test.field == Field::kName || test.field == Field::kStatusMessage) {
    ASSIGN_OR_RETURN(const auto dictionary, columns_.DictionaryOf(RoleOf(test.field)));
    if (dictionary) Judge(test, *dictionary, prepared.texts);
  }
  if (test.field == Field::kService || test.field == Field::kAttribute ||
      test.field == Field::kResourceAttribute) {
    ASSIGN_OR_RETURN(const otlp::SpanBatch* batch, columns_.Scopes());
    for (const otlp::Scope& scope : batch->scopes) {
      const otlp::Resource& resource = batch->resources[scope.resource];
      bool matches = false;
      if (test.field == Field::kService) {
        matches = MatchesText(test, ServiceOf(*batch, resource));
      } else {
        for (const otlp::Attribute& attribute : batch->At(resource.attributes)) {
          matches |= attribute.key() == test.key && MatchesValue(test, attribute.value());
        }
      }
      prepared.scopes.push_back(matches);
      prepared.any_scope |= matches;
    }
  }
  if (test.field == Field::kAttribute || test.field == Field::kSpanAttribute) {
    const auto attributes = columns_.attributes();
    for (std::size_t i = 0; i < attributes.size(); ++i) {
      if (!attributes[i].overflow && attributes[i].key != test.key) continue;
      Verdicts& verdicts = prepared.attributes.emplace_back();
      prepared.columns.push_back(i);
      if (attributes[i].overflow || attributes[i].type != ValueType::kString) continue;
      ASSIGN_OR_RETURN(const auto dictionary, columns_.AttributeDictionary(i));
      if (dictionary) {
        Judge(test, *dictionary, verdicts);
        continue;
      }
      const auto* text = std::get_if<std::string>(&test.literal);
      if (test.compare != Compare::kEqual || text == nullptr) continue;
      ASSIGN_OR_RETURN(const bool may_have, columns_.MayHaveText(i, *text));
      verdicts.judged = !may_have;  // and nothing in it matches
    }
  }
  prepared.ready = true;
  return base::Ok();
}

base::Status SpanFilter::RunTest(const Test& test, std::size_t page, Flags& flags) {
  Prepared& prepared = prepared_[&test];
  if (!prepared.ready) {
    prepared = {};
    RETURN_IF_ERROR(Prepare(test, prepared));
  }
  switch (test.field) {
    case Field::kName:
    case Field::kStatusMessage: return RunText(test, prepared, page, flags);
    case Field::kKind:
    case Field::kStatus:
    case Field::kDuration: return RunNumber(test, page, flags);
    default: break;
  }
  if (prepared.any_scope) RETURN_IF_ERROR(RunResource(prepared, page, flags));
  for (std::size_t i = 0; i < prepared.columns.size(); ++i) {
    RETURN_IF_ERROR(RunAttribute(test, prepared.columns[i], prepared.attributes[i], page, flags));
  }
  return base::Ok();
}

base::Status SpanFilter::RunNumber(const Test& test, std::size_t page, Flags& flags) {
  const Role role = RoleOf(test.field);
  const Zone zone = columns_.ZoneOf(role, page);
  if (IsMonotone(test.field, zone) &&
      !MayMatchBetween(test, Value::Int(NumberOf(test.field, zone.min)),
                       Value::Int(NumberOf(test.field, zone.max)))) {
    return base::Ok();
  }
  ASSIGN_OR_RETURN(const Cells cells, columns_.Fixed(role, page));
  for (std::size_t i = 0; i < flags.size(); ++i) {
    flags[i] = MatchesInt(test, NumberOf(test.field, cells.numbers[i]));
  }
  return base::Ok();
}

base::Status SpanFilter::RunText(const Test& test, const Prepared& prepared, std::size_t page,
                                 Flags& flags) {
  const Role role = RoleOf(test.field);
  const Verdicts& verdicts = prepared.texts;
  if (verdicts.judged) {
    const Zone zone = columns_.ZoneOf(role, page);
    if (verdicts.first > verdicts.last || zone.max < verdicts.first || zone.min > verdicts.last) {
      return base::Ok();
    }
  }
  ASSIGN_OR_RETURN(const Cells cells, columns_.Fixed(role, page));
  for (std::size_t i = 0; i < flags.size(); ++i) {
    flags[i] = verdicts.judged ? verdicts.by_number[cells.numbers[i]]
                               : std::uint8_t{MatchesText(test, cells.TextAt(i))};
  }
  return base::Ok();
}

base::Status SpanFilter::RunResource(const Prepared& prepared, std::size_t page, Flags& flags) {
  const Zone zone = columns_.ZoneOf(Role::kScope, page);
  const auto end = std::min<std::uint64_t>(zone.max, prepared.scopes.size() - 1);
  bool any = zone.max >= prepared.scopes.size();
  for (std::uint64_t n = zone.min; n <= end && !any; ++n) any = prepared.scopes[n] != 0;
  if (!any) return base::Ok();
  ASSIGN_OR_RETURN(const Cells cells, columns_.Fixed(Role::kScope, page));
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (cells.numbers[i] >= prepared.scopes.size()) {
      return base::DataLoss("the segment is damaged: a scope that does not exist");
    }
    flags[i] = prepared.scopes[cells.numbers[i]];
  }
  return base::Ok();
}

base::Status SpanFilter::RunAttribute(const Test& test, std::size_t column,
                                      const Verdicts& verdicts, std::size_t page, Flags& flags) {
  const auto zone = columns_.AttributeZone(column, page);
  if (!zone) return base::Ok();
  const auto& info = columns_.attributes()[column];
  if (verdicts.judged) {
    if (verdicts.first > verdicts.last || zone->max < verdicts.first || zone->min > verdicts.last) {
      return base::Ok();
    }
  } else if (!info.overflow && test.compare != Compare::kExists) {
    if (info.type != ValueType::kString && Value::IsBytes(info.type)) return base::Ok();
    if (info.type == ValueType::kEmpty) return base::Ok();
    if (!Value::IsBytes(info.type) &&
        !MayMatchBetween(test, Value::OfBits(info.type, segment::BitsOf(info.type, zone->min)),
                         Value::OfBits(info.type, segment::BitsOf(info.type, zone->max)))) {
      return base::Ok();
    }
  }
  ASSIGN_OR_RETURN(const Cells cells, columns_.AttributeCells(column, page));
  RETURN_IF_ERROR(MatchCells(test, column, verdicts, cells, matches_));
  if (None(matches_)) return base::Ok();
  RETURN_IF_ERROR(columns_.RowsWith(column, page, rows_));
  for (std::size_t i = 0; i < rows_.size(); ++i) flags[rows_[i]] |= matches_[i];
  return base::Ok();
}

base::Status SpanFilter::MatchCells(const Test& test, std::size_t column, const Verdicts& verdicts,
                                    const Cells& cells, Flags& matches) {
  const auto& info = columns_.attributes()[column];
  matches.assign(cells.size(), 0);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (verdicts.judged) {
      matches[i] = verdicts.by_number[cells.numbers[i]];
    } else if (info.overflow) {
      otlp::SpanBatch one;
      if (!segment::ReadOverflow(cells.TextAt(i), one)) {
        return base::DataLoss("the segment is damaged: an attribute");
      }
      matches[i] =
          one.attributes[0].key() == test.key && MatchesValue(test, one.attributes[0].value());
    } else if (Value::IsBytes(info.type)) {
      matches[i] = MatchesValue(test, Value::OfBytes(info.type, cells.TextAt(i)));
    } else {
      matches[i] = MatchesValue(
          test, Value::OfBits(info.type, segment::BitsOf(info.type, cells.numbers[i])));
    }
  }
  return base::Ok();
}

}  // namespace ronda::trace::query
