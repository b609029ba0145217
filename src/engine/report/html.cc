#include <fmt/format.h>

#include <algorithm>

#include "engine/report/report.h"

namespace ronda::engine::report {
namespace {

constexpr std::size_t kMostPoints = 600;   // of a chart
constexpr std::size_t kMostFailures = 50;

constexpr std::string_view kStyle = R"CSS(
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2128;--dim:#656d76;--line:#d8dee4;--card:#f6f8fa;--good:#1a7f37;--bad:#cf222e;--a:#0969da;--b:#bf8700;--c:#8250df}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#8d96a0;--line:#30363d;--card:#161b22;--good:#3fb950;--bad:#f85149;--a:#4493f8;--b:#d29922;--c:#ab7df8}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
main{max-width:1160px;margin:0 auto;padding:24px 16px 64px}h1{font-size:24px;margin:0;overflow-wrap:anywhere}h2{font-size:17px;margin:32px 0 10px}
.banner{border-left:6px solid var(--bad);background:var(--card);padding:14px 18px;border-radius:6px}.banner.pass{border-color:var(--good)}
.dim{color:var(--dim)}.pass b.v{color:var(--good)}.banner b.v{text-transform:uppercase}.banner:not(.pass) b.v{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px;margin-top:16px}.tile{background:var(--card);border-radius:6px;padding:10px 14px}
.tile b{display:block;font-size:20px;font-variant-numeric:tabular-nums}.tile span{color:var(--dim);font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:6px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:120px}th{color:var(--dim);font-weight:600;font-size:13px;cursor:pointer}
.ok{color:var(--good)}.no{color:var(--bad)}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:16px}
figure{margin:0;background:var(--card);border-radius:6px;padding:10px 12px}figcaption{font-size:13px;color:var(--dim)}svg{width:100%;height:150px;display:block}
svg path{fill:none;stroke-width:1.6;vector-effect:non-scaling-stroke}details{background:var(--card);border-radius:6px;margin:8px 0;padding:8px 14px}summary{cursor:pointer;overflow-wrap:anywhere}
pre{overflow-x:auto;font:12.5px/1.45 ui-monospace,monospace;background:var(--bg);padding:10px;border-radius:4px;margin:8px 0;white-space:pre-wrap;overflow-wrap:anywhere}
)CSS";

constexpr std::string_view kScript = R"JS(
document.querySelectorAll('th').forEach(h=>h.addEventListener('click',()=>{const t=h.closest('table'),b=t.tBodies[0],i=h.cellIndex,
d=h.dataset.d=h.dataset.d==='1'?'-1':'1';[...b.rows].sort((x,y)=>{const p=x.cells[i].dataset.v??x.cells[i].textContent,q=y.cells[i].dataset.v??y.cells[i].textContent;
return d*(p-q||String(p).localeCompare(q))}).forEach(r=>b.append(r))}));
)JS";

struct Series {
  std::string_view color;
  std::string_view name;
  std::vector<double> values;
};

// A line chart as SVG: every series on one scale, from zero.
std::string Chart(const std::string& title, const std::string& unit,
                  const std::vector<Series>& all) {
  double most = 0;
  std::size_t points = 0;
  for (const Series& s : all) {
    for (const double v : s.values) most = std::max(most, v);
    points = std::max(points, s.values.size());
  }
  std::string legend;
  std::string paths;
  for (const Series& s : all) {
    legend +=
        fmt::format(" <span style=\"color:var(--{})\">&#9632;</span>&nbsp;{}", s.color, s.name);
    std::string d;
    for (std::size_t i = 0; i < s.values.size(); ++i) {
      const double x =
          points > 1 ? 600.0 * static_cast<double>(i) / static_cast<double>(points - 1) : 0;
      const double y = most > 0 ? 145 - 140 * s.values[i] / most : 145;
      d += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x, y);
    }
    if (s.values.size() == 1) d += "h600";
    paths += fmt::format("<path d=\"{}\" stroke=\"var(--{})\"/>", d, s.color);
  }
  return fmt::format(
      "<figure><figcaption>{}, up to {:.{}f} {}{}</figcaption><svg viewBox=\"0 0 600 150\" "
      "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{}</svg></figure>\n",
      title, most, most < 10 ? 2 : 0, unit, legend, title, paths);
}

// The rows, thinned to what a screen shows; the largest of neighbours stands for them.
template <typename F>
std::vector<double> Values(const std::vector<stats::Row>& rows, F&& value) {
  const std::size_t step = std::max<std::size_t>(1, (rows.size() + kMostPoints - 1) / kMostPoints);
  std::vector<double> values;
  for (std::size_t i = 0; i < rows.size(); i += step) {
    double most = 0;
    for (std::size_t j = i; j < std::min(rows.size(), i + step); ++j)
      most = std::max(most, value(rows[j]));
    values.push_back(most);
  }
  return values;
}

std::string Charts(const std::vector<stats::Row>& rows) {
  if (rows.empty())
    return "<p class=dim>The run was too short for a chart: no second was complete.</p>";
  const auto ms = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e6; };
  const auto per_second = [](std::uint64_t n, const stats::Row& r) {
    return static_cast<double>(n) / std::max(1u, r.width);
  };
  std::string out = "<div class=charts>\n";
  out += Chart(
      "Requests a second", "/s",
      {{"a", "all", Values(rows, [&](const auto& r) { return per_second(r.requests, r); })},
       {"bad", "failed", Values(rows, [&](const auto& r) { return per_second(r.failed, r); })}});
  out += Chart("Latency", "ms",
               {{"c", "p99", Values(rows, [&](const auto& r) { return ms(r.latency.p99); })},
                {"b", "p95", Values(rows, [&](const auto& r) { return ms(r.latency.p95); })},
                {"a", "p50", Values(rows, [&](const auto& r) { return ms(r.latency.p50); })}});
  out += Chart(
      "Users", "",
      {{"a", "active", Values(rows, [](const auto& r) { return static_cast<double>(r.users); })}});
  out +=
      Chart("Lateness p99 and drops", "",
            {{"b", "lateness, ms", Values(rows, [&](const auto& r) { return ms(r.lateness_p99); })},
             {"bad", "dropped",
              Values(rows, [](const auto& r) { return static_cast<double>(r.dropped); })}});
  return out + "</div>\n";
}

std::string Cell(std::uint64_t ns) {
  return fmt::format("<td data-v={}>{}</td>", ns, FormatNs(ns));
}

std::string StepTable(const stats::Aggregator& load) {
  const stats::Shape& shape = load.shape();
  std::string rows;
  for (std::size_t i = 0; i < shape.steps.size() && i < load.totals().steps.size(); ++i) {
    const stats::StepCounters* s = load.totals().steps[i].get();
    if (s == nullptr) continue;
    const base::Histogram& h = s->Latency();
    if (h.count() == 0) continue;
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td class={}>{}</td>{}{}{}{}</tr>\n",
                        XmlText(shape.steps[i].id), h.count(), s->failed > 0 ? "no" : "ok",
                        s->failed, Cell(h.Quantile(0.5)), Cell(h.Quantile(0.95)),
                        Cell(h.Quantile(0.99)), Cell(h.Quantile(1)));
  }
  if (rows.empty()) return "<p class=dim>No step came to its end.</p>";
  return "<div "
         "class=scroll><table><thead><tr><th>step</th><th>runs</th><th>failed</th><th>p50</"
         "th><th>p95</th><th>p99</th><th>max</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string Conditions(const ReportInput& in) {
  std::string rows;
  for (const stats::ThresholdResult& t : in.thresholds) {
    const bool good = t.verdict == stats::ThresholdResult::Verdict::kPassed;
    std::string actual = t.reason;
    for (const stats::MetricValue& m : t.actual)
      actual += fmt::format("{}{} = {}", actual.empty() ? "" : ", ", m.name, m.value);
    rows += fmt::format("<tr><td>{}</td><td class={}>{}</td><td>{}</td></tr>\n", XmlText(t.text),
                        good ? "ok" : "no", good ? "passed" : "failed", XmlText(actual));
  }
  if (rows.empty()) return {};
  return "<h2>Thresholds</h2><div "
         "class=scroll><table><thead><tr><th>threshold</th><th>verdict</th><th>actual</th></tr></"
         "thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string Checks(const stats::Aggregator& load) {
  const stats::Shape& shape = load.shape();
  std::string rows;
  for (std::size_t i = 0; i < shape.checks.size() && i < load.totals().checks.size(); ++i) {
    const stats::CheckCounters& c = load.totals().checks[i];
    rows +=
        fmt::format("<tr><td>{}: {}</td><td>{}</td><td class={}>{}</td></tr>\n",
                    XmlText(shape.steps[shape.checks[i].step].id), XmlText(shape.checks[i].name),
                    c.passed, c.failed > 0 ? "no" : "ok", c.failed);
  }
  if (rows.empty()) return {};
  return "<h2>Checks</h2><div "
         "class=scroll><table><thead><tr><th>check</th><th>passed</th><th>failed</th></tr></"
         "thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string Failures(const stats::Aggregator* aggregator) {
  if (aggregator == nullptr) return {};
  std::string out;
  std::size_t shown = 0;
  for (const stats::FailureGroup* g : aggregator->Failures()) {
    if (++shown > kMostFailures) {
      out += fmt::format("<p class=dim>{} more kinds of errors are in the JSON report.</p>",
                         aggregator->Failures().size() - kMostFailures);
      break;
    }
    out += fmt::format("<details><summary><b>{}</b> &times; {}: {}</summary>", g->count,
                       XmlText(aggregator->shape().steps[g->step].id), XmlText(g->message));
    if (g->example) {
      const stats::Example& e = *g->example;
      out += fmt::format(
          "<p class=dim>{}{}, took {}</p><pre>{}\n{}\n{}</pre><pre>{}\n{}\n{}</pre><pre>{}</pre>",
          XmlText(e.user), e.trace_id.empty() ? "" : ", trace " + e.trace_id,
          FormatNs(e.duration_ns), XmlText(e.request_line), XmlText(e.request_head),
          XmlText(e.request_body), XmlText(e.response_line), XmlText(e.response_head),
          XmlText(e.response_body), XmlText(e.detail));
    }
    out += "</details>\n";
  }
  return out;
}

std::string Tile(const std::string& value, std::string_view label) {
  return fmt::format("<div class=tile><b>{}</b><span>{}</span></div>", value, label);
}

}  // namespace

std::string ReportHtml(const ReportInput& in) {
  const stats::Totals& totals = in.load->totals();
  const double seconds = in.load->MeasuredSeconds();
  std::string out =
      "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width,initial-scale=1\"><title>" +
      XmlText(in.name) + " - Ronda</title><style>" + std::string(kStyle) +
      "</style></head><body><main>\n";
  out += fmt::format(
      "<div class=\"banner{}\"><h1>{}</h1><b class=v>{}</b> {}{}<div class=dim>{} run {} {}, "
      "{:.1f} s{}</div></div>\n",
      in.passed ? " pass" : "", XmlText(in.name), in.passed ? "passed" : "failed",
      XmlText(in.verdict), in.end == "done" ? "" : XmlText(" (" + in.end + ": " + in.reason + ")"),
      XmlText(in.kind), XmlText(in.run_id),
      in.environment.empty() ? "" : "in " + XmlText(in.environment),
      static_cast<double>(in.duration_ns) / 1e9,
      fmt::format(", {} thread{}", in.threads, in.threads == 1 ? "" : "s"));
  out += Conditions(in);
  out += "<div class=tiles>" + Tile(fmt::format("{}", totals.all.requests), "requests") +
         Tile(fmt::format("{:.1f}",
                          seconds > 0 ? static_cast<double>(totals.all.requests) / seconds : 0.0),
              "requests a second") +
         Tile(FormatRatio(totals.all.failed, totals.all.requests), "failed") +
         Tile(FormatNs(totals.all.Latency().Quantile(0.5)), "p50") +
         Tile(FormatNs(totals.all.Latency().Quantile(0.95)), "p95") +
         Tile(FormatNs(totals.all.Latency().Quantile(0.99)), "p99") +
         Tile(fmt::format("{}", in.load->MostUsers()), "users at most") +
         Tile(fmt::format("{}", totals.Dropped()), "arrivals dropped") + "</div>\n";
  out += "<h2>Over time</h2>\n" + Charts(in.load->rows());
  out += "<h2>Steps</h2>\n" + StepTable(*in.load) + Checks(*in.load);
  const std::string failures = Failures(in.outer) + Failures(in.load);
  if (!failures.empty()) out += "<h2>Errors</h2>\n" + failures;
  if (!in.guard_events.empty() || !in.warnings.empty()) out += "<h2>Events and notes</h2><ul>\n";
  for (const stats::GuardEvent& e : in.guard_events) {
    out += fmt::format("<li>{} s: guard {} {} ({})</li>\n", e.second, XmlText(e.text),
                       e.kind == stats::GuardEvent::Kind::kFired ? "fired" : "let go",
                       XmlText(e.reason));
  }
  for (const std::string& w : in.warnings) out += "<li>" + XmlText(w) + "</li>\n";
  if (!in.guard_events.empty() || !in.warnings.empty()) out += "</ul>\n";
  out += fmt::format("<p class=dim>{} {}</p></main><script>{}</script></body></html>\n",
                     XmlText(in.version), XmlText(in.digest), kScript);
  return out;
}

}  // namespace ronda::engine::report
