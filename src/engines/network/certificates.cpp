// SPDX-License-Identifier: Apache-2.0
#include "engines/network/certificates.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

#include "engines/network/openssl.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::network {
namespace {

using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

constexpr long kDay = 24 * 3600;

void require(bool holds, const char* what) {
  if (!holds) throw Error(fmt::format("certificates: {} failed", what));
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "making a key");
  return key;
}

void set_name(X509_NAME* subject, const std::string& name) {
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<int>(name.size()), -1, 0) == 1,
          "writing a name");
}

Certificate make_certificate(EVP_PKEY* key, const std::string& name, long days) {
  Certificate certificate(X509_new());
  require(certificate != nullptr, "making a certificate");
  std::array<unsigned char, 16> serial{};
  require(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1, "drawing a number");
  serial[0] &= 0x7F;
  const std::unique_ptr<BIGNUM, Free<BN_free>> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())), "writing a number");
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * kDay);
  X509_set_pubkey(certificate.get(), key);
  set_name(X509_get_subject_name(certificate.get()), name);
  return certificate;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "writing what a certificate is for");
}

std::string text_of(BIO* bytes) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bytes, &data);
  return {data, static_cast<std::size_t>(size)};
}

Certified in_pem(X509* certificate, EVP_PKEY* key) {
  const Bytes first(BIO_new(BIO_s_mem())), second(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(first.get(), certificate) == 1 &&
              PEM_write_bio_PrivateKey(second.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "writing PEM");
  return {.certificate = text_of(first.get()), .key = text_of(second.get())};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

Certified make_authority(const std::string& name) {
  const Key key = make_key();
  const Certificate certificate = make_certificate(key.get(), name, 3650);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  extend(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "signing");
  return in_pem(certificate.get(), key.get());
}

Certified certify(const Certified& authority, const std::string& name, const std::vector<std::string>& hosts,
                  bool expired) {
  const Certificate issuer(PEM_read_bio_X509(bytes_of(authority.certificate).get(), nullptr, nullptr, nullptr));
  const Key issuer_key(PEM_read_bio_PrivateKey(bytes_of(authority.key).get(), nullptr, nullptr, nullptr));
  if (!issuer || !issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1)
    throw Error("certificates: the authority is no certificate with its key");
  const Key key = make_key();
  const Certificate certificate = make_certificate(key.get(), name, expired ? 0 : 730);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  extend(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(certificate.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  extend(certificate.get(), issuer.get(), NID_ext_key_usage, hosts.empty() ? "clientAuth" : "serverAuth");
  extend(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid");
  std::string names;
  for (const std::string& host : hosts) {
    if (host.find_first_of(",:= ") != std::string::npos && !is_address(host))
      throw Error(fmt::format("certificates: `{}` is neither a host's name nor its address", one_line(host)));
    names += fmt::format("{}{}:{}", names.empty() ? "" : ",", is_address(host) ? "IP" : "DNS", host);
  }
  if (!names.empty()) extend(certificate.get(), issuer.get(), NID_subject_alt_name, names);
  require(X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0, "signing");
  return in_pem(certificate.get(), key.get());
}

void check_pair(const std::string& certificate, const std::string& key, const std::string& of) {
  const Certificate first(PEM_read_bio_X509(bytes_of(certificate).get(), nullptr, nullptr, nullptr));
  const Key its(PEM_read_bio_PrivateKey(bytes_of(key).get(), nullptr, nullptr, const_cast<char*>("")));
  const bool fits = first && its && X509_check_private_key(first.get(), its.get()) == 1;
  ERR_clear_error();
  if (!first) throw Error(fmt::format("{}: the first is no certificate in PEM", of));
  if (!its) throw Error(fmt::format("{}: the second is no private key in PEM without a password", of));
  if (!fits) throw Error(fmt::format("{}: the key is not that of the certificate", of));
  if (X509_cmp_current_time(X509_get0_notAfter(first.get())) < 0)
    throw Error(fmt::format("{}: the certificate was valid until {}: a new one is needed", of, end_of(first.get())));
}

void check_authority(const std::string& certificates, const std::string& of) {
  const Certificate first(PEM_read_bio_X509(bytes_of(certificates).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!first) throw Error(fmt::format("{}: is no certificate in PEM", of));
}

std::string end_of(const X509* certificate) {
  std::tm time{};
  std::array<char, 32> text{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return "a time that cannot be read";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &time)};
}

}  // namespace tardigrad::network
