// SPDX-License-Identifier: Apache-2.0
#include "engines/grpc/transport/credentials.hpp"

#include <grpcpp/grpcpp.h>

namespace tardigrad::grpc {

std::shared_ptr<::grpc::ServerCredentials> server_credentials(const network::Credentials& credentials) {
  if (!credentials.encrypted()) return ::grpc::InsecureServerCredentials();
  ::grpc::SslServerCredentialsOptions options(credentials.authority.empty()
                                                  ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                  : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = credentials.authority;
  options.pem_key_cert_pairs.push_back({credentials.key, credentials.certificate});
  return ::grpc::SslServerCredentials(options);
}

std::shared_ptr<::grpc::ChannelCredentials> client_credentials(const network::Credentials& credentials) {
  if (!credentials.encrypted()) return ::grpc::InsecureChannelCredentials();
  return ::grpc::SslCredentials({.pem_root_certs = credentials.authority,
                                 .pem_private_key = credentials.key,
                                 .pem_cert_chain = credentials.certificate});
}

}  // namespace tardigrad::grpc
