#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "base/log.h"
#include "http/server.h"
#include "wire/worker/tls_files.h"

namespace ronda::apps {

struct ControlPlaneOptions {
  std::string folder;  // who this server is; the embedded database
  std::string database_url;  // empty: the embedded one
  http::ServerOptions api;
  std::string workers_address = "127.0.0.1";
  std::uint16_t workers_port = 0;  // 0: a free one
  wire::worker::TlsFiles workers_tls = {};
};

// API, control thread and the port for workers over one database: what `ronda server` and `ronda up` have
// in common.
class ControlPlane {
 public:
  // Opens and migrates the database, takes in workers and requests. FailedPrecondition for a database that
  // is newer than this binary; Unavailable when it cannot be reached or a port is taken.
  [[nodiscard]] static base::Result<std::unique_ptr<ControlPlane>> Start(
      const ControlPlaneOptions& options, const base::Clock& clock, base::Log& log);
  virtual ~ControlPlane() = default;

  [[nodiscard]] virtual std::string url() const = 0;  // of the API
  [[nodiscard]] virtual std::uint16_t workers_port() const = 0;
  // Of the first admin, if this start made him; it is not shown again.
  [[nodiscard]] virtual const std::string& first_token() const = 0;
  // Gives the lead back and ends. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace ronda::apps
