// Feeds: tables of data that users take rows from.
#include <string>
#include <string_view>
#include <utility>

#include "model/tables.h"

namespace ronda::model {
namespace {

Feed::Format FormatOf(std::string_view file) {
  if (file.ends_with(".json")) return Feed::Format::kJson;
  if (file.ends_with(".ndjson") || file.ends_with(".jsonl")) return Feed::Format::kNdjson;
  return Feed::Format::kCsv;
}

void ReadRows(Loader& loader, const FieldSpec& spec, const Node& node, Feed& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  if (node.items.empty()) return loader.Error(node, "\"inline\" has no row");
  for (const Node& row : node.items) {
    if (row.is_list() || row.is_null() || row.kind != node.items[0].kind) {
      loader.Error(row, "the rows of a feed are all maps, or all single values");
      return;
    }
  }
  out.rows = node.items;
}

std::vector<Field<Feed>> MakeFeedFields() {
  using F = Feed;
  return {
      Bind<F, &F::file>({.name = "file",
                         .type = FieldType::kString,
                         .description = "A CSV, JSON or NDJSON file, relative to the file that "
                                        "names it.",
                         .min = 1,
                         .literal = true}),
      BindChoice<F, &F::format>({.name = "format",
                                 .type = FieldType::kString,
                                 .description = "Not said: by the file's name, else `csv`. `json` "
                                                "is a list of objects, `ndjson` one a line.",
                                 .one_of = {"csv", "json", "ndjson"}}),
      {{.name = "delimiter",
        .type = FieldType::kString,
        .description = "Between the values of a CSV line; `tab` is one too.",
        .default_text = ","},
       [](Loader& loader, const FieldSpec&, const Node& node, F& out) {
         if (node.scalar == "tab") {
           out.delimiter = '\t';
         } else if (node.scalar.size() == 1 && node.scalar != "\"" && node.scalar != "\n") {
           out.delimiter = node.scalar[0];
         } else {
           loader.Error(node, "\"delimiter\" is one character, or tab");
         }
       }},
      Bind<F, &F::columns>({.name = "columns",
                            .type = FieldType::kList,
                            .description = "The names of a CSV without a header line."}),
      {{.name = "inline",
        .type = FieldType::kList,
        .description = "The rows themselves: maps, or single values that are read as "
                       "`feed.value`."},
       ReadRows},
      Bind<F, &F::secret>({.name = "secret",
                           .type = FieldType::kList,
                           .also = FieldType::kString,
                           .description = "Columns that are never printed. Those called "
                                          "`pass`, `password`, `token` or the like never are."}),
      BindChoice<F, &F::pick>({.name = "pick",
                               .type = FieldType::kString,
                               .description = "`sequential` in the file's order; `random`; "
                                              "`unique`: no row is held by two users at once.",
                               .default_text = "sequential",
                               .one_of = {"sequential", "random", "unique"}}),
      BindChoice<F, &F::take>({.name = "take",
                               .type = FieldType::kString,
                               .description = "When a user takes a new row.",
                               .default_text = "per-iteration",
                               .one_of = {"per-iteration", "per-user"}}),
      Bind<F, &F::shard>({.name = "shard",
                          .type = FieldType::kBool,
                          .description = "Each worker takes its own part of the rows.",
                          .default_text = "false"}),
      BindChoice<F, &F::on_end>({.name = "onEnd",
                                 .type = FieldType::kString,
                                 .description = "After the last row: from the first again, the "
                                                "load stops, or the run is aborted.",
                                 .default_text = "recycle",
                                 .one_of = {"recycle", "stop", "fail"}})};
}

const std::vector<Field<Feed>>& FeedFields() {
  static const std::vector<Field<Feed>> fields = MakeFeedFields();
  return fields;
}

void ReadFeed(Loader& loader, const Node& node, const Node& at, Feed& out) {
  out.where = at.where;
  if (!ReadFields(loader, node, "a feed", FeedFields(), out)) return;
  if ((node.Find("file") == nullptr) == (node.Find("inline") == nullptr)) {
    loader.Error(at, "a feed has either \"file\" or \"inline\"");
  }
  if (node.Find("format") == nullptr) out.format = FormatOf(out.file);
  const bool csv = !out.file.empty() && out.format == Feed::Format::kCsv;
  for (const std::string_view key : {"columns", "delimiter"}) {
    const Node* value = node.Find(key);
    if (value != nullptr && !csv) {
      loader.Error(*value, '"' + std::string(key) + "\" belongs to a CSV file");
    }
  }
}

}  // namespace

std::vector<FieldSpec> FeedSpecs() { return SpecsOf(FeedFields()); }

void ReadFeedDefinition(Loader& loader, const Node& document, Feed& out) {
  ReadFeed(loader, document, document, out);
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<FeedUse>& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    FeedUse& use = out.emplace_back();
    use.name = name.scalar;
    use.where = name.where;
    TakeName(loader, name, "a feed's name");
    if (value.is_scalar()) {
      Read(loader, {.name = name.scalar, .type = FieldType::kRef}, value, use.ref);
    } else {
      ReadFeed(loader, value, name, use.feed);
    }
  }
}

}  // namespace ronda::model
