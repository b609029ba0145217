#pragma once

#include "api/audit.h"
#include "api/router.h"
#include "base/core/clock.h"
#include "control/controller.h"
#include "control/event_bus.h"
#include "control/library.h"
#include "store/database.h"

namespace ronda::api {

// What the routes of the control plane stand on. Borrowed; outlives the router.
struct ControlParts {
  control::Library* library;
  control::Controller* controller;
  control::EventBus* events;
  store::Database* database;
  const base::Clock* clock;
  control::SecretsOf secrets;
};

// /api/v1/apply, /api/v1/definitions
void AddDefinitionRoutes(const ControlParts& parts, Router& router);
// /api/v1/runs, /api/v1/gates
void AddRunRoutes(const ControlParts& parts, Router& router);
// /api/v1/patrols, /api/v1/events, /api/v1/quiet-times
void AddPatrolRoutes(const ControlParts& parts, Router& router);
// /api/v1/workers, /api/v1/stream
void AddFleetRoutes(const ControlParts& parts, Router& router);

}  // namespace ronda::api
