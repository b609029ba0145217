#pragma once

#include <string>
#include <vector>

#include "model/definitions.h"
#include "model/reader.h"

// Private to the room: the tables of all objects, and the readers of those that are more than one.
namespace ronda::model {

// ---- load_step.cc
[[nodiscard]] const std::vector<Field<Step>>& StepFields();
[[nodiscard]] std::vector<FieldSpec> ExtractSpecs();
[[nodiscard]] std::vector<FieldSpec> RetrySpecs();
[[nodiscard]] std::vector<FieldSpec> PollSpecs();
[[nodiscard]] std::vector<FieldSpec> CheckSpecs();
[[nodiscard]] std::vector<FieldSpec> ForEachSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Step>& out);
// Names the steps that have no id, once all that have one are read.
void GiveIds(Loader& loader, std::vector<Step>& steps);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Check>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Extract>& out);

// ---- load_step_parts.cc
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Retry& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Poll& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, OnFailure& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, ForEach& out);
[[nodiscard]] std::vector<FieldSpec> WaitSpecs();

// ---- load_http.cc
[[nodiscard]] std::vector<FieldSpec> HttpSpecs();
[[nodiscard]] std::vector<FieldSpec> TlsSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, HttpSettings& out);

// ---- load_feed.cc
[[nodiscard]] std::vector<FieldSpec> FeedSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Feed& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<FeedUse>& out);
// A definition of kind Feed: the envelope's keys are not the feed's.
void ReadFeedDefinition(Loader& loader, const Node& document, Feed& out);

// ---- load_params.cc
[[nodiscard]] std::vector<FieldSpec> ParamSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<FieldSpec>& out);

// ---- load_load.cc
[[nodiscard]] std::vector<FieldSpec> LoadSpecs();
[[nodiscard]] std::vector<FieldSpec> StageSpecs();
[[nodiscard]] std::vector<FieldSpec> MixSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Load>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<MixEntry>& out);

// ---- load_plan.cc
[[nodiscard]] std::vector<FieldSpec> MeetSpecs();
[[nodiscard]] std::vector<FieldSpec> GuardSpecs();
[[nodiscard]] std::vector<FieldSpec> ThresholdSpecs();
[[nodiscard]] std::vector<FieldSpec> IsolationSpecs();
[[nodiscard]] std::vector<FieldSpec> WindowSpecs();
[[nodiscard]] std::vector<FieldSpec> ApprovalSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Meet>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Guard>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Threshold>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Output>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Approval>& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, Isolation& out);
void Read(Loader& loader, const FieldSpec& spec, const Node& node, TimeWindow& out);

// ---- load_trigger.cc
[[nodiscard]] std::vector<FieldSpec> TriggerSpecs();
[[nodiscard]] std::vector<FieldSpec> TriggerDefinitionSpecs();
void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Trigger>& out);
// A definition of kind Trigger; `others` are the envelope's keys, for the nearest one.
void ReadTriggerDefinition(Loader& loader, const Node& document,
                           const std::vector<std::string>& others, TriggerDefinition& out);

// ---- load_patrol.cc
[[nodiscard]] std::vector<FieldSpec> PatrolSpecs();
[[nodiscard]] std::vector<FieldSpec> PatrolScenarioSpecs();
[[nodiscard]] std::vector<FieldSpec> WorkerSpecs();
[[nodiscard]] std::vector<FieldSpec> VerdictSpecs();
[[nodiscard]] std::vector<FieldSpec> PatrolRetrySpecs();
[[nodiscard]] std::vector<FieldSpec> FlapSpecs();
[[nodiscard]] std::vector<FieldSpec> RaiseSpecs();
[[nodiscard]] std::vector<FieldSpec> EvidenceSpecs();
void ReadPatrol(Loader& loader, const Node& document, const std::vector<std::string>& others,
                Patrol& out);

// ---- load_environment.cc
[[nodiscard]] std::vector<FieldSpec> EnvironmentSpecs();
[[nodiscard]] std::vector<FieldSpec> SecretSpecs();
[[nodiscard]] std::vector<FieldSpec> EntrySpecs();
void ReadEnvironment(Loader& loader, const Node& document, const std::vector<std::string>& others,
                     Environment& out);

// ---- load_definitions.cc
[[nodiscard]] std::vector<FieldSpec> EnvelopeSpecs();
[[nodiscard]] std::vector<FieldSpec> ScenarioSpecs();
[[nodiscard]] std::vector<FieldSpec> ComponentSpecs();
[[nodiscard]] std::vector<FieldSpec> DrillSpecs();

// ---- check_with.cc
// Checks a map of arguments against parameters: unknown names, missing ones, literals of the wrong
// type or out of bounds. `what` is whose ("http.request"); `at` is blamed for what is missing.
void CheckArguments(Loader& loader, const Node& arguments, const Node& at, std::string_view what,
                    const std::vector<FieldSpec>& params);
void CheckArgument(Loader& loader, const Node& value, const FieldSpec& param);

}  // namespace ronda::model
