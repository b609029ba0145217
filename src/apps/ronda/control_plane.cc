#include "apps/ronda/control_plane.h"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <utility>

#include "api/account_routes.h"
#include "api/audit.h"
#include "api/authentication.h"
#include "api/control_routes.h"
#include "api/health.h"
#include "api/idempotency.h"
#include "api/router.h"
#include "api/secrets.h"
#include "base/file.h"
#include "control/controller.h"
#include "control/event_bus.h"
#include "control/library.h"
#include "store/audit.h"
#include "store/database.h"
#include "store/migrations.h"
#include "wire/worker/hub.h"

namespace ronda::apps {
namespace {

namespace worker = wire::worker;

// Between the streams of workers and the control thread.
class WorkerDoor : public worker::HubEvents, public control::WorkerPort {
 public:
  void Bind(control::Controller* controller, worker::Hub* hub) {
    controller_ = controller;
    hub_ = hub;
  }
  void OnAttach(worker::Session, const worker::Peer&) override {}
  void OnMessage(worker::Session session, worker::FromWorker message) override {
    controller_->OnWorkerMessage(session, std::move(message));
  }
  void OnDetach(worker::Session session, const base::Status&) override {
    controller_->OnWorkerGone(session);
  }
  void Send(control::SessionId session, const worker::ToWorker& message) override {
    hub_->Send(session, message);
  }
  void Close(control::SessionId session) override {
    hub_->Close(session, base::Unavailable("attach to the server that leads"));
  }

 private:
  control::Controller* controller_ = nullptr;
  worker::Hub* hub_ = nullptr;
};

// Who this server is, over restarts.
base::Result<std::string> ServerId(const std::string& folder) {
  const std::string path = folder + "/server-id";
  if (const auto read = base::ReadFile(path); read.ok() && !read->empty()) return *read;
  const std::string id = api::NewId();
  RETURN_IF_ERROR(base::WritePrivateFile(path, id));
  return id;
}

// An environment's secrets from this process's variables and files.
base::Result<std::map<std::string, std::string>> SecretsOf(const model::Definition& definition) {
  std::map<std::string, std::string> values;
  const auto* environment = definition.As<model::Environment>();
  if (environment == nullptr) return values;
  for (const model::SecretSource& secret : environment->secrets) {
    if (!secret.env.empty()) {
      const char* value = std::getenv(secret.env.c_str());
      if (value == nullptr) {
        return base::FailedPrecondition("secret " + secret.name + ": the server's variable " +
                                        secret.env + " is not set");
      }
      values[secret.name] = value;
      continue;
    }
    if (secret.file.empty()) {
      return base::Unimplemented("secret " + secret.name +
                                 ": the server does not keep secrets yet; use env or file");
    }
    ASSIGN_OR_RETURN(std::string text, base::ReadFile(secret.file));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    values[secret.name] = std::move(text);
  }
  return values;
}

// A worker's token is one that may change the fleet.
base::Status MayAttach(api::Authentication& authentication, std::string_view token) {
  http::Request request;
  request.headers.emplace_back("Authorization", "Bearer " + std::string(token));
  ASSIGN_OR_RETURN(const api::Principal who, authentication.Authenticate(request));
  return api::CheckAccess(who, {api::Role::kOperator, api::Area::kFleet}, api::Effect::kWrite);
}

class Plane : public ControlPlane {
 public:
  Plane(const base::Clock& clock, base::Log& log) : clock_(clock), log_(log) {}
  ~Plane() override { Plane::Stop(); }

  base::Status Begin(const ControlPlaneOptions& options) {
    std::error_code failed;
    std::filesystem::create_directories(options.folder, failed);
    if (failed) return base::FailedPrecondition(options.folder + ": " + failed.message());
    ASSIGN_OR_RETURN(const std::string id, ServerId(options.folder));
    ASSIGN_OR_RETURN(database_, store::Database::Open(options.database_url.empty()
                                                          ? "sqlite:" + options.folder + "/ronda.db"
                                                          : options.database_url));
    RETURN_IF_ERROR(store::Migrate(*database_, clock_.WallNs()));
    library_ = std::make_unique<control::Library>(*database_, clock_);
    library_->set_audit([this](store::Transaction& t, const control::Actor& actor,
                               const control::Library::Changed& changed) {
      return store::AppendAudit(t, {.at_ns = static_cast<std::int64_t>(clock_.WallNs()),
                                    .who = actor.name,
                                    .action = "definition." + changed.action,
                                    .object = control::PathOf(changed.kind, changed.name),
                                    .before_digest = changed.before_digest,
                                    .after_digest = changed.after_digest});
    });
    authentication_ = std::make_unique<api::Authentication>(*database_, clock_);
    ASSIGN_OR_RETURN(const auto first, authentication_->MakeFirstAdmin());
    if (first) first_token_ = *first;
    if (!options.api.tls.certificate_file.empty()) secure_ = api::SecureCookies::kYes;
    RETURN_IF_ERROR(StartApi(options));
    controller_ = std::make_unique<control::Controller>(
        control::Controller::Options{.server_id = id, .address = api_->url()},
        control::Controller::Parts{.database = database_.get(),
                                   .library = library_.get(),
                                   .events = &events_,
                                   .clock = &clock_,
                                   .log = &log_,
                                   .secrets = SecretsOf});
    ASSIGN_OR_RETURN(hub_, worker::Hub::Start({.address = options.workers_address,
                                               .port = options.workers_port,
                                               .tls = options.workers_tls,
                                               .authorise =
                                                   [this](std::string_view token) {
                                                     return MayAttach(*authentication_, token);
                                                   }},
                                              door_));
    door_.Bind(controller_.get(), hub_.get());
    controller_->set_port(&door_);
    AddRoutes();
    controller_->Start();
    open_ = true;
    return base::Ok();
  }

  [[nodiscard]] std::string url() const override { return api_->url(); }
  [[nodiscard]] std::uint16_t workers_port() const override { return hub_->port(); }
  [[nodiscard]] const std::string& first_token() const override { return first_token_; }

  void Stop() override {
    open_ = false;
    if (api_ != nullptr) api_->Stop();
    if (hub_ != nullptr) hub_->Stop();
    if (controller_ != nullptr) controller_->Stop();
  }

 private:
  base::Status StartApi(const ControlPlaneOptions& options) {
    idempotency_ = std::make_unique<api::IdempotencyInMemory>(clock_);
    router_ = std::make_unique<api::Router>(api::RouterOptions{
        .authenticator = authentication_.get(), .idempotency = idempotency_.get()});
    ASSIGN_OR_RETURN(api_,
                     http::Server::Start(
                         options.api,
                         [this](const http::Request& request, const http::Reply& reply) {
                           if (open_) return reply(router_->Handle(request));
                           reply(api::ErrorResponse(
                               request, base::Unavailable("the server is starting or ending")));
                         },
                         api::RefuseAsError));
    return base::Ok();
  }

  void AddRoutes() {
    const api::ControlParts parts{.library = library_.get(),
                                  .controller = controller_.get(),
                                  .events = &events_,
                                  .database = database_.get(),
                                  .clock = &clock_,
                                  .secrets = SecretsOf};
    api::AddDefinitionRoutes(parts, *router_);
    api::AddRunRoutes(parts, *router_);
    api::AddPatrolRoutes(parts, *router_);
    api::AddFleetRoutes(parts, *router_);
    accounts_ = std::make_unique<api::AccountRoutes>(*database_, *authentication_, clock_, secure_);
    accounts_->AddTo(*router_);
    audit_ = std::make_unique<api::AuditRoutes>(*database_);
    audit_->AddTo(*router_);
    health_.Add({.name = "control", .check = [this] {
                   const std::string trouble = controller_->standing().trouble;
                   return trouble.empty() ? base::Ok() : base::Unavailable(trouble);
                 }});
    health_.Add([this](api::MetricsPage& page) {
      const control::Controller::Standing standing = controller_->standing();
      page.Family("ronda_control_leading", api::MetricsPage::Type::kGauge,
                  "1 while this server plans and dispatches.");
      page.Value(standing.leading ? 1 : 0);
      page.Family("ronda_control_commits_total", api::MetricsPage::Type::kCounter,
                  "Transactions of the control thread.");
      page.Value(static_cast<double>(standing.commits));
    });
    health_.AddTo(*router_);
  }

  const base::Clock& clock_;
  base::Log& log_;
  std::string first_token_;
  std::unique_ptr<store::Database> database_;
  control::EventBus events_;
  WorkerDoor door_;
  std::unique_ptr<control::Library> library_;
  std::unique_ptr<api::Authentication> authentication_;
  std::unique_ptr<api::Idempotency> idempotency_;
  std::unique_ptr<api::Router> router_;
  std::unique_ptr<api::AccountRoutes> accounts_;
  std::unique_ptr<api::AuditRoutes> audit_;
  api::HealthRoutes health_;
  api::SecureCookies secure_ = api::SecureCookies::kNo;
  std::unique_ptr<control::Controller> controller_;
  std::unique_ptr<worker::Hub> hub_;
  std::unique_ptr<http::Server> api_;
  std::atomic<bool> open_{false};
};

}  // namespace

base::Result<std::unique_ptr<ControlPlane>> ControlPlane::Start(const ControlPlaneOptions& options,
                                                                const base::Clock& clock,
                                                                base::Log& log) {
  auto plane = std::make_unique<Plane>(clock, log);
  RETURN_IF_ERROR(plane->Begin(options));
  return std::unique_ptr<ControlPlane>(std::move(plane));
}

}  // namespace ronda::apps
