// SPDX-License-Identifier: GPL-3.0-or-later
// Mail servers for the tests of the mail dispatcher: a real one, and one that fails where it is told to.
#pragma once

#include "tests/workers/peers.h"

namespace smsd::test {

/// tests/peers/smtp-server.py or tests/peers/smtp-faults.py
class MailServer {
 public:
  static bool isInstalled();  // aiosmtpd
  static MailServer real(std::vector<std::string> options = {}) {
    return MailServer("smtp-server.py", std::move(options));
  }
  static MailServer faulty(std::vector<std::string> behaviours = {}, std::vector<std::string> options = {});

  /// What it wrote down of each mail so far.
  std::vector<nlohmann::json> mails() const;
  std::vector<std::string> commands() const;  // faulty only
  std::size_t connections() const;            // faulty only: those that said something
  std::uint16_t port() const { return port_; }

 private:
  MailServer(const std::string& program, std::vector<std::string> options);
  std::vector<nlohmann::json> entries() const;

  Folder folder_;
  std::unique_ptr<Program> program_;
  std::uint16_t port_ = 0;
};

/// The options that give a server this certificate.
std::vector<std::string> withCertificate(const std::filesystem::path& certificate);

}  // namespace smsd::test
