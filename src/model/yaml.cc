// The one place that meets yaml-cpp, whose exceptions end here.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "model/node.h"
#include "model/places.h"
#include "model/text_width.h"

namespace ronda::model {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxDocuments = 5'000;
constexpr std::size_t kMaxNodes = 250'000;       // aliases expanded
constexpr std::size_t kMaxExpanded = 16u << 20;  // bytes of scalars, aliases expanded

// How much a subtree holds.
struct Extent {
  std::size_t nodes = 1, bytes = 0;
};

Extent Measure(const Node& node) {
  Extent extent{.nodes = 1, .bytes = node.scalar.size()};
  const auto add = [&extent](const Node& child) {
    const Extent inner = Measure(child);
    extent.nodes += inner.nodes;
    extent.bytes += inner.bytes;
  };
  for (const Node& item : node.items) add(item);
  for (const auto& [key, value] : node.members) {
    add(key);
    add(value);
  }
  return extent;
}

std::size_t DepthOf(const Node& node) {
  std::size_t deepest = 0;
  for (const Node& item : node.items) deepest = std::max(deepest, DepthOf(item));
  for (const auto& member : node.members) deepest = std::max(deepest, DepthOf(member.second));
  return deepest + 1;
}

// Builds the Nodes of one document from the parser's events. After the first failure it takes no
// more in.
class Builder : public YAML::EventHandler {
 public:
  Builder(Places& places, std::string_view text, std::size_t shift, Diagnostics& diagnostics)
      : places_(places), text_(text), shift_(shift), diagnostics_(diagnostics) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const Location& start() const { return start_; }
  [[nodiscard]] Node TakeRoot() { return std::exchange(root_, {}); }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = Where(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(NewNode(Node::Kind::kNull, mark), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return Fail(mark, "this alias stands inside of what it names");
    if (!Count(found->second.extent, mark)) return;
    if (stack_.size() + found->second.depth > kMaxDepth) return FailDepth(mark);
    Attach(Node(found->second.node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (failed_ || !CheckTag(mark, tag)) return;
    Node node = NewNode(Node::Kind::kScalar, mark);
    node.scalar = value;
    node.quoted = tag != "?";
    node.block = node.quoted && IsBlockAt(OffsetOf(mark));
    Add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(Node::Kind::kList, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(Node::Kind::kMap, mark, tag, anchor, style);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Anchored {
    Node node;
    Extent extent;
    std::size_t depth = 1;
  };
  struct Frame {
    Node node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<Node> key;  // of a map, waiting for its value
    bool block = false;
  };

  void Fail(const YAML::Mark& mark, std::string message, std::string hint = {}) {
    Fail(Where(mark), std::move(message), std::move(hint));
  }
  void Fail(Location where, std::string message, std::string hint = {}) {
    if (failed_) return;
    failed_ = true;
    diagnostics_.Error(std::move(where), std::move(message), std::move(hint));
  }
  void FailDepth(const YAML::Mark& mark) {
    Fail(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }

  [[nodiscard]] Location Where(const YAML::Mark& mark) { return places_.At(OffsetOf(mark)); }

  [[nodiscard]] std::size_t OffsetOf(const YAML::Mark& mark) const {
    std::size_t at = static_cast<std::size_t>(std::max(0, mark.pos)) + shift_;
    // An anchor or a tag stands before what it belongs to.
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) {
      const std::size_t space = text_.find_first_of(" \t\r\n", at);
      const std::size_t next = text_.find_first_not_of(" \t\r\n", space);
      if (next == std::string_view::npos) break;
      at = next;
    }
    return at;
  }

  [[nodiscard]] bool IsBlockAt(std::size_t at) const {
    return at < text_.size() && (text_[at] == '|' || text_[at] == '>');
  }

  [[nodiscard]] Node NewNode(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.where = Where(mark);
    return node;
  }

  bool Count(const Extent& extent, const YAML::Mark& mark) {
    nodes_ += extent.nodes;
    bytes_ += extent.bytes;
    if (nodes_ <= kMaxNodes && bytes_ <= kMaxExpanded) return true;
    Fail(mark, "the file holds too much once its aliases are expanded",
         "at most " + std::to_string(kMaxNodes) + " values and " +
             std::to_string(kMaxExpanded >> 20) + " MiB of text");
    return false;
  }

  bool CheckTag(const YAML::Mark& mark, const std::string& tag) {
    constexpr std::string_view kStandard[] = {
        "", "?", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"};
    if (std::ranges::find(kStandard, tag) != std::end(kStandard)) return true;
    Fail(mark, "YAML tags like \"" + tag + "\" mean nothing here", "leave the tag out");
    return false;
  }

  // yaml-cpp takes some tabs for indentation that other readers refuse.
  void CheckTabs(const Node& node) {
    const std::string_view line = places_.Line(node.where.line);
    const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
    if (static_cast<int>(indent) + 1 == node.where.column &&
        line.substr(0, indent).find('\t') != std::string_view::npos) {
      Fail({node.where.source, node.where.line, 1}, "a tab indents this line",
           "YAML is indented by spaces only");
    }
  }

  void Open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    if (failed_ || !CheckTag(mark, tag) || !Count({}, mark)) return;
    if (stack_.size() >= kMaxDepth) return FailDepth(mark);
    stack_.push_back({.node = NewNode(kind, mark),
                      .anchor = anchor,
                      .key = std::nullopt,
                      .block = style == YAML::EmitterStyle::Block});
  }

  void Close() {
    if (failed_) return;
    Frame done = std::move(stack_.back());
    stack_.pop_back();
    if (done.node.is_map()) FinishMap(done.node);
    if (failed_) return;
    Remember(done.node, done.anchor);
    Attach(std::move(done.node));
  }

  void Add(Node node, YAML::anchor_t anchor) {
    if (failed_) return;
    nodes_ += 1;
    bytes_ += node.scalar.size();
    if (nodes_ > kMaxNodes || bytes_ > kMaxExpanded) {
      return Fail(node.where, "the file holds more than " + std::to_string(kMaxNodes) + " values");
    }
    Remember(node, anchor);
    Attach(std::move(node));
  }

  void Remember(const Node& node, YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor) return;
    const Extent extent = Measure(node);
    nodes_ += extent.nodes;
    bytes_ += extent.bytes;
    anchors_.insert_or_assign(anchor, Anchored{node, extent, DepthOf(node)});
  }

  void Attach(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& into = stack_.back();
    if (into.node.is_list()) {
      if (into.block) CheckTabs(node);
      into.node.items.push_back(std::move(node));
    } else if (!into.key.has_value()) {
      if (!node.is_scalar()) {
        return Fail(node.where, "a key has to be text, this is " + std::string(node.Describe()),
                    "put quotes around a value that begins with { or [");
      }
      if (into.block) CheckTabs(node);
      into.key = std::move(node);
    } else {
      into.node.members.emplace_back(*std::move(into.key), std::move(node));
      into.key.reset();
    }
  }

  [[nodiscard]] static bool IsMerge(const Node& key) { return !key.quoted && key.scalar == "<<"; }

  // Refuses duplicate keys and expands merge keys (yaml.org/type/merge): what is written in the map
  // itself wins, then the first of the merged maps.
  void FinishMap(Node& map) {
    std::unordered_map<std::string, Location> seen;
    bool merges = false;
    for (const auto& [key, value] : map.members) {
      if (IsMerge(key)) {
        merges = true;
        continue;
      }
      const auto [first, added] = seen.emplace(key.scalar, key.where);
      if (!added) {
        return Fail(key.where, "the key \"" + key.scalar + "\" is written twice",
                    "the first is in line " + std::to_string(first->second.line));
      }
    }
    if (merges) Merge(map, seen);
  }

  void Merge(Node& map, std::unordered_map<std::string, Location>& seen) {
    std::vector<NodeMember> members, merged;
    const auto take = [&](Node& from) {
      for (auto& member : from.members) {
        if (seen.emplace(member.first.scalar, member.first.where).second) {
          merged.push_back(std::move(member));
        }
      }
    };
    for (auto& [key, value] : map.members) {
      if (!IsMerge(key)) {
        members.emplace_back(std::move(key), std::move(value));
        continue;
      }
      const auto not_map = [](const Node& item) { return !item.is_map(); };
      const bool fits =
          value.is_map() || (value.is_list() && std::ranges::none_of(value.items, not_map));
      if (!fits) return Fail(value.where, "a merge key \"<<\" takes a map or a list of maps");
      if (value.is_map()) take(value);
      for (Node& item : value.items) take(item);
    }
    std::ranges::move(merged, std::back_inserter(members));
    map.members = std::move(members);
  }

  Places& places_;
  std::string_view text_;
  std::size_t shift_;  // the parser's offset 0 in text_
  Diagnostics& diagnostics_;
  Location start_;  // of the document
  Node root_;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0, bytes_ = 0;
  bool failed_ = false;
};

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

// What no YAML parser should have to see; false when something is wrong.
bool CheckBytes(const std::shared_ptr<const Source>& source, Places& places,
                Diagnostics& diagnostics) {
  const std::string_view text = source->text;
  if (text.size() > kMaxSourceBytes) {
    diagnostics.Error({source, 0, 0},
                      "the file is larger than " + std::to_string(kMaxSourceBytes >> 20) + " MiB",
                      "put large tables into a feed's file");
    return false;
  }
  if (const std::size_t bad = FirstInvalidUtf8(text); bad != std::string_view::npos) {
    diagnostics.Error(places.At(bad), "this is not UTF-8", "save the file as UTF-8");
    return false;
  }
  const auto control = std::ranges::find_if(text, IsControl);
  if (control == text.end()) return true;
  diagnostics.Error(places.At(static_cast<std::size_t>(control - text.begin())),
                    "a control character stands here", "write it as an escape in double quotes");
  return false;
}

// A hint for the mistakes that YAML's grammar makes hard to see.
std::string HintFor(const Places& places, int line) {
  for (int i = line; i >= std::max(1, line - 1); --i) {
    const std::string_view text = places.Line(i);
    const std::string_view indent = text.substr(0, text.find_first_not_of(" \t"));
    if (indent.find('\t') != std::string_view::npos)
      return "YAML is indented by spaces, not by tabs";
    if (text.find("${") != std::string_view::npos) {
      return "put text with ${...} in it into double quotes";
    }
  }
  return {};
}

void ReportParseError(const YAML::Exception& error, Places& places, std::size_t shift,
                      const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  Location where{source, 0, 0};
  if (!error.mark.is_null()) {
    where = places.At(static_cast<std::size_t>(std::max(0, error.mark.pos)) + shift);
  }
  diagnostics.Error(where, "not valid YAML: " + error.msg, HintFor(places, where.line));
}

}  // namespace

std::vector<Node> ParseYaml(const std::shared_ptr<const Source>& source, Diagnostics& diagnostics) {
  std::vector<Node> documents;
  Places places(source);
  if (!CheckBytes(source, places, diagnostics)) return documents;
  const std::string_view text = source->text;
  const std::size_t shift = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  try {
    std::istringstream in{std::string(text.substr(shift))};
    YAML::Parser parser(in);
    for (Location last{source, 0, 0};;) {
      Builder builder(places, text, shift, diagnostics);
      if (!parser.HandleNextDocument(builder)) break;
      // Where a value begins with a comma yaml-cpp yields empty documents for ever.
      if (builder.start().line == last.line && builder.start().column == last.column) {
        diagnostics.Error(last, "not valid YAML: a value cannot begin with this");
        break;
      }
      last = builder.start();
      if (documents.size() >= kMaxDocuments) {
        diagnostics.Error(last, "more than " + std::to_string(kMaxDocuments) + " documents");
        break;
      }
      if (builder.failed()) continue;
      Node root = builder.TakeRoot();
      if (!root.is_null()) documents.push_back(std::move(root));
    }
  } catch (const YAML::Exception& error) {
    ReportParseError(error, places, shift, source, diagnostics);
  } catch (const std::exception& error) {
    diagnostics.Error({source, 0, 0}, std::string("not valid YAML: ") + error.what());
  }
  return documents;
}

}  // namespace ronda::model
