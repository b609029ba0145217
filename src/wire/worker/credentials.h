#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "base/core/status.h"
#include "wire/worker/tls_files.h"

// What both sides of the stream have in common; private to the room.
namespace ronda::wire::worker {

// InvalidArgument when a file cannot be read, or only one of certificate and key is given.
[[nodiscard]] base::Result<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(
    const TlsFiles& tls);
[[nodiscard]] base::Result<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentialsOf(
    const TlsFiles& tls);

// The same code and message; both enums have gRPC's canonical codes.
[[nodiscard]] base::Status FromGrpc(const grpc::Status& status);
[[nodiscard]] grpc::Status ToGrpc(const base::Status& status);

}  // namespace ronda::wire::worker
