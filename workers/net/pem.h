// Files of certificates and keys.
//
// Owns how they are read and the key `ca_file`. Called by the kinds that speak TLS, when the configuration is
// read, before the lock: what was read stays good when the file is replaced. A problem never quotes a file.
#pragma once

#include <filesystem>
#include <string>

#include "common/config/keys.h"

namespace smsd::net {

enum class PemOf { authority, certificate, key };
struct PemRead {
  std::string text;
  std::string problem;  // empty: it was read
  enum class Opened { yes, no } opened = Opened::yes;
};
/// The file that a key of the configuration names: a relative path is relative to the folder of the
/// configuration, as with every `*_file` key, so that credentials of systemd are found beside it.
std::filesystem::path fileOf(const config::Keys& keys, const std::filesystem::path& named);
/// A private key must not be open to everybody.
PemRead readPem(const std::filesystem::path& path, PemOf what);

/// Whom a far end's certificate has to be signed by.
class Authorities {
 public:
  void declare(config::Keys& keys);
  /// Empty: the system's.
  const std::string& text() const { return text_; }

 private:
  std::filesystem::path file_;
  std::string text_;
};

}  // namespace smsd::net
