// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/secrets-folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "common/config/secret-file.h"

namespace smsd::command {

void SecretsFolder::declare(config::Keys& keys) {
  keys.list<Named>(
      "secrets", secrets_,
      [this](config::Keys& inner, Named& secret) {
        inner.text("name", secret.name, "the name of the secret's file in the folder CREDENTIALS_DIRECTORY",
                   config::Presence::required);
        inner.example("name", "token");
        inner.path("file", secret.file, "the file with the secret", config::Presence::required);
        inner.example("file", "pager.token");
        inner.rule("name", [&secret] { return problemOf(secret.name); });
        inner.rule("file", [this, &inner, &secret] { return read(inner, secret); });
      },
      "secrets that the program may read");
  keys.rule("secrets", [this]() -> std::optional<std::string> {
    for (auto& secret : secrets_) {
      auto same = [&](const Named& other) { return other.name == secret.name; };
      if (std::count_if(secrets_.begin(), secrets_.end(), same) > 1) return "expected each name once";
    }
    return std::nullopt;
  });
}

std::optional<std::string> SecretsFolder::problemOf(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 32 && name[0] >= 'a' && name[0] <= 'z' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                    });
  return good ? std::nullopt : std::optional<std::string>("expected a name of small letters, digits and _");
}

std::optional<std::string> SecretsFolder::read(config::Keys& keys, Named& secret) {
  if (secret.file.empty()) return std::nullopt;  // reported as missing
  const std::filesystem::path shown = secret.file;
  secret.file = std::filesystem::absolute(keys.fileFolder() / secret.file);
  auto found = config::readSecretFile(secret.file, shown);
  if (found.found != config::SecretRead::Found::yes && keys.tolerates("file")) return std::nullopt;
  if (!found.problem.empty()) return found.problem;
  hiding_.remember(found.secret.reveal());
  return std::nullopt;
}

std::filesystem::path SecretsFolder::make() const {
  char name[] = "/tmp/smsd-command-XXXXXX";
  if (::mkdtemp(name) == nullptr)
    throw std::system_error(errno, std::generic_category(), "a folder for secrets in /tmp");
  const std::filesystem::path folder = name;
  for (auto& secret : secrets_) std::filesystem::create_symlink(secret.file, folder / secret.name);
  return folder;
}

std::vector<std::filesystem::path> SecretsFolder::files() const {
  std::vector<std::filesystem::path> files;
  for (auto& secret : secrets_) files.push_back(secret.file);
  return files;
}

}  // namespace smsd::command
