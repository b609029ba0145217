#include <fmt/format.h>

#include <cmath>

#include "base/json_writer.h"
#include "engine/report/compare.h"
#include "engine/report/html_page.h"
#include "engine/report/paint.h"
#include "engine/report/text.h"
#include "stats/format.h"

namespace ronda::engine::report {
namespace {

using base::JsonWriter;

std::string Value(const ComparedFigure& f, double v) {
  if (f.unit == "ms") return stats::FormatDuration(v * 1e6);
  return f.unit == "ratio" ? stats::FormatPercent(v) : stats::FormatRate(v);
}

std::string Signed(const ComparedFigure& f, double v) {
  return f.unit == "ratio" ? fmt::format("{:+.2f} pp", v * 100) : fmt::format("{:+.1f}%", v * 100);
}

std::string Noise(const ComparedFigure& f) {
  if (f.verdict == Change::kUnknown) return "–";
  return f.unit == "ratio" ? fmt::format("±{:.2f} pp", f.noise * 100)
                           : fmt::format("±{:.1f}%", f.noise * 100);
}

std::string ChangeOf(const ComparedFigure& f) {
  return f.a == 0 && f.unit != "ratio" ? (f.b == 0 ? "0%" : "new") : Signed(f, f.change);
}

std::string About(const ReportData& run) {
  return fmt::format("{}{}  {}  {}  {}", run.name,
                     run.environment.empty() ? "" : " in " + run.environment, run.start,
                     stats::FormatDuration(run.seconds * 1e9), run.passed ? "passed" : "failed");
}

std::string Conclusion(const Comparison& c) {
  std::size_t worse = 0, better = 0, unknown = 0;
  for (const ComparedFigure& f : c.figures) {
    worse += f.verdict == Change::kWorse ? 1 : 0;
    better += f.verdict == Change::kBetter ? 1 : 0;
    unknown += f.verdict == Change::kUnknown ? 1 : 0;
  }
  std::string text =
      fmt::format("{} of {} figures are worse, {} better", worse, c.figures.size(), better);
  if (unknown > 0)
    text += fmt::format(", {} cannot be judged (fewer than {} seconds with data)", unknown,
                        kLeastSeconds);
  return text;
}

void Definitions(const Comparison& c, std::vector<std::string>& notes) {
  if (c.a.digest != c.b.digest) notes.push_back("the two runs had different definitions");
  if (c.a.environment != c.b.environment)
    notes.push_back("the two runs were in different environments");
  for (const std::string& id : c.only_in_a)
    notes.push_back("only the first run has the step " + id);
  for (const std::string& id : c.only_in_b)
    notes.push_back("only the second run has the step " + id);
}

}  // namespace

std::string ComparisonText(const Comparison& c, Paint paint) {
  std::string out;
  const auto line = [&](const std::string& text) { out.append(text).append("\n"); };
  line(Colored(paint, Ink::kBold, "A  ") + PlainText(About(c.a)));
  line(Colored(paint, Ink::kBold, "B  ") + PlainText(About(c.b)));
  line("");
  std::size_t width = 9;
  for (const ComparedFigure& f : c.figures)
    width = std::max(width, std::min<std::size_t>(40, Columns(PlainText(f.step))));
  line(Colored(paint, Ink::kBold,
               fmt::format("{}  {:<7} {:>10} {:>10} {:>10} {:>10}", PadRight("step", width),
                           "figure", "A", "B", "change", "noise")));
  std::string last = "\n";
  for (const ComparedFigure& f : c.figures) {
    const std::string step = f.step.empty() ? "all steps" : Cut(PlainText(f.step), width);
    const std::string verdict = f.verdict == Change::kWorse ? Colored(paint, Ink::kBad, "worse")
                                : f.verdict == Change::kBetter
                                    ? Colored(paint, Ink::kGood, "better")
                                    : Colored(paint, Ink::kDim, NameOf(f.verdict));
    line(fmt::format("{}  {:<7} {} {} {} {}  {}", PadRight(f.step == last ? "" : step, width),
                     f.name, PadLeft(Value(f, f.a), 10), PadLeft(Value(f, f.b), 10),
                     PadLeft(ChangeOf(f), 10), PadLeft(Noise(f), 10), verdict));
    last = f.step;
  }
  line("");
  line(Conclusion(c));
  std::vector<std::string> notes;
  Definitions(c, notes);
  for (const std::string& note : notes)
    line(Colored(paint, Ink::kWarn, "note: ") + PlainText(note));
  return out;
}

std::string ComparisonJson(const Comparison& c) {
  JsonWriter json;
  json.Object()
      .Field("format", "ronda-comparison")
      .Field("format_version", 1u)
      .Field("worse", c.worse());
  const auto run = [&](std::string_view key, const ReportData& r) {
    json.Key(key)
        .Object()
        .Field("name", r.name)
        .Field("id", r.run_id)
        .Field("start", r.start)
        .Field("environment", r.environment);
    json.Field("digest", r.digest)
        .Field("seconds", r.seconds)
        .Field("passed", r.passed)
        .EndObject();
  };
  run("a", c.a);
  run("b", c.b);
  json.Key("figures").List();
  for (const ComparedFigure& f : c.figures) {
    json.Object().Key("step");
    f.step.empty() ? json.Null() : json.Text(f.step);
    json.Field("figure", f.name)
        .Field("unit", f.unit)
        .Field("a", f.a)
        .Field("b", f.b)
        .Field("change", f.change);
    json.Key("noise");
    f.verdict == Change::kUnknown ? json.Null() : json.Number(f.noise);
    json.Field("verdict", NameOf(f.verdict)).EndObject();
  }
  json.EndList();
  const auto list = [&](std::string_view key, const std::vector<std::string>& steps) {
    json.Key(key).List();
    for (const std::string& step : steps) json.Text(step);
    json.EndList();
  };
  list("only_in_a", c.only_in_a);
  list("only_in_b", c.only_in_b);
  json.EndObject();
  return json.out + "\n";
}

std::string ComparisonHtml(const Comparison& c) {
  const auto name = [](const std::string& text) {
    return "<bdi>" + XmlText(Cut(text, 160)) + "</bdi>";
  };
  std::string body = fmt::format(
      "<div class=\"banner{}\"><div class=\"top\"><span class=\"pill\">{}</span><h1>{} → "
      "{}</h1></div><p>{}</p></div>\n",
      c.worse() ? "" : " pass", c.worse() ? "WORSE" : "NOT WORSE", name(c.a.name), name(c.b.name),
      XmlText(Conclusion(c)));
  body +=
      "<h2>Figures <small>noise: the 99 % interval of a block bootstrap over the seconds of both "
      "runs</small></h2>"
      "<div class=\"scroll\"><table><thead><tr><th>step</th><th "
      "class=\"l\">figure</th><th>A</th><th>B</th><th>change</th><th>noise</th><th>verdict</th></"
      "tr></thead><tbody>\n";
  std::string last = "\n";
  for (const ComparedFigure& f : c.figures) {
    const std::string_view css = f.verdict == Change::kWorse    ? "no"
                                 : f.verdict == Change::kBetter ? "ok"
                                                                : "dim";
    body += fmt::format(
        "<tr><td class=\"wrap\">{}</td><td class=\"l\">{}</td><td>{}</td><td>{}</td><td "
        "class=\"{}\">{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
        f.step == last   ? ""
        : f.step.empty() ? "all steps"
                         : name(f.step),
        XmlText(f.name), Value(f, f.a), Value(f, f.b), css, ChangeOf(f), Noise(f), css,
        NameOf(f.verdict));
    last = f.step;
  }
  body += "</tbody></table></div>\n<h2>The runs</h2><dl>";
  body += fmt::format("<dt>A</dt><dd>{}</dd><dt>B</dt><dd>{}</dd></dl>\n", XmlText(About(c.a)),
                      XmlText(About(c.b)));
  std::vector<std::string> notes;
  Definitions(c, notes);
  if (!notes.empty()) {
    body += "<h2>Notes</h2><ul class=\"notes\">";
    for (const std::string& note : notes) body += "<li>" + XmlText(note) + "</li>";
    body += "</ul>\n";
  }
  return HtmlPage("Comparison – Ronda", body, {});
}

}  // namespace ronda::engine::report
