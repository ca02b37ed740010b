// SPDX-License-Identifier: GPL-3.0-or-later
// Reads files of certificates and private keys in PEM form.
//
// Also owns the configuration key `ca_file`. Called by the kinds that use TLS, when the configuration is
// read, before the lock, so that the content stays valid when the file is replaced. A problem never quotes a
// file.
#pragma once

#include <filesystem>
#include <string>

#include "common/config/keys.h"

namespace smsd::net {

enum class PemOf { authority, certificate, key };
struct PemRead {
  std::string text;
  std::string problem;  // empty when the file was read
  enum class Opened { yes, no } opened = Opened::yes;
};
/// Returns the path of the file `named` in the configuration. A relative path is relative to the folder of
/// the configuration, as with every `*_file` key, so that systemd credentials in the same folder are found.
std::filesystem::path fileOf(const config::Keys& keys, const std::filesystem::path& named);
/// Reads the file `path`. A private key that other users may access is a problem.
PemRead readPem(const std::filesystem::path& path, PemOf what);

/// The certificate authorities that the server's certificate must be signed by.
class Authorities {
 public:
  void declare(config::Keys& keys);
  /// Returns the certificates in PEM form. Empty: those of the system are used.
  const std::string& text() const { return text_; }

 private:
  std::filesystem::path file_;
  std::string text_;
};

}  // namespace smsd::net
