#include "apps/ronda/sampling_file.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/file.h"
#include "model/catalog/catalog.h"
#include "model/reader.h"

namespace ronda::apps {
namespace {

using model::Bind;
using model::Field;
using model::FieldSpec;
using model::FieldType;
using model::Loader;
using model::Node;
using trace::ingest::SamplingPolicy;
using trace::ingest::SamplingRules;

// A whole number that is not negative.
template <auto member, typename T>
void ReadCount(Loader& loader, const FieldSpec& spec, const Node& node, T& out) {
  auto count = static_cast<std::int64_t>(out.*member);
  Read(loader, spec, node, count);
  out.*member = static_cast<std::uint64_t>(count);
}

template <auto member>
void ReadTime(Loader& loader, const FieldSpec& spec, const Node& node, SamplingRules& out) {
  model::Duration time{static_cast<std::int64_t>(out.*member)};
  Read(loader, spec, node, time);
  out.*member = static_cast<std::uint64_t>(time.ns);
}

void ReadMarks(Loader& loader, const FieldSpec& spec, const Node& node, SamplingPolicy& out) {
  std::vector<std::string> marks;
  Read(loader, spec, node, marks);
  for (const std::string& mark : marks) {
    if (mark.empty() || mark.front() == '=') {
      loader.Error(node, "a mark is an attribute's key, or key=value");
    }
  }
  out.marked = std::move(marks);
}

const std::vector<Field<SamplingPolicy>>& PolicyFields() {
  using P = SamplingPolicy;
  static const std::vector<Field<P>> fields = {
      Bind<P, &P::errors>({.name = "errors", .type = FieldType::kBool}),
      Bind<P, &P::slow>({.name = "slow", .type = FieldType::kFloat, .min = 0.5, .max = 1}),
      {{.name = "marked", .type = FieldType::kList}, ReadMarks},
      {{.name = "rare", .type = FieldType::kInt, .min = 0}, ReadCount<&P::rare, P>},
      {{.name = "oneIn", .type = FieldType::kInt, .min = 0}, ReadCount<&P::one_in, P>},
  };
  return fields;
}

void ReadPolicy(Loader& loader, const FieldSpec&, const Node& node, SamplingRules& out) {
  ReadFields(loader, node, "a policy", PolicyFields(), out.rest);
}

void ReadServices(Loader& loader, const FieldSpec&, const Node& node, SamplingRules& out) {
  if (!ExpectMap(loader, node, "\"services\"")) return;
  for (const auto& [name, policy] : node.members) {
    SamplingPolicy& of = out.services[name.scalar] = out.rest;
    ReadFields(loader, policy, "a policy", PolicyFields(), of);
  }
}

const std::vector<Field<SamplingRules>>& RulesFields() {
  using R = SamplingRules;
  static const std::vector<Field<R>> fields = {
      {{.name = "after", .type = FieldType::kDuration, .max = 24 * 3600}, ReadTime<&R::after_ns>},
      {{.name = "remember", .type = FieldType::kDuration, .max = 24 * 3600},
       ReadTime<&R::remember_ns>},
      {{.name = "keep", .type = FieldType::kMap, .required = true}, ReadPolicy},
      {{.name = "services", .type = FieldType::kMap}, ReadServices},
  };
  return fields;
}

}  // namespace

base::Result<SamplingRules> ReadSampling(std::string name, std::string text) {
  const auto source = std::make_shared<const model::Source>(
      model::Source{.name = std::move(name), .text = std::move(text)});
  model::Diagnostics diagnostics;
  Loader loader{.catalog = model::Catalog::BuiltIn(), .diagnostics = diagnostics};
  std::vector<Node> documents = ParseYaml(source, diagnostics);
  SamplingRules rules{.on = true};
  if (documents.size() == 1) {
    Node& document = documents.front();
    // Services begin with what all have, wherever that stands.
    std::ranges::partition(document.members, [](const model::NodeMember& member) {
      return member.first.scalar != "services";
    });
    ReadFields(loader, document, "the sampling file", RulesFields(), rules);
  } else if (!diagnostics.has_errors()) {
    diagnostics.Error({source, 0, 0}, "the file holds one document, with \"keep\"");
  }
  RETURN_IF_ERROR(diagnostics.ToStatus());
  return rules;
}

base::Result<SamplingRules> ReadSamplingFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, base::ReadFile(path, model::kMaxSourceBytes + 1));
  return ReadSampling(path, std::move(text));
}

}  // namespace ronda::apps
