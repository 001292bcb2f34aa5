// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "engines/network/transport.hpp"

namespace tardigrad::grpc {

std::shared_ptr<::grpc::ServerCredentials> server_credentials(const network::Credentials& credentials);
std::shared_ptr<::grpc::ChannelCredentials> client_credentials(const network::Credentials& credentials);

}  // namespace tardigrad::grpc
