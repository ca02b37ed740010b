// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at files and file systems: owners, modes, space, and what a dispatcher's file names.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "common/config/wipe.h"
#include "common/config/yaml-tree.h"
#include "common/files/regular-file.h"
#include "supervisor/config/worker-programs.h"
#include "supervisor/smsctl/doctor/certificate.h"
#include "supervisor/smsctl/doctor/sources.h"

namespace smsd::smsctl::doctor {
namespace {

namespace fs = std::filesystem;
using Role = FileFacts::Role;

constexpr std::size_t mostOfAFile = 8 << 20;  // as much as a worker reads of a certificate file

std::string nameOf(uid_t user) {
  const passwd* found = getpwuid(user);
  return found == nullptr ? std::to_string(user) : found->pw_name;
}

std::string nameOfGroup(gid_t id) {
  const group* found = getgrgid(id);
  return found == nullptr ? std::to_string(id) : found->gr_name;
}

/// Every user can pass all folders above it.
bool canBeReached(const fs::path& path) {
  for (fs::path folder = path.parent_path(); !folder.empty(); folder = folder.parent_path()) {
    struct stat status {};
    if (stat(folder.c_str(), &status) == 0 && (status.st_mode & 0001) == 0) return false;
    if (folder == folder.root_path()) break;
  }
  return true;
}

bool holdsPassword(const config::Config& config) {
  const auto& connection = config.queue.postgresql;
  return connection.find("password") != std::string::npos || connection.find('@') != std::string::npos ||
         !config.queue.connection.empty();
}

std::vector<const config::DispatcherConfig*> allOf(const config::Config& config) {
  std::vector<const config::DispatcherConfig*> all;
  for (const auto& one : config.dispatchers) all.push_back(&one);
  if (config.adminMail.enabled()) all.push_back(&config.adminMail.worker);
  return all;
}

/// Reads what is no secret from a dispatcher's file, and forgets the rest.
void readOwnFile(DispatcherFacts& facts) {
  std::error_code error;
  auto text = files::readRegular(facts.file, config::maxYamlSize + 1, error);
  if (!text) return;
  const config::Wiped wiped(*text);
  facts.fileRead = true;
  facts.named = config::filesNamedIn(*text);
  const auto parsed = config::parseYaml(*text, config::Quoting::nothing);
  const auto* root = std::get_if<config::Node>(&parsed);
  if (root == nullptr || facts.kind != "gammu") return;
  for (const auto& entry : root->entries)
    if (entry.key == "device" && !entry.value.scalar.empty()) facts.device = entry.value.scalar;
}

bool isCertificate(const std::string& key) {
  return key.ends_with("ca_file") || key.ends_with("certificate_file");
}

}  // namespace

FileFacts lookAtFile(Role role, const fs::path& path) {
  FileFacts facts{.role = role, .path = path};
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    facts.hidden = errno == EACCES;
    return facts;
  }
  facts.there = true;
  facts.owner = status.st_uid;
  facts.ownerName = nameOf(status.st_uid);
  facts.groupName = nameOfGroup(status.st_gid);
  facts.mode = status.st_mode & 07777;
  facts.reachable = canBeReached(path);
  return facts;
}

std::vector<FileFacts> lookAtFiles(const fs::path& file, const config::Config& config,
                                   const std::vector<DispatcherFacts>& dispatchers) {
  std::vector<FileFacts> files;
  std::set<fs::path> known;
  const auto add = [&](Role role, const fs::path& path) -> FileFacts* {
    if (!known.insert(path).second) return nullptr;
    return &files.emplace_back(lookAtFile(role, path));
  };
  add(Role::config, file)->holdsPassword = holdsPassword(config);
  add(Role::configFolder, file.parent_path());
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(file.parent_path(), error))
    if (entry.path().extension() == ".pgpass") add(Role::passwordFile, entry.path());
  for (const auto& dispatcher : dispatchers) {
    const fs::path folder = dispatcher.file.parent_path();
    add(Role::configFolder, folder);
    if (auto* facts = add(Role::dispatcherFile, dispatcher.file)) facts->readBySystemd = dispatcher.bySystemd;
    for (const auto& named : dispatcher.named)
      if (!isCertificate(named.key))
        if (auto* facts = add(Role::secret, folder / named.path)) facts->readBySystemd = dispatcher.bySystemd;
  }
  add(Role::stateFolder, config.stateDirectory);
  for (const auto& socket : {config.controlSocket, config.statusSocket, config.intake.socket})
    if (!socket.empty()) add(Role::socketFolder, socket.parent_path());
  for (const auto& dispatcher : dispatchers)
    if (dispatcher.bySystemd) add(Role::workerSocketFolder, dispatcher.socket.parent_path());
  if (config::backendOf(config) == config::Backend::sqlite) {
    add(Role::queueFolder, config.queue.sqlite.parent_path());
    add(Role::queueFile, config.queue.sqlite);
  }
  return files;
}

std::vector<DispatcherFacts> lookAtDispatchers(const config::Config& config) {
  std::vector<DispatcherFacts> all;
  for (const auto* one : allOf(config)) {
    DispatcherFacts facts{.name = one->name, .kind = one->kind};
    facts.ofAdminMail = one == &config.adminMail.worker;
    facts.bySystemd = one->activation == config::Activation::socket;
    facts.file = one->config;
    facts.socket = facts.bySystemd ? one->socket : fs::path();
    facts.program = config::findWorker(config::workerFolders(config), *one);
    facts.programWorks = access(facts.program.c_str(), X_OK) == 0;
    facts.requiredLock = one->requireLock;
    readOwnFile(facts);
    all.push_back(std::move(facts));
  }
  return all;
}

std::vector<CertificateFacts> lookAtCertificates(const std::vector<DispatcherFacts>& dispatchers) {
  std::vector<CertificateFacts> certificates;
  for (const auto& dispatcher : dispatchers)
    for (const auto& named : dispatcher.named) {
      if (!isCertificate(named.key)) continue;
      CertificateFacts facts{dispatcher.name, named.key, dispatcher.file.parent_path() / named.path};
      std::error_code error;
      const auto text = files::readRegular(facts.path, mostOfAFile, error);
      facts.read = text.has_value();
      if (text)
        facts.expires = expiryOf(
            *text, named.key.ends_with("ca_file") ? CertificateUse::authorities : CertificateUse::own);
      certificates.push_back(std::move(facts));
    }
  return certificates;
}

std::vector<DiskFacts> lookAtDisks(const config::Config& config) {
  std::set<fs::path> folders = {config.stateDirectory, config.controlSocket.parent_path()};
  if (config::backendOf(config) == config::Backend::sqlite) folders.insert(config.queue.sqlite.parent_path());
  std::vector<DiskFacts> disks;
  for (const auto& folder : folders) {
    struct statvfs found {};
    if (statvfs(folder.c_str(), &found) != 0) continue;
    disks.push_back({folder, found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, found.f_files,
                     found.f_favail});
  }
  return disks;
}

std::optional<std::chrono::sys_seconds> writtenAt(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(status.st_mtim.tv_sec));
}

}  // namespace smsd::smsctl::doctor
