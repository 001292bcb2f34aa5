// SPDX-License-Identifier: Apache-2.0
// What a worker is told where certificates keep it out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "core/listen.hpp"
#include "engines/grpc/transport.hpp"
#include "engines/network/certificates.hpp"

namespace tardigrad::network {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Nobody final : public ServerEvents {
 public:
  void connected(ConnectionId, const Peer&) override {}
  void received(ConnectionId, wire::Message) override {}
  void malformed(ConnectionId, const char*) override {}
  void disconnected(ConnectionId) override {}
  bool may_see_offer(const Peer&) override { return true; }
  std::string status() override { return ""; }
};

class Handshakes : public testing::Test {
 protected:
  static Credentials of(const Certified& certified, const std::string& authority = "") {
    return {.authority = authority, .certificate = certified.certificate, .key = certified.key};
  }
  /// What comes of a first contact: the offer, or why there is none.
  std::string meet(const Credentials& server, const Credentials& client) {
    const std::unique_ptr<Server> serving =
        grpc::transport().serve({.address = "127.0.0.1:0", .credentials = server, .offer = "welcome"}, events_);
    try {
      return grpc::transport().fetch_offer({.address = serving->address(), .credentials = client},
                                           std::chrono::seconds(20));
    } catch (const HandshakeError& error) {
      EXPECT_THAT(error.what(), StartsWith(serving->address() + ": "));
      return error.what();
    }
  }
  Nobody events_;
  const Certified ours_ = make_authority("ours"), theirs_ = make_authority("theirs");
  const std::string here_ = "127.0.0.1";
  const Credentials server_ = of(certify(ours_, here_, {here_}), ours_.certificate);
  const Credentials anna_ = of(certify(ours_, "anna", {}), ours_.certificate);
};

TEST_F(Handshakes, WhoHasTheRightCertificateIsWelcome) { EXPECT_EQ(meet(server_, anna_), "welcome"); }

TEST_F(Handshakes, AnotherAuthority) {
  EXPECT_THAT(meet(of(certify(theirs_, here_, {here_})), {.authority = ours_.certificate}),
              HasSubstr("is not signed by the authority that is trusted here ("));
  const Certified same_name = make_authority("ours");
  EXPECT_THAT(meet(of(certify(same_name, here_, {here_})), {.authority = ours_.certificate}),
              HasSubstr("is not signed by the authority that is trusted here"));
}

TEST_F(Handshakes, AnotherName) {
  EXPECT_THAT(meet(of(certify(ours_, "far", {"far.example", "10.1.2.3"})), {.authority = ours_.certificate}),
              HasSubstr("its certificate is for far.example, 10.1.2.3, not for 127.0.0.1"));
}

TEST_F(Handshakes, AnExpiredServer) {
  EXPECT_THAT(meet(of(certify(ours_, here_, {here_}, /*expired=*/true)), {.authority = ours_.certificate}),
              testing::ContainsRegex("has expired \\(its own is valid until [0-9-]+ [0-9:]+ UTC\\)"));
}

TEST_F(Handshakes, AWorkersCertificate) {
  EXPECT_THAT(meet(server_, {.authority = ours_.certificate}), HasSubstr("asks for a certificate, and none was given"));
  EXPECT_THAT(meet(server_, of(certify(theirs_, "anna", {}), ours_.certificate)),
              HasSubstr("does not accept the certificate that was given to it"));
  EXPECT_THAT(meet(server_, of(certify(ours_, "anna", {}, /*expired=*/true), ours_.certificate)),
              HasSubstr("the certificate that was given to it was valid until"));
}

TEST_F(Handshakes, PlainTextAndNone) {
  EXPECT_THAT(meet(server_, {}), HasSubstr("it encrypts: the certificate of its authority is needed here"));
  EXPECT_THAT(meet(of(certify(ours_, here_, {here_})), {}), HasSubstr("it encrypts"));
  EXPECT_THAT(meet({}, anna_), HasSubstr("it does not encrypt"));
}

// Nobody there, and somebody who never answers: no matter of certificates.
TEST_F(Handshakes, WhatIsNoMatterOfTrustIsNotExplained) {
  const auto explained = [&](int port) {
    return grpc::transport().explain({.address = "127.0.0.1:" + std::to_string(port), .credentials = anna_},
                                     std::chrono::milliseconds(100));
  };
  int port = 0;
  {
    const Socket silent = listen_at("here", here_, "0", 1);
    sockaddr_in at{};
    socklen_t size = sizeof at;
    ASSERT_EQ(getsockname(silent.fd(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    port = ntohs(at.sin_port);
    EXPECT_EQ(explained(port), "");
  }
  EXPECT_EQ(explained(port), "");
  EXPECT_EQ(grpc::transport().explain({.address = "unix:/nowhere"}, std::chrono::milliseconds(100)), "");
}

TEST(Certificates, WhatHasExpiredOrIsNoneIsRefusedBeforeItIsUsed) {
  const Certified ours = make_authority("ours");
  const Certified expired = certify(ours, "anna", {}, /*expired=*/true);
  EXPECT_THROW(check_pair(expired.certificate, expired.key, "anna"), Error);
  EXPECT_THROW(check_authority(ours.key, "ca"), Error);
  check_authority("# a remark\n" + ours.certificate, "ca");
}

}  // namespace
}  // namespace tardigrad::network
