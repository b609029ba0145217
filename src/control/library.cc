#include "control/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "model/catalog/catalog.h"
#include "model/documents.h"
#include "model/load.h"
#include "model/source.h"

namespace ronda::control {
namespace {

std::int64_t Now(const base::Clock& clock) { return static_cast<std::int64_t>(clock.WallNs()); }

// The digest of what a definition says, whatever number it has.
std::string ContentDigest(const model::Definition& definition) {
  model::Node node = definition.raw;
  std::erase_if(node.members, [](const auto& member) { return member.first.scalar == "version"; });
  return model::DigestOfText(model::CanonicalForm(node));
}

// Definitions that are loaded one after the other, each with the version that the database knows.
class Loading {
 public:
  Loading() : set_(std::make_unique<model::DefinitionSet>()) {}

  // Adds what stands in `text`, with `version` (0: as it says itself).
  void Add(const std::string& source, const std::string& text, int version,
           model::Diagnostics& diagnostics) {
    model::DefinitionSet loaded;
    LoadDefinitions(std::make_shared<const model::Source>(model::Source{source, text}),
                    model::Catalog::BuiltIn(), loaded, diagnostics);
    for (auto& definition : loaded.all) {
      if (version == 0) {
        set_->all.push_back(std::move(definition));
        continue;
      }
      auto numbered = std::make_unique<model::Definition>(*definition);
      numbered->version = version;
      set_->all.push_back(std::move(numbered));
    }
  }

  [[nodiscard]] model::DefinitionSet& set() { return *set_; }
  [[nodiscard]] std::unique_ptr<model::DefinitionSet> Take() { return std::move(set_); }

 private:
  std::unique_ptr<model::DefinitionSet> set_;
};

// Adds from the database what the definitions from index `from` on name and is not there; each text to
// `texts`, if wanted. What is not in the database either is left for CheckReferences to tell.
base::Status AddNamed(store::Transaction& t, Loading& loading, std::size_t from,
                      model::Diagnostics& diagnostics, std::vector<std::string>* texts) {
  std::vector<model::NamedRef> open;
  std::set<std::string> asked;
  const auto take = [&](const model::Definition& definition) {
    for (model::NamedRef& ref : model::ReferencesOf(definition)) open.push_back(std::move(ref));
  };
  for (std::size_t i = from; i < loading.set().all.size(); ++i) take(*loading.set().all[i]);
  while (!open.empty()) {
    const model::NamedRef ref = std::move(open.back());
    open.pop_back();
    if (!asked.insert(fmt::format("{}/{}@{}", model::NameOf(ref.kind), ref.name, ref.version))
             .second)
      continue;
    if (loading.set().Find(ref.kind, {ref.name, ref.version, {}}) != nullptr) continue;
    const std::string kind(model::NameOf(ref.kind));
    ASSIGN_OR_RETURN(const auto head, store::FindDefinition(t, kind, ref.name));
    if (!head || head->deleted) continue;
    const std::int64_t version = ref.version != 0 ? ref.version : head->version;
    ASSIGN_OR_RETURN(const auto found, store::FindVersion(t, kind, ref.name, version));
    if (!found) continue;
    const std::size_t before = loading.set().all.size();
    loading.Add(fmt::format("{}/{}@{}", kind, ref.name, version), found->text,
                static_cast<int>(version), diagnostics);
    if (texts != nullptr)
      texts->push_back(model::WithVersion(found->text, static_cast<int>(version)));
    for (std::size_t i = before; i < loading.set().all.size(); ++i) take(*loading.set().all[i]);
  }
  return base::Ok();
}

// A document that was handed in.
struct Document {
  const model::Definition* definition = nullptr;
  std::string text, source;
};

// The texts of the definitions of `set`, by where each begins.
std::vector<Document> DocumentsOf(const model::DefinitionSet& set,
                                  const std::vector<SourceFile>& files) {
  std::vector<Document> documents;
  for (const SourceFile& file : files) {
    const std::vector<model::DocumentText> texts = model::SplitDocuments(file.text);
    for (const auto& definition : set.all) {
      if (definition->where.source == nullptr || definition->where.source->name != file.name)
        continue;
      const auto behind = std::ranges::find_if(
          texts, [&](const auto& text) { return text.line > definition->where.line; });
      if (behind == texts.begin()) continue;
      documents.push_back(
          {definition.get(), model::WithoutVersion(std::prev(behind)->text), file.name});
    }
  }
  return documents;
}

base::Status NotFound(std::string_view kind, std::string_view name, std::int64_t version) {
  if (version == 0) return base::NotFound("there is no " + PathOf(kind, name));
  return base::NotFound(fmt::format("{} has no version {}; `ronda history {}` lists what there is",
                                    PathOf(kind, name), version, PathOf(kind, name)));
}

// What stands in the way of changing it.
base::Status MayChange(const ApplyRequest& request, const std::string& path,
                       const std::optional<store::DefinitionHead>& head) {
  const std::int64_t rev = head && !head->deleted ? head->rev : 0;
  const auto expected = request.expected.find(path);
  if (expected != request.expected.end() && expected->second != rev) {
    return base::Aborted(
        rev == 0 ? path + " is not there any more"
                 : fmt::format("{} was changed by {} since you read it (rev {}, now {}); read it "
                               "again and repeat your change",
                               path, head->updated_by, expected->second, rev));
  }
  if (rev != 0 && !head->managed_by.empty() && head->managed_by != request.managed_by &&
      !request.take_over) {
    return base::FailedPrecondition(
        fmt::format("{} is managed by {}: change it there, or take it over (--take-over)", path,
                    head->managed_by));
  }
  return base::Ok();
}

std::vector<store::DefinitionRef> RefsOf(const model::Definition& definition) {
  std::vector<store::DefinitionRef> refs;
  for (const model::NamedRef& ref : model::ReferencesOf(definition))
    refs.push_back({std::string(model::NameOf(ref.kind)), ref.name, ref.version});
  return refs;
}

class Applying {
 public:
  Applying(store::Transaction& t, const ApplyRequest& request, const Actor& actor,
           const Library::Audit& audit, std::int64_t now_ns)
      : t_(t), request_(request), actor_(actor), audit_(audit), now_ns_(now_ns) {}

  base::Result<Applied> Apply(const Document& document) {
    const model::Definition& definition = *document.definition;
    const std::string kind(model::NameOf(definition.kind));
    const std::string path = PathOf(kind, definition.name);
    ASSIGN_OR_RETURN(const auto found, store::FindDefinition(t_, kind, definition.name));
    RETURN_IF_ERROR(MayChange(request_, path, found));
    store::DefinitionHead head = found.value_or(store::DefinitionHead{});
    const bool there = found && !found->deleted;
    Applied applied{.kind = kind,
                    .name = definition.name,
                    .change = there ? Applied::Change::kUpdated : Applied::Change::kCreated,
                    .version = head.version,
                    .digest = ContentDigest(definition),
                    .rev = head.rev,
                    .before = {},
                    .after = document.text};
    ASSIGN_OR_RETURN(const auto newest, store::FindVersion(t_, kind, head.name, head.version));
    if (newest && there) applied.before = newest->text;
    RETURN_IF_ERROR(CheckNumber(definition, head, applied));
    const std::string before_digest = head.digest;
    const bool draft = request_.into == ApplyRequest::Into::kDraft;
    const bool same =
        there &&
        (draft ? head.draft_digest == applied.digest
               : head.version > 0 && head.digest == applied.digest && !head.draft_text &&
                     (request_.managed_by.empty() || request_.managed_by == head.managed_by));
    if (same) {
      applied.change = Applied::Change::kUnchanged;
      return applied;
    }
    head.kind = kind;
    head.name = definition.name;
    head.deleted = false;
    head.updated_ns = now_ns_;
    head.updated_by = actor_.name;
    if (!request_.managed_by.empty() || request_.take_over) head.managed_by = request_.managed_by;
    if (draft) {
      head.draft_text = document.text;
      head.draft_digest = applied.digest;
    } else {
      head.draft_text.reset();
      head.draft_digest.clear();
      RETURN_IF_ERROR(Publish(document, head, applied));
    }
    RETURN_IF_ERROR(store::PutRefs(t_, kind, head.name, RefsOf(definition)));
    ASSIGN_OR_RETURN(applied.rev, store::PutDefinition(t_, head));
    if (audit_) {
      RETURN_IF_ERROR(audit_(
          t_, actor_, {draft ? "draft" : "apply", kind, head.name, before_digest, applied.digest}));
    }
    return applied;
  }

 private:
  // A number that the document says itself must be the one that it gets.
  static base::Status CheckNumber(const model::Definition& definition,
                                  const store::DefinitionHead& head, const Applied& applied) {
    if (definition.version == 0 || definition.version == head.version + 1) return base::Ok();
    if (definition.version == head.version && head.digest == applied.digest) return base::Ok();
    return base::InvalidArgument(fmt::format(
        "{} says version {}, but {}: leave `version:` out, or write {}",
        PathOf(applied.kind, applied.name), definition.version,
        definition.version <= head.version ? "that version has other content already"
                                           : fmt::format("the newest is {}", head.version),
        head.version + 1));
  }

  base::Status Publish(const Document& document, store::DefinitionHead& head, Applied& applied) {
    // The same content as the newest version (a draft was dropped, or it comes back after a delete).
    if (head.version > 0 && head.digest == applied.digest) return base::Ok();
    applied.version = ++head.version;
    head.digest = applied.digest;
    return store::InsertVersion(t_, {.kind = head.kind,
                                     .name = head.name,
                                     .version = head.version,
                                     .digest = applied.digest,
                                     .text = document.text,
                                     .source = document.source,
                                     .note = request_.note,
                                     .author = actor_.name,
                                     .created_ns = now_ns_});
  }

  store::Transaction& t_;
  const ApplyRequest& request_;
  const Actor& actor_;
  const Library::Audit& audit_;
  const std::int64_t now_ns_;
};

// Two documents for one definition would overwrite one another.
base::Status CheckTwice(const std::vector<Document>& documents) {
  std::set<std::string> seen;
  for (const Document& document : documents) {
    const std::string path =
        PathOf(model::NameOf(document.definition->kind), document.definition->name);
    if (!seen.insert(path).second) {
      return base::InvalidArgument(fmt::format("{}:{}: {} stands there a second time",
                                               document.source, document.definition->where.line,
                                               path));
    }
  }
  return base::Ok();
}

// The message with which a dry run is rolled back.
constexpr std::string_view kDryRun = "dry run";

}  // namespace

std::string PathOf(std::string_view kind, std::string_view name) {
  return std::string(kind) + "/" + std::string(name);
}

std::optional<model::Kind> KindOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(model::Kind::kInitTask); ++i) {
    const auto kind = static_cast<model::Kind>(i);
    if (base::LowerCase(model::NameOf(kind)) == base::LowerCase(name)) return kind;
  }
  return std::nullopt;
}

std::string_view NameOf(Applied::Change change) {
  switch (change) {
    case Applied::Change::kCreated: return "created";
    case Applied::Change::kUpdated: return "updated";
    case Applied::Change::kUnchanged: return "unchanged";
  }
  return "";
}

base::Result<std::vector<Applied>> Library::Apply(const ApplyRequest& request, const Actor& actor) {
  model::Diagnostics diagnostics;
  Loading loading;
  for (const SourceFile& file : request.files) loading.Add(file.name, file.text, 0, diagnostics);
  RETURN_IF_ERROR(diagnostics.ToStatus());
  const std::vector<Document> documents = DocumentsOf(loading.set(), request.files);
  if (documents.empty()) return base::InvalidArgument("there is no definition in what was sent");
  RETURN_IF_ERROR(CheckTwice(documents));

  model::Diagnostics found;
  RETURN_IF_ERROR(database_.Read(
      [&](store::Transaction& t) { return AddNamed(t, loading, 0, found, nullptr); }));
  for (const Document& document : documents)
    model::CheckReferences(loading.set(), *document.definition, found);
  RETURN_IF_ERROR(found.ToStatus());

  std::vector<Applied> all;
  const base::Status status = database_.Write([&](store::Transaction& t) -> base::Status {
    all.clear();
    Applying applying(t, request, actor, audit_, Now(clock_));
    for (const Document& document : documents) {
      ASSIGN_OR_RETURN(Applied applied, applying.Apply(document));
      all.push_back(std::move(applied));
    }
    // Rolled back on purpose.
    return request.run == ApplyRequest::Run::kDry ? base::Cancelled(std::string(kDryRun))
                                                  : base::Ok();
  });
  if (!status.ok() && status != base::Cancelled(std::string(kDryRun))) return status;
  return all;
}

base::Result<Applied> Library::RollBack(std::string_view kind, std::string_view name,
                                        std::int64_t version, const Actor& actor) {
  ASSIGN_OR_RETURN(const Found found, Get(kind, name, version));
  const std::string path = PathOf(kind, name);
  ApplyRequest request{.files = {{fmt::format("{}@{}", path, version), found.version.text}},
                       .note = fmt::format("rollback to version {}", version),
                       .managed_by = found.head.managed_by,
                       .expected = {{path, found.head.rev}}};
  ASSIGN_OR_RETURN(std::vector<Applied> applied, Apply(request, actor));
  return std::move(applied.front());
}

base::Status Library::Delete(std::string_view kind, std::string_view name,
                             std::optional<std::int64_t> expected, const Actor& actor) {
  const std::string path = PathOf(kind, name);
  return database_.Write([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(auto head, store::FindDefinition(t, kind, name));
    if (!head || head->deleted) return NotFound(kind, name, 0);
    ApplyRequest request;
    if (expected) request.expected[path] = *expected;
    request.managed_by = head->managed_by;
    RETURN_IF_ERROR(MayChange(request, path, head));
    ASSIGN_OR_RETURN(const auto referrers, store::ReferrersOf(t, kind, name));
    if (!referrers.empty()) {
      std::string names;
      for (std::size_t i = 0; i < referrers.size() && i < 10; ++i) {
        (names += names.empty() ? "" : ", ") += PathOf(referrers[i].kind, referrers[i].name);
      }
      return base::FailedPrecondition(
          fmt::format("{} is used by {}{}: change or delete those first", path, names,
                      referrers.size() > 10 ? ", ..." : ""));
    }
    head->deleted = true;
    head->draft_text.reset();
    head->draft_digest.clear();
    head->updated_ns = Now(clock_);
    head->updated_by = actor.name;
    RETURN_IF_ERROR(store::PutRefs(t, kind, name, {}));
    RETURN_IF_ERROR(store::PutDefinition(t, *head).status());
    if (!audit_) return base::Ok();
    return audit_(t, actor, {"delete", std::string(kind), std::string(name), head->digest, ""});
  });
}

base::Result<std::vector<store::DefinitionHead>> Library::List(
    const store::DefinitionFilter& filter) {
  std::vector<store::DefinitionHead> heads;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(heads, store::ListDefinitions(t, filter));
    return base::Ok();
  }));
  return heads;
}

base::Result<Library::Found> Library::Get(std::string_view kind, std::string_view name,
                                          std::int64_t version) {
  Found result;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(const auto head, store::FindDefinition(t, kind, name));
    if (!head || (head->deleted && version == 0)) return NotFound(kind, name, 0);
    result.head = *head;
    const std::int64_t wanted = version != 0 ? version : head->version;
    if (wanted == 0) {
      result.version = {.kind = head->kind,
                        .name = head->name,
                        .digest = head->draft_digest,
                        .text = head->draft_text.value_or("")};
      return base::Ok();
    }
    ASSIGN_OR_RETURN(const auto found, store::FindVersion(t, kind, name, wanted));
    if (!found) return NotFound(kind, name, version);
    result.version = *found;
    return base::Ok();
  }));
  return result;
}

base::Result<std::string> Library::Draft(std::string_view kind, std::string_view name) {
  ASSIGN_OR_RETURN(const Found found, Get(kind, name, 0));
  if (!found.head.draft_text) return base::NotFound(PathOf(kind, name) + " has no draft");
  return *found.head.draft_text;
}

base::Result<std::vector<store::DefinitionVersion>> Library::History(std::string_view kind,
                                                                     std::string_view name) {
  std::vector<store::DefinitionVersion> versions;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(const auto head, store::FindDefinition(t, kind, name));
    if (!head) return NotFound(kind, name, 0);
    ASSIGN_OR_RETURN(versions, store::ListVersions(t, kind, name));
    return base::Ok();
  }));
  return versions;
}

base::Result<Closure> Library::Load(const model::NamedRef& root,
                                    const std::vector<model::NamedRef>& more) {
  Closure closure;
  Loading loading;
  model::Diagnostics diagnostics;
  std::vector<std::string> texts;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    loading = {};
    texts.clear();
    diagnostics = {};
    std::vector<model::NamedRef> wanted = {root};
    wanted.insert(wanted.end(), more.begin(), more.end());
    for (const model::NamedRef& ref : wanted) {
      const std::string kind(model::NameOf(ref.kind));
      ASSIGN_OR_RETURN(const auto head, store::FindDefinition(t, kind, ref.name));
      if (!head || head->deleted) return NotFound(kind, ref.name, 0);
      const std::int64_t version = ref.version != 0 ? ref.version : head->version;
      if (version == 0) {
        return base::FailedPrecondition(PathOf(kind, ref.name) +
                                        " is only a draft: publish it first (ronda apply)");
      }
      ASSIGN_OR_RETURN(const auto found, store::FindVersion(t, kind, ref.name, version));
      if (!found) return NotFound(kind, ref.name, version);
      loading.Add(fmt::format("{}@{}", PathOf(kind, ref.name), version), found->text,
                  static_cast<int>(version), diagnostics);
      texts.push_back(model::WithVersion(found->text, static_cast<int>(version)));
    }
    return AddNamed(t, loading, 0, diagnostics, &texts);
  }));
  RETURN_IF_ERROR(diagnostics.ToStatus());
  closure.set = loading.Take();
  if (closure.set->all.empty()) return base::Internal("a stored definition is empty");
  closure.root = closure.set->all.front().get();
  model::Diagnostics wrong;
  model::CheckReferences(*closure.set, *closure.root, wrong);
  RETURN_IF_ERROR(wrong.ToStatus());
  // The root first; the rest in an order that does not depend on who named what when.
  std::sort(texts.begin() + 1, texts.end());
  for (const std::string& text : texts) {
    if (!closure.text.empty()) closure.text += "---\n";
    closure.text += text;
    if (!closure.text.ends_with('\n')) closure.text += '\n';
  }
  closure.digest = model::DigestOfText(closure.text);
  return closure;
}

}  // namespace ronda::control
