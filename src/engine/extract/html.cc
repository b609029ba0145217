#include "engine/extract/html.h"

#include <libxml/xpath.h>

#include <cmath>

#include "engine/extract/reader_impl.h"

namespace ronda::engine::extract {
namespace {

// Operations of one evaluation: bounds what a path can cost.
constexpr unsigned long kMostOperations = 2'000'000;

struct FreeContext {
  void operator()(xmlXPathContext* c) const { xmlXPathFreeContext(c); }
};
struct FreeObject {
  void operator()(xmlXPathObject* o) const { xmlXPathFreeObject(o); }
};

#if LIBXML_VERSION >= 21200
void Silent(void*, const xmlError*) {}
#else
void Silent(void*, xmlErrorPtr) {}
#endif

model::Value TextOf(xmlNode* node, model::Arena& arena) {
  xmlChar* content = xmlNodeGetContent(node);
  if (content == nullptr) return model::Value::String("");
  const std::string_view text(reinterpret_cast<const char*>(content));
  const model::Value value = model::Value::String(arena.Copy(text));
  xmlFree(content);
  return value;
}

}  // namespace

struct HtmlPath::Compiled {
  explicit Compiled(xmlXPathCompExpr* e) : expression(e) {}
  ~Compiled() { xmlXPathFreeCompExpr(expression); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  xmlXPathCompExpr* const expression;
};

HtmlPath::~HtmlPath() = default;

std::unique_ptr<const HtmlPath> HtmlPath::Compile(const std::string& xpath,
                                                  model::LoadError& error) {
  const std::unique_ptr<xmlXPathContext, FreeContext> context(xmlXPathNewContext(nullptr));
  context->error = Silent;
  xmlXPathCompExpr* compiled =
      xmlXPathCtxtCompile(context.get(), reinterpret_cast<const xmlChar*>(xpath.c_str()));
  if (compiled == nullptr) {
    const int at = context->lastError.int1;
    error.offset =
        static_cast<std::uint32_t>(std::clamp<int>(at, 0, static_cast<int>(xpath.size())));
    error.length = 1;
    error.message = "XPath: the expression is wrong here";
    error.hint = "write //element[@attribute='value']/text()";
    return nullptr;
  }
  auto path = std::unique_ptr<HtmlPath>(new HtmlPath());
  path->compiled_ = std::make_unique<Compiled>(compiled);
  return path;
}

bool HtmlPath::Read(Reader& reader, model::Arena& arena, std::vector<model::Value>& found,
                    std::string_view& error) const {
  xmlDoc* document = reader.impl().ParseHtml();
  if (document == nullptr) {
    error = "the body is empty, not HTML";
    return false;
  }
  const std::unique_ptr<xmlXPathContext, FreeContext> context(xmlXPathNewContext(document));
  context->error = Silent;
  context->opLimit = kMostOperations;
  const std::unique_ptr<xmlXPathObject, FreeObject> result(
      xmlXPathCompiledEval(compiled_->expression, context.get()));
  if (result == nullptr) {
    error =
        "the XPath cannot be evaluated over this document (an unknown function, or too much work)";
    return false;
  }
  switch (result->type) {
    case XPATH_NODESET:
      for (int i = 0; result->nodesetval != nullptr && i < result->nodesetval->nodeNr; ++i) {
        found.push_back(TextOf(result->nodesetval->nodeTab[i], arena));
      }
      break;
    case XPATH_BOOLEAN: found.push_back(model::Value::Bool(result->boolval != 0)); break;
    case XPATH_NUMBER: {
      const double n = result->floatval;
      const bool whole = std::floor(n) == n && std::fabs(n) < 1e15;
      found.push_back(whole ? model::Value::Int(static_cast<std::int64_t>(n))
                            : model::Value::Float(n));
      break;
    }
    case XPATH_STRING:
      found.push_back(
          model::Value::String(arena.Copy(reinterpret_cast<const char*>(result->stringval))));
      break;
    default: break;
  }
  return true;
}

}  // namespace ronda::engine::extract
