// SPDX-License-Identifier: Apache-2.0
//
// An authority and certificates signed by it, in a folder that is removed with the object.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "transport/config.h"

namespace netbinder {

class TestCertificates {
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

 public:
  TestCertificates() : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), ca_(nullptr, &X509_free) {
    std::string pattern = std::filesystem::temp_directory_path() / "nb-certificates-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    ca_ = sign("authority", key_.get(), NID_basic_constraints, "critical,CA:TRUE");
    write("ca.pem", [&](FILE* file) { return PEM_write_X509(file, ca_.get()); });
  }
  ~TestCertificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  // A certificate for a host of this name.
  TlsConfig issue(const std::string& name) {
    const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const Certificate certificate = sign(name, key.get(), NID_subject_alt_name, "DNS:" + name);
    write(name + ".pem", [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
    write(name + ".key", [&](FILE* file) {
      return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return {.certificate = folder_ / (name + ".pem"),
            .key = folder_ / (name + ".key"),
            .ca = folder_ / "ca.pem"};
  }

  // Writes the list of revoked certificates anew, with these: each the file of one.
  std::string revoke(const std::vector<std::string>& certificates, long next_s = 3600) {
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), &X509_CRL_free);
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(ca_.get()));
    ASN1_TIME* const since = X509_gmtime_adj(nullptr, -3600);
    ASN1_TIME* const next = X509_gmtime_adj(nullptr, next_s);
    X509_CRL_set1_lastUpdate(list.get(), since);
    X509_CRL_set1_nextUpdate(list.get(), next);
    for (const std::string& file : certificates) {
      const std::unique_ptr<FILE, int (*)(FILE*)> pem(std::fopen(file.c_str(), "r"), &std::fclose);
      const Certificate certificate(PEM_read_X509(pem.get(), nullptr, nullptr, nullptr), &X509_free);
      X509_REVOKED* const entry = X509_REVOKED_new();
      X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
      X509_REVOKED_set_revocationDate(entry, since);
      X509_CRL_add0_revoked(list.get(), entry);
    }
    ASN1_TIME_free(since);
    ASN1_TIME_free(next);
    X509_CRL_sort(list.get());
    X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
    write("crl.pem", [&](FILE* file) { return PEM_write_X509_CRL(file, list.get()); });
    return folder_ / "crl.pem";
  }

 private:
  Certificate sign(const std::string& name, EVP_PKEY* key, int extension,
                   const std::string& value) {
    Certificate certificate(X509_new(), &X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), ca_ ? X509_get_subject_name(ca_.get()) : subject);
    X509_EXTENSION* const added = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str());
    X509_add_ext(certificate.get(), added, -1);
    X509_EXTENSION_free(added);
    if (X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) {
      throw std::runtime_error("cannot sign a certificate");
    }
    return certificate;
  }

  template <typename Write>
  void write(const std::string& name, Write write_pem) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen((folder_ / name).c_str(), "w"),
                                                     &std::fclose);
    if (!file || write_pem(file.get()) != 1) throw std::runtime_error("cannot write " + name);
  }

  std::filesystem::path folder_;
  Key key_;
  Certificate ca_;
  long serial_ = 0;
};

}  // namespace netbinder
