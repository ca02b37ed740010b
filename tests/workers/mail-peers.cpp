// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/workers/mail-peers.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>

namespace smsd::test {

bool MailServer::isInstalled() {
  static const bool answer = std::system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") == 0;
  return answer;
}

MailServer MailServer::faulty(std::vector<std::string> behaviours, std::vector<std::string> options) {
  for (auto& behaviour : behaviours) options.insert(options.end(), {"--behave", behaviour});
  return MailServer("smtp-faults.py", std::move(options));
}

MailServer::MailServer(const std::string& program, std::vector<std::string> options) {
  std::vector<std::string> command = {"/usr/bin/python3", SMSD_PEERS "/" + program, "--record",
                                      folder_.path / "record"};
  command.insert(command.end(), options.begin(), options.end());
  program_ = std::make_unique<Program>(command, std::vector<std::string>{}, -1);
  std::string line = program_->firstLine();
  if (line.empty()) throw std::runtime_error("the mail server did not start");
  port_ = static_cast<std::uint16_t>(std::stoi(line));
}

std::vector<nlohmann::json> MailServer::entries() const {
  std::vector<nlohmann::json> entries;
  std::ifstream file(folder_.path / "record");
  for (std::string line; std::getline(file, line);) entries.push_back(nlohmann::json::parse(line));
  return entries;
}

std::vector<nlohmann::json> MailServer::mails() const {
  std::vector<nlohmann::json> mails;
  for (auto& entry : entries())
    if (entry.contains("raw")) mails.push_back(entry);
  return mails;
}

std::vector<std::string> MailServer::commands() const {
  std::vector<std::string> commands;
  for (auto& entry : entries())
    if (entry.contains("command")) commands.push_back(entry["command"]);
  return commands;
}

std::size_t MailServer::connections() const {
  std::set<int> seen;
  for (auto& entry : entries()) seen.insert(entry["connection"].get<int>());
  return seen.size();
}

std::vector<std::string> withCertificate(const std::filesystem::path& certificate) {
  return {"--cert", certificate, "--key", certificate};
}

}  // namespace smsd::test
