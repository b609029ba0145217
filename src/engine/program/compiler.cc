#include "engine/program/compiler.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>

#include "engine/actions/registry.h"
#include "engine/program/load_compiler.h"
#include "engine/program/names.h"
#include "model/catalog/catalog.h"
#include "model/load.h"
#include "net/http_client.h"

namespace ronda::engine {
namespace {

using model::Diagnostics;
using model::Node;

class Compiler {
 public:
  Compiler(const CompileInput& input, Diagnostics& diagnostics)
      : input_(input),
        diagnostics_(diagnostics),
        program_(std::make_unique<Program>()),
        slots_(*program_),
        global_(nullptr) {}

  std::unique_ptr<Program> Compile() {
    const std::size_t errors = static_cast<std::size_t>(diagnostics_.error_count());
    program_->name = input_.root->name;
    program_->traced = input_.traced;
    program_->users_per_connection = input_.users_per_connection;
    program_->evidence_bytes = input_.evidence_bytes;
    for (int kind = 1; kind < net::kErrorKinds + 1; ++kind) {
      program_->shape.errors.emplace_back(net::NameOf(static_cast<net::ErrorKind>(kind - 1)));
    }
    AddGlobals();
    if (const auto* scenario = input_.root->As<model::Scenario>()) {
      CompileScenarioRoot(*scenario);
    } else if (const auto* drill = input_.root->As<model::Drill>()) {
      CompileDrillRoot(*drill);
    }
    CheckFeeds();
    if (static_cast<std::size_t>(diagnostics_.error_count()) > errors) {
      ExplainMissingEnvironment();
      return nullptr;
    }
    NoteSetupSlots();
    for (auto& flow : program_->flows) FinishSteps(flow.steps);
    FinishSteps(program_->setup);
    FinishSteps(program_->finally);
    return std::move(program_);
  }

 private:
  // A piece of the step tree being compiled.
  struct Place {
    Scope& scope;
    std::string prefix;                              // of step paths: "browse."
    stats::ScenarioId scenario = 0;
    std::vector<const model::HttpSettings*> http;
    FlowPlan* flow = nullptr;                        // null: setup, finally
  };

  // ---- what every step can read
  void AddGlobals() {
    const auto* environment =
        input_.environment != nullptr ? input_.environment->As<model::Environment>() : nullptr;
    std::vector<std::string> values;
    std::vector<std::string> secrets;
    if (environment != nullptr) {
      for (const auto& [name, value] : environment->values) {
        values.push_back(name);
        env_[name] = LiteralOf(value, program_->constants);
      }
      for (const model::SecretSource& secret : environment->secrets) secrets.push_back(secret.name);
    }
    for (const auto& [name, value] : input_.set) {
      if (!name.starts_with("env.")) continue;
      values.push_back(name.substr(4));
      env_[name.substr(4)] = model::Value::String(program_->constants.Copy(value));
    }
    global_.AddGroup("env", values,
                     [this](std::string_view member) { return Constant("env.", member, env_); });
    for (const auto& [name, value] : input_.secrets) {
      secrets_[name] = model::Value::String(program_->constants.Copy(value));
      program_->secret_values.push_back(value);
    }
    global_.AddGroup("secrets", secrets, [this](std::string_view member) {
      return Constant("secrets.", member, secrets_);
    });
    run_["id"] = model::Value::String(program_->constants.Copy(input_.run_id));
    run_["mark"] = model::Value::String(program_->constants.Copy(input_.run_mark));
    run_["name"] = model::Value::String(program_->constants.Copy(input_.root->name));
    global_.AddGroup("run", {"id", "mark", "name"},
                     [this](std::string_view member) { return Constant("run.", member, run_); });
    global_.AddGroup("vu", {"id", "iteration", "trace"},
                     [this](std::string_view member) { return WellKnown(member); });
  }

  std::optional<model::Binding> Constant(const std::string& prefix, std::string_view member,
                                         const std::map<std::string, model::Value>& values) {
    const auto found = values.find(std::string(member));
    if (found == values.end()) {
      asked_env_ |= prefix == "env.";
      return std::nullopt;
    }
    const std::string name = prefix + found->first;
    const auto known = constants_.find(name);
    const Slot slot = known != constants_.end() ? known->second : slots_.Add(name, found->second);
    constants_[name] = slot;
    return model::Binding{.slot = slot, .segments = 2, .type = found->second.type()};
  }

  std::optional<model::Binding> WellKnown(std::string_view member) {
    WellKnownSlots& known = program_->well_known;
    Slot* slot = member == "id"          ? &known.user_id
                 : member == "iteration" ? &known.iteration
                 : member == "trace"     ? &known.trace_id
                                         : nullptr;
    if (slot == nullptr) return std::nullopt;
    if (*slot == kNoSlot) *slot = slots_.Add("vu." + std::string(member));
    return model::Binding{.slot = *slot,
                          .segments = 2,
                          .type = member == "trace" ? model::Type::kString : model::Type::kInt};
  }

  void ExplainMissingEnvironment() {
    if (!asked_env_ || input_.environment != nullptr) return;
    diagnostics_.Warning(input_.root->where, "no environment is chosen, so `env` has no names",
                         "give --env NAME (a `kind: Environment` in this file or in --env-file "
                         "FILE), or --set env.x=value");
  }

  // ---- roots
  void CompileScenarioRoot(const model::Scenario& scenario) {
    LoadCompiler loads(input_, *program_, diagnostics_);
    const std::vector<model::HttpSettings const*> http = {&scenario.plan.http};
    Scope& shared = NewScope(&global_);
    AddParams(shared, scenario.params, nullptr, "--set");
    CompileOuter(scenario.setup, "setup", shared, http, program_->setup);
    AddFlow(*input_.root, scenario, shared, http, nullptr);
    CompileOuter(scenario.finally, "finally", shared, http, program_->finally);
    loads.AddPlan(scenario.plan, {{0, 1.0}});
  }

  void CompileDrillRoot(const model::Drill& drill) {
    LoadCompiler loads(input_, *program_, diagnostics_);
    Scope& shared = NewScope(&global_);
    AddParams(shared, drill.params, nullptr, "--set");
    CompileOuter(drill.setup, "setup", shared, {&drill.plan.http}, program_->setup);
    std::vector<model::MixEntry> mix = drill.mix;
    std::vector<std::vector<std::pair<std::uint32_t, double>>> load_flows;
    const auto add_mix = [&](const std::vector<model::MixEntry>& entries) {
      std::vector<std::pair<std::uint32_t, double>> flows;
      for (const model::MixEntry& entry : entries) {
        const model::Definition* found =
            input_.definitions->Find(model::Kind::kScenario, entry.scenario);
        if (found == nullptr) continue;  // told by CheckReferences
        const auto& scenario = *found->As<model::Scenario>();
        // A scenario of a mix brings its own setup; it runs before the load, as the drill's does.
        CompileOuter(scenario.setup, "setup", shared, {&drill.plan.http, &scenario.plan.http},
                     program_->setup);
        flows.emplace_back(static_cast<std::uint32_t>(program_->flows.size()), entry.weight);
        AddFlow(*found, scenario, shared, {&drill.plan.http, &scenario.plan.http}, &entry.with);
        CompileOuter(scenario.finally, "finally", shared, {&drill.plan.http, &scenario.plan.http},
                     program_->finally);
      }
      return flows;
    };
    const auto flows = add_mix(mix);
    for (const model::Load& load : drill.plan.loads) {
      load_flows.push_back(load.mix.empty() ? flows : add_mix(load.mix));
    }
    CompileOuter(drill.finally, "finally", shared, {&drill.plan.http}, program_->finally);
    loads.AddPlan(drill.plan, flows, load_flows);
  }

  // Setup and finally: their steps' names are seen by all that comes after.
  void CompileOuter(const std::vector<model::Step>& steps, const std::string& prefix, Scope& scope,
                    const std::vector<const model::HttpSettings*>& http,
                    std::vector<StepPlan>& out) {
    if (steps.empty()) return;
    Place place{.scope = scope,
                .prefix = prefix + ".",
                .scenario = NoteScenario(prefix),
                .http = http,
                .flow = nullptr};
    const bool setup = prefix == "setup";
    const std::size_t first = step_names_.size();
    std::vector<StepPlan> compiled = CompileSteps(steps, place);
    for (StepPlan& step : compiled) out.push_back(std::move(step));
    if (!setup) return;
    setup_names_.emplace_back(first, step_names_.size());
  }

  stats::ScenarioId NoteScenario(const std::string& name) {
    auto& all = program_->shape.scenarios;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == name) return static_cast<stats::ScenarioId>(i);
    }
    all.push_back({name, ""});
    return static_cast<stats::ScenarioId>(all.size() - 1);
  }

  void AddFlow(const model::Definition& definition, const model::Scenario& scenario, Scope& outer,
               const std::vector<const model::HttpSettings*>& http, const Node* with) {
    FlowPlan& flow = program_->flows.emplace_back();
    flow.name = definition.name;
    flow.stat = NoteScenario(definition.name);
    flow.pacing = scenario.pacing;
    for (const model::HttpSettings* settings : http) {
      if (settings->cookies) {
        flow.cookies_per_iteration = *settings->cookies != model::HttpSettings::Cookies::kUser;
        break;
      }
    }
    for (const model::HttpSettings* settings : http) {
      if (settings->connections) {
        flow.connections_per_iteration =
            *settings->connections == model::HttpSettings::Connections::kIteration;
        break;
      }
    }
    Scope& scope = NewScope(&outer);
    if (with != nullptr) AddParams(scope, scenario.params, with, "the mix entry's `with:`");
    AddFeeds(scenario.feeds, scope, flow);
    Place place{.scope = scope, .prefix = "", .scenario = flow.stat, .http = http, .flow = &flow};
    flow.steps = CompileSteps(scenario.steps, place);
  }

  // ---- params and feeds
  void AddParams(Scope& scope, const std::vector<model::FieldSpec>& specs, const Node* with,
                 const char* giver) {
    auto values =
        std::make_shared<std::map<std::string, std::pair<Slot, std::optional<model::Type>>>>();
    std::vector<std::string> names;
    for (const model::FieldSpec& spec : specs) {
      names.push_back(spec.name);
      model::Value value;
      // One that is wrong is told once; what reads it need not be told again.
      if (!ParamValue(spec, with, giver, value)) value = {};
      const Slot slot = slots_.Add("params." + spec.name, value);
      if (spec.secret) slots_.MarkSecret(slot);
      (*values)[spec.name] = {slot, value.is_null() ? std::nullopt : std::optional(value.type())};
    }
    scope.AddGroup("params", names,
                   [values](std::string_view member) -> std::optional<model::Binding> {
                     const auto found = values->find(std::string(member));
                     if (found == values->end()) return std::nullopt;
                     return model::Binding{
                         .slot = found->second.first, .segments = 2, .type = found->second.second};
                   });
    for (const auto& [name, value] : input_.set) {
      if (with != nullptr || name.starts_with("env.")) continue;
      const std::string bare = name.starts_with("params.") ? name.substr(7) : name;
      if (std::ranges::find(names, bare) != names.end()) continue;
      const std::string nearest = model::Nearest(bare, names);
      diagnostics_.Error(input_.root->where,
                         "--set " + name + ": " + input_.root->name + " has no such param",
                         nearest.empty() ? "its `params:` list what can be set"
                                         : "did you mean \"" + nearest + "\"?");
    }
  }

  bool ParamValue(const model::FieldSpec& spec, const Node* with, const char* giver,
                  model::Value& value) {
    Node given;
    const Node* node = with != nullptr ? with->Find(spec.name) : nullptr;
    if (with == nullptr) {
      for (const auto& [name, text] : input_.set) {
        if (name != spec.name && name != "params." + spec.name) continue;
        given.kind = Node::Kind::kScalar;
        given.scalar = text;
        given.quoted = spec.type == model::FieldType::kString;
        given.where = input_.root->where;
        node = &given;
      }
    }
    if (node == nullptr && spec.default_value) node = &*spec.default_value;
    if (node == nullptr) {
      if (!spec.required) return true;
      diagnostics_.Error(input_.root->where,
                         "param \"" + spec.name + "\" has no default and was not given",
                         std::string("give it by ") + giver);
      return false;
    }
    const auto plan = ValuePlan::Compile(*node, global_, diagnostics_);
    if (plan == nullptr) return false;
    base::Random random(1);
    model::EvalContext context{.slots = program_->initial_slots,
                               .arena = &program_->constants,
                               .random = &random,
                               .wall_ns = 0,
                               .error = {}};
    model::Value raw;
    if (!plan->Evaluate(context, raw)) {
      diagnostics_.Error(node->where, "param \"" + spec.name + "\": " + std::string(context.error));
      return false;
    }
    value = model::CopyInto(raw, program_->constants);
    const auto wanted = TypeOf(spec.type);
    if (!wanted || value.is_null() || value.type() == *wanted) return true;
    if (*wanted == model::Type::kFloat && value.type() == model::Type::kInt) {
      value = model::Value::Float(static_cast<double>(value.AsInt()));
      return true;
    }
    if (*wanted == model::Type::kDuration && value.type() == model::Type::kString) {
      const auto ns = model::ParseDuration(value.AsString());
      if (ns.ok()) {
        value = model::Value::DurationNs(*ns);
        return true;
      }
    }
    if (*wanted == model::Type::kString) {
      std::string text;
      model::AppendText(value, text);
      value = model::Value::String(program_->constants.Copy(text));
      return true;
    }
    diagnostics_.Error(node->where, "param \"" + spec.name + "\" is a " +
                                        std::string(model::NameOf(*wanted)) + ", not a " +
                                        std::string(model::NameOf(value.type())));
    return false;
  }

  void AddFeeds(const std::vector<model::FeedUse>& uses, Scope& scope, FlowPlan& flow) {
    for (const model::FeedUse& use : uses) {
      const model::Feed* feed = &use.feed;
      if (use.ref) {
        const model::Definition* found = input_.definitions->Find(model::Kind::kFeed, *use.ref);
        if (found == nullptr) continue;  // told by CheckReferences
        feed = found->As<model::Feed>();
      }
      auto table = FeedTable::Load(use.name, *feed, input_.folder, input_.process);
      if (!table.ok()) {
        diagnostics_.Error(feed->where, table.status().message());
        continue;
      }
      const auto index = static_cast<std::uint32_t>(program_->feeds.size());
      program_->feeds.push_back(*std::move(table));
      feed_places_.push_back(feed->where);
      const FeedTable& rows = *program_->feeds.back();
      flow.feeds.push_back({index, {}});
      const std::size_t at = flow.feeds.size() - 1;
      FlowPlan* target = &flow;
      scope.AddGroup(
          use.name, rows.columns(),
          [this, &rows, target, at](std::string_view member) -> std::optional<model::Binding> {
            const auto column = rows.Column(member);
            if (!column.has_value()) return std::nullopt;
            auto& columns = target->feeds[at].columns;
            auto found =
                std::ranges::find(columns, *column, [](const auto& each) { return each.first; });
            if (found == columns.end()) {
              const Slot slot = slots_.Add(rows.name() + "." + std::string(member));
              if (rows.IsSecret(member)) slots_.MarkSecret(slot);
              columns.emplace_back(*column, slot);
              found = columns.end() - 1;
            }
            return model::Binding{.slot = found->second, .segments = 2, .type = std::nullopt};
          });
    }
  }

  // Users of closed loads are known in number; each wants a row where rows are for one user only.
  void CheckFeeds() {
    for (const LoadUse& use : program_->loads) {
      if (use.plan.open_model()) continue;
      const std::uint64_t users = input_.process.Of(use.plan.MostUsers());
      for (const auto& [flow, weight] : use.flows) {
        for (const FeedUsePlan& feed_use : program_->flows[flow].feeds) {
          const FeedTable& feed = *program_->feeds[feed_use.feed];
          if (!feed.unique() || feed.rows() >= users) continue;
          const std::string text = "feed " + feed.name() + " has " + std::to_string(feed.rows()) +
                                   " rows, `pick: unique` one for each of " +
                                   std::to_string(users) + " users";
          if (feed.per_user()) {
            diagnostics_.Error(feed_places_[feed_use.feed], text,
                               "add rows, or lower the number of users");
          } else if (feed.on_end() == model::Feed::OnEnd::kRecycle) {
            diagnostics_.Warning(feed_places_[feed_use.feed], text + ": some will wait");
          }
        }
      }
    }
  }

  // ---- steps
  std::vector<StepPlan> CompileSteps(const std::vector<model::Step>& steps, Place& place) {
    DeclareSteps(steps, place);
    std::vector<StepPlan> plans;
    plans.reserve(steps.size());
    for (const model::Step& step : steps) plans.push_back(CompileStep(step, place));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].on_failure.kind != model::OnFailure::Kind::kGoto) continue;
      const auto target = std::ranges::find(steps, steps[i].on_failure.target, &model::Step::id);
      if (target != steps.end())
        plans[i].goto_index = static_cast<std::uint32_t>(target - steps.begin());
    }
    return plans;
  }

  // All steps of a scope are known before any is compiled: a loop's condition reads later ones.
  void DeclareSteps(const std::vector<model::Step>& steps, Place& place) {
    for (const model::Step& step : steps) {
      step_names_.emplace_back(slots_, step.id,
                               step.kind == model::StepKind::kAction ? step.schema : nullptr);
      StepNames& names = step_names_.back();
      names_of_[&step][place.prefix] = &names;
      place.scope.AddStep(&names);
      for (const model::Extract& extract : step.extract)
        names.AddValue(extract.name, extract.secret);
      if (step.kind == model::StepKind::kGroup) DeclareSteps(step.steps, place);
      if (step.kind == model::StepKind::kUse) DeclareOutputs(step, names);
    }
  }

  void DeclareOutputs(const model::Step& step, StepNames& names) {
    const model::Definition* found = input_.definitions->Find(model::Kind::kComponent, step.target);
    if (found == nullptr) return;
    const auto& component = *found->As<model::Component>();
    for (const auto& [name, text] : component.outputs) names.AddValue(name, false);
    if (!component.outputs.empty() || component.steps.empty()) return;
    // Not said: what its last step extracts.
    for (const model::Extract& extract : component.steps.back().extract)
      names.AddValue(extract.name, extract.secret);
  }

  StepPlan CompileStep(const model::Step& step, Place& place) {
    StepPlan plan;
    plan.path = place.prefix + step.id;
    plan.where = step.where;
    plan.stat = static_cast<stats::StepId>(program_->shape.steps.size());
    const bool exchange =
        step.kind == model::StepKind::kAction && step.target.name == "http.request";
    program_->shape.steps.push_back(
        {plan.path, place.scenario,
         step.kind == model::StepKind::kAction ? step.target.name : "group",
         exchange ? stats::StepKind::kExchange : stats::StepKind::kLocal});
    StepNames& own = *names_of_[&step][place.prefix];
    plan_names_[plan.stat] = &own;
    plan.timeout_ns = step.timeout ? static_cast<std::uint64_t>(step.timeout->ns) : 0;
    plan.has_timeout = step.timeout.has_value();
    plan.retry = step.retry;
    plan.parallel = static_cast<std::uint32_t>(step.parallel);
    plan.think = step.think;
    plan.always = step.always;
    plan.on_failure = step.on_failure.kind;
    if (!step.meet.empty()) plan.meet = MeetIndex(step.meet);
    if (!step.when.empty())
      plan.when = CompileExpression(step.when.text, step.when.where, place.scope, diagnostics_);
    Scope& inner = NewScope(&place.scope);
    CompileLoop(step, plan, place, inner);
    Place inner_place{.scope = inner,
                      .prefix = place.prefix,
                      .scenario = place.scenario,
                      .http = place.http,
                      .flow = place.flow};
    CompileBody(step, plan, inner_place, own);
    CompileSettling(step, plan, inner, own);
    return plan;
  }

  void CompileLoop(const model::Step& step, StepPlan& plan, Place& place, Scope& inner) {
    if (!step.for_each && step.repeat.kind == Node::Kind::kNull && step.loop_while.empty()) return;
    LoopPlan loop;
    loop.max = std::numeric_limits<std::int64_t>::max();
    loop.index = slots_.Add(plan.path + ".index");
    inner.AddSlot("index", loop.index, model::Type::kInt);
    if (step.for_each) {
      loop.kind = LoopPlan::Kind::kForEach;
      loop.list_or_count = ValuePlan::Compile(step.for_each->in, place.scope, diagnostics_);
      loop.max = step.for_each->max;
      loop.item = slots_.Add(plan.path + "." + step.for_each->as);
      inner.AddSlot(step.for_each->as, loop.item);
    } else if (!step.loop_while.empty()) {
      loop.kind = LoopPlan::Kind::kWhile;
      loop.condition =
          CompileExpression(step.loop_while.text, step.loop_while.where, inner, diagnostics_);
      loop.max = step.max_loops;
    } else {
      loop.kind = LoopPlan::Kind::kRepeat;
      loop.list_or_count = ValuePlan::Compile(step.repeat, place.scope, diagnostics_);
    }
    plan.loop = std::move(loop);
  }

  void CompileBody(const model::Step& step, StepPlan& plan, Place& place, StepNames& own) {
    switch (step.kind) {
      case model::StepKind::kAction: {
        const CompileAction compile = FindAction(step.target.name);
        if (compile == nullptr) {
          diagnostics_.Error(step.target.where,
                             "action \"" + step.target.name + "\" cannot be run by this program",
                             "built in: http.request, wait, assert, log");
          return;
        }
        ActionContext context{.step = step,
                              .http = place.http,
                              .names = place.scope,
                              .slots = slots_,
                              .program = *program_,
                              .input = input_,
                              .diagnostics = diagnostics_,
                              .own = own};
        plan.action = compile(context);
        return;
      }
      case model::StepKind::kGroup: {
        // Already declared, in the scope of the group's step.
        plan.steps.reserve(step.steps.size());
        for (const model::Step& child : step.steps) plan.steps.push_back(CompileStep(child, place));
        for (std::size_t i = 0; i < step.steps.size(); ++i) {
          if (step.steps[i].on_failure.kind != model::OnFailure::Kind::kGoto) continue;
          const auto target =
              std::ranges::find(step.steps, step.steps[i].on_failure.target, &model::Step::id);
          if (target != step.steps.end())
            plan.steps[i].goto_index = static_cast<std::uint32_t>(target - step.steps.begin());
        }
        return;
      }
      case model::StepKind::kUse: CompileUse(step, plan, place, own); return;
      case model::StepKind::kScenario: CompileNested(step, plan, place); return;
    }
  }

  // Params of a component or nested scenario: a slot each, set before its body runs.
  void BindParams(const model::Step& step, const std::vector<model::FieldSpec>& specs,
                  StepPlan& plan, Place& place, Scope& scope) {
    auto slots = std::make_shared<std::map<std::string, Slot>>();
    std::vector<std::string> names;
    for (const model::FieldSpec& spec : specs) {
      names.push_back(spec.name);
      model::Value initial;
      if (spec.default_value) initial = LiteralOf(*spec.default_value, program_->constants);
      const Slot slot = slots_.Add(plan.path + ".params." + spec.name, initial);
      if (spec.secret) slots_.MarkSecret(slot);
      (*slots)[spec.name] = slot;
      const Node* given = step.with.Find(spec.name);
      if (given == nullptr) continue;
      auto value = ValuePlan::Compile(*given, place.scope, diagnostics_);
      if (value != nullptr) plan.params.push_back({slot, std::move(value)});
    }
    scope.AddGroup(
        "params", names, [slots](std::string_view member) -> std::optional<model::Binding> {
          const auto found = slots->find(std::string(member));
          if (found == slots->end()) return std::nullopt;
          return model::Binding{.slot = found->second, .segments = 2, .type = std::nullopt};
        });
  }

  void CompileUse(const model::Step& step, StepPlan& plan, Place& place, StepNames& own) {
    const model::Definition* found = input_.definitions->Find(model::Kind::kComponent, step.target);
    if (found == nullptr) return;  // told by CheckReferences
    const auto& component = *found->As<model::Component>();
    Scope& scope = NewScope(&global_);
    BindParams(step, component.params, plan, place, scope);
    Place body{.scope = scope,
               .prefix = plan.path + ".",
               .scenario = place.scenario,
               .http = place.http,
               .flow = place.flow};
    plan.steps = CompileSteps(component.steps, body);
    for (const auto& [name, text] : component.outputs) {
      Node node;
      node.kind = Node::Kind::kScalar;
      node.scalar = text.text;
      node.where = text.where;
      auto value = ValuePlan::Compile(node, scope, diagnostics_);
      if (value != nullptr) plan.outputs.push_back({*own.Value(name), std::move(value)});
    }
    if (!component.outputs.empty() || component.steps.empty()) return;
    for (const model::Extract& extract : component.steps.back().extract) {
      Node node;
      node.kind = Node::Kind::kScalar;
      node.scalar = "${" + component.steps.back().id + "." + extract.name + "}";
      node.where = extract.where;
      auto value = ValuePlan::Compile(node, scope, diagnostics_);
      if (value != nullptr) plan.outputs.push_back({*own.Value(extract.name), std::move(value)});
    }
  }

  void CompileNested(const model::Step& step, StepPlan& plan, Place& place) {
    const model::Definition* found = input_.definitions->Find(model::Kind::kScenario, step.target);
    if (found == nullptr) return;  // told by CheckReferences
    const auto& scenario = *found->As<model::Scenario>();
    Scope& scope = NewScope(&global_);
    BindParams(step, scenario.params, plan, place, scope);
    if (place.flow != nullptr) AddFeeds(scenario.feeds, scope, *place.flow);
    Place body{.scope = scope,
               .prefix = plan.path + ".",
               .scenario = place.scenario,
               .http = place.http,
               .flow = place.flow};
    body.http.push_back(&scenario.plan.http);
    plan.steps = CompileSteps(scenario.steps, body);
  }

  // Extractions, checks and polling: they see the step's own names bare.
  void CompileSettling(const model::Step& step, StepPlan& plan, Scope& outer, StepNames& own) {
    Scope& scope = NewScope(&outer);
    scope.SetOwn(&own);
    for (const model::Extract& extract : step.extract) {
      ExtractPlan compiled;
      compiled.name = extract.name;
      compiled.slot = *own.Value(extract.name);
      compiled.required = extract.required;
      compiled.secret = extract.secret;
      if (extract.fallback) compiled.fallback = LiteralOf(*extract.fallback, program_->constants);
      if (extract.kind == model::Extract::Kind::kExpression) {
        compiled.expression =
            CompileExpression(extract.pattern.text, extract.pattern.where, scope, diagnostics_);
      } else {
        model::LoadError error;
        compiled.extractor = extract::Extractor::Compile(extract, error);
        if (compiled.extractor == nullptr) {
          diagnostics_.Error(model::LocationOf(extract.pattern, error.offset), error.message,
                             error.hint, static_cast<int>(error.length));
        }
      }
      plan.reads_body |= extract.kind != model::Extract::Kind::kHeader &&
                         extract.kind != model::Extract::Kind::kCookie &&
                         extract.kind != model::Extract::Kind::kExpression;
      plan.extracts.push_back(std::move(compiled));
    }
    for (const model::Check& check : step.checks) {
      CheckPlan compiled;
      compiled.expression =
          CompileExpression(check.expression.text, check.expression.where, scope, diagnostics_);
      compiled.fatal = check.fatal;
      compiled.id = static_cast<stats::CheckId>(program_->shape.checks.size());
      program_->shape.checks.push_back({check.name, plan.stat});
      if (compiled.expression != nullptr) plan.checks.push_back(std::move(compiled));
    }
    if (step.poll) {
      PollPlan poll;
      poll.until =
          CompileExpression(step.poll->until.text, step.poll->until.where, scope, diagnostics_);
      poll.every_ns = static_cast<std::uint64_t>(step.poll->every.ns);
      poll.max_every_ns = static_cast<std::uint64_t>(step.poll->max_every.ns);
      poll.deadline_ns = static_cast<std::uint64_t>(step.poll->deadline.ns);
      poll.backoff = step.poll->backoff;
      if (poll.until != nullptr) plan.poll = std::move(poll);
    }
  }

  std::uint32_t MeetIndex(const std::string& name) {
    const auto found = std::ranges::find(program_->meets, name, &MeetPlan::name);
    return found == program_->meets.end()
               ? ~0u
               : static_cast<std::uint32_t>(found - program_->meets.begin());
  }

  // Once all is compiled it is known what is read of each step.
  void FinishSteps(std::vector<StepPlan>& steps) {
    const model::ActionSchema* http = model::Catalog::BuiltIn().Find("http.request");
    for (StepPlan& step : steps) {
      FinishSteps(step.steps);
      StepNames* names = plan_names_[step.stat];
      step.uses = names->TakeUses();
      for (const OutputUse& use : step.uses) {
        if (program_->shape.steps[step.stat].kind != stats::StepKind::kExchange) break;
        const std::string& output = http->outputs[use.output].name;
        step.reads_body |= output == "body" || output == "json" || output == "size";
        for (const CheckPlan& check : step.checks) {
          step.checks_status |=
              output == "status" && std::ranges::binary_search(check.expression->slots(), use.slot);
        }
      }
    }
  }

  // Before the uses are taken away: what setup's steps leave behind for everybody.
  void NoteSetupSlots() {
    for (const auto& [first, last] : setup_names_) {
      for (std::size_t i = first; i < last; ++i) {
        for (const auto& [name, slot] : step_names_[i].values())
          program_->setup_slots.push_back(slot);
        for (const OutputUse& use : step_names_[i].uses())
          program_->setup_slots.push_back(use.slot);
      }
    }
  }

  Scope& NewScope(Scope* outer) { return scopes_.emplace_back(outer); }

  const CompileInput& input_;
  Diagnostics& diagnostics_;
  std::unique_ptr<Program> program_;
  SlotTable slots_;
  Scope global_;
  std::deque<Scope> scopes_;
  std::deque<StepNames> step_names_;
  std::map<const model::Step*, std::map<std::string, StepNames*>> names_of_;  // by step and prefix
  std::map<stats::StepId, StepNames*> plan_names_;
  std::vector<std::pair<std::size_t, std::size_t>> setup_names_;
  std::map<std::string, model::Value> env_, secrets_, run_;
  std::map<std::string, Slot> constants_;
  std::vector<model::Location> feed_places_;  // by index of Program::feeds
  bool asked_env_ = false;
};

}  // namespace

std::unique_ptr<Program> CompileProgram(const CompileInput& input, Diagnostics& diagnostics) {
  return Compiler(input, diagnostics).Compile();
}

}  // namespace ronda::engine
