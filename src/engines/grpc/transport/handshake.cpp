// SPDX-License-Identifier: Apache-2.0
#include "engines/grpc/transport/handshake.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "core/listen.hpp"
#include "engines/network/openssl.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::grpc {
namespace {

using network::Bytes;
using network::Certificate;
using network::Free;
using network::Key;
using Deadline = std::chrono::steady_clock::time_point;

constexpr std::size_t kMostNames = 8;

bool becomes(int fd, short ready, Deadline until) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd waited{.fd = fd, .events = ready, .revents = 0};
    const int found = poll(&waited, 1, static_cast<int>(left));
    if (found >= 0 || errno != EINTR) return found > 0;
  }
}

std::optional<Socket> connect_to(const std::string& host, const std::string& port, Deadline until) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, &freeaddrinfo);
  for (const addrinfo* at = found; at; at = at->ai_next) {
    Socket socket(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol));
    if (socket.fd() < 0) continue;
    int error = connect(socket.fd(), at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    socklen_t size = sizeof error;
    if (error == EINPROGRESS && becomes(socket.fd(), POLLOUT, until))
      getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return socket;
  }
  return std::nullopt;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// For whom a certificate is.
std::string names_in(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()) && names.size() < kMostNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char* data = ASN1_STRING_get0_data(value);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (name->type == GEN_DNS)
      names.push_back(one_line({reinterpret_cast<const char*>(data), size}, 100));
    else if ((size == 4 || size == 16) && inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text.data(), text.size()))
      names.emplace_back(text.data());
  }
  return names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "));
}

// A handshake, and the first byte after it. What is sent and received goes through memory: a peer that closes is no
// signal.
class Handshake {
 public:
  enum class End { done, closed, silent, failed };

  Handshake(const network::Credentials& credentials, const std::string& host, Socket socket, Deadline until)
      : socket_(std::move(socket)), until_(until), context_(SSL_CTX_new(TLS_client_method())) {
    if (!context_) return;
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);  // it goes on, and says what it has found
    trust(credentials.authority);
    ssl_.reset(SSL_new(context_.get()));
    if (!ssl_) return;
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);  // which owns them
    constexpr std::array<unsigned char, 3> kHttp2 = {2, 'h', '2'};
    SSL_set_alpn_protos(ssl_.get(), kHttp2.data(), kHttp2.size());
    if (is_address(host)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str());
    } else {
      SSL_set1_host(ssl_.get(), host.c_str());
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
    }
    show(credentials);
    SSL_set_cert_cb(
        ssl_.get(),
        [](SSL*, void* self) {
          static_cast<Handshake*>(self)->asked_ = true;
          return 1;
        },
        this);
  }

  bool is_ready() const { return ssl_ && in_ && out_; }
  End shake() {
    return complete([this] { return SSL_connect(ssl_.get()); });
  }
  End read_something() {
    return complete([this] {
      char byte = 0;
      return SSL_read(ssl_.get(), &byte, 1);
    });
  }
  /// Did the peer ask for a certificate?
  bool asked() const { return asked_; }
  const X509* own() const { return SSL_get_certificate(ssl_.get()); }
  const X509* peer() const { return SSL_get0_peer_certificate(ssl_.get()); }
  long verdict() const { return SSL_get_verify_result(ssl_.get()); }
  /// What the library says of its last failure.
  unsigned long failure() const { return failure_; }

 private:
  void trust(const std::string& authority) {
    if (authority.empty()) {
      SSL_CTX_set_default_verify_paths(context_.get());
      return;
    }
    const Bytes text = network::bytes_of(authority);
    while (const Certificate each{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)})
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), each.get());
  }
  void show(const network::Credentials& credentials) {
    if (credentials.certificate.empty()) return;
    const Bytes text = network::bytes_of(credentials.certificate);
    const Certificate first(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    const Key key(
        PEM_read_bio_PrivateKey(network::bytes_of(credentials.key).get(), nullptr, nullptr, const_cast<char*>("")));
    if (!first || !key) return;
    SSL_use_certificate(ssl_.get(), first.get());
    SSL_use_PrivateKey(ssl_.get(), key.get());
    while (const Certificate next{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)})
      SSL_add1_chain_cert(ssl_.get(), next.get());
  }

  template <class Step>
  End complete(const Step& step) {
    for (;;) {
      ERR_clear_error();
      const int result = step();
      const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
      failure_ = ERR_peek_last_error();
      ERR_clear_error();
      flush();
      if (error == SSL_ERROR_NONE) return End::done;
      if (error == SSL_ERROR_ZERO_RETURN) return End::closed;
      if (error != SSL_ERROR_WANT_READ) return End::failed;
      if (!becomes(socket_.fd(), POLLIN, until_)) return End::silent;
      std::array<char, 4096> bytes{};
      const ssize_t count = recv(socket_.fd(), bytes.data(), bytes.size(), 0);
      if (count <= 0) return End::closed;
      BIO_write(in_, bytes.data(), static_cast<int>(count));
    }
  }
  void flush() {
    std::array<char, 4096> bytes{};
    for (int count; (count = BIO_read(out_, bytes.data(), bytes.size())) > 0;)
      for (int sent = 0; sent < count;) {
        const ssize_t now =
            send(socket_.fd(), bytes.data() + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
        if (now < 0 && !(errno == EAGAIN && becomes(socket_.fd(), POLLOUT, until_))) return;  // it is read first
        sent += static_cast<int>(std::max<ssize_t>(now, 0));
      }
  }

  Socket socket_;
  const Deadline until_;
  std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Free<SSL_free>> ssl_;
  BIO *in_ = nullptr, *out_ = nullptr;
  bool asked_ = false;
  unsigned long failure_ = 0;
};

std::string of_their_certificate(const Handshake& handshake, const std::string& host) {
  const X509* certificate = handshake.peer();
  switch (handshake.verdict()) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format(
          "its certificate is for {}, not for {}: connect by a name in it, or have one made for this name",
          certificate ? names_in(certificate) : "others", one_line(host, 100));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("its certificate, or its authority's, has expired{}: the coordinator needs a new one",
                         certificate ? " (its own is valid until " + network::end_of(certificate) + ")" : "");
    default:
      return fmt::format(
          "its certificate is not signed by the authority that is trusted here ({}): who runs the coordinator has the "
          "certificate of the right one",
          X509_verify_cert_error_string(handshake.verdict()));
  }
}

std::string of_our_certificate(const Handshake& handshake) {
  const X509* own = handshake.own();
  if (!own) return "it asks for a certificate, and none was given";
  if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0)
    return fmt::format("the certificate that was given to it was valid until {}: a new one is needed",
                       network::end_of(own));
  return "it does not accept the certificate that was given to it: another authority has signed it, or it is not yet "
         "valid there";
}

std::string why_no_trust(Handshake& handshake, const std::string& host) {
  using End = Handshake::End;
  const End shaken = handshake.shake();
  if (handshake.verdict() != X509_V_OK && handshake.peer()) return of_their_certificate(handshake, host);
  if (shaken == End::silent) return "";
  if (shaken == End::done) {  // of the newest kind, in which the peer looks at our certificate afterwards
    const End read = handshake.read_something();
    return (read == End::closed || read == End::failed) && handshake.asked() ? of_our_certificate(handshake) : "";
  }
  if (handshake.asked()) return of_our_certificate(handshake);
  if (shaken == End::closed) return "";
  if (ERR_GET_LIB(handshake.failure()) == ERR_LIB_SSL &&
      ERR_GET_REASON(handshake.failure()) == SSL_R_WRONG_VERSION_NUMBER)
    return "it does not encrypt, and an encrypted connection was asked for";
  const char* reason = ERR_reason_error_string(handshake.failure());
  return fmt::format("no encrypted connection comes about: {}", reason ? reason : "for no known reason");
}

}  // namespace

std::string explain(const network::ClientOptions& options, std::chrono::milliseconds timeout) {
  if (options.address.starts_with("unix:")) return "";
  const Deadline until = std::chrono::steady_clock::now() + timeout;
  const std::size_t colon = options.address.rfind(':');
  std::string host = options.address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::optional<Socket> socket = connect_to(host, options.address.substr(colon + 1), until);
  if (!socket) return "";
  Handshake handshake(options.credentials, host, std::move(*socket), until);
  if (!handshake.is_ready()) return "";
  if (options.credentials.encrypted()) return why_no_trust(handshake, host);
  return handshake.shake() == Handshake::End::done || handshake.peer()
             ? "it encrypts: the certificate of its authority is needed here"
             : "";
}

}  // namespace tardigrad::grpc
