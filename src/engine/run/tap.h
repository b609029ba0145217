#pragma once

#include <cstdint>

#include "engine/run/spans.h"
#include "stats/aggregator.h"
#include "stats/samples.h"

namespace ronda::engine {

// What leaves a run while it goes on: samples, spans, metrics. Borrowed by the run; calls belong to
// Execute's thread.
class RunTap {
 public:
  virtual ~RunTap() = default;
  // Where the spans and samples of a reactor thread go; asked before that thread starts, used on it,
  // and no longer used when OnEnd is called. Null: they are not wanted.
  [[nodiscard]] virtual SpanSink* Spans(std::uint32_t thread) = 0;
  [[nodiscard]] virtual stats::SampleChannel* Samples(std::uint32_t thread) = 0;
  // Once: every thread has been asked for, and they start now.
  virtual void OnStart() = 0;
  // About ten times a second. `load` is null before the load began.
  virtual void OnTick(const stats::Aggregator* load) = 0;
  // Once: every reactor thread has ended, and `load` is whole.
  virtual void OnEnd(const stats::Aggregator& load) = 0;
};

}  // namespace ronda::engine
