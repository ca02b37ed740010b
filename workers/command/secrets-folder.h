// SPDX-License-Identifier: GPL-3.0-or-later
// The key `secrets`, and the folder in which a program finds them.
//
// The folder holds one link for each secret, by its name, to the secret's own file. So no secret is written
// to another place. Called when the configuration is read, and before the lock. The starter removes the
// folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/keys.h"
#include "workers/net/secrets.h"

namespace smsd::command {

class SecretsFolder {
 public:
  void declare(config::Keys& keys);
  bool empty() const { return secrets_.empty(); }
  /// Makes the folder, and returns its path. Throws std::system_error.
  std::filesystem::path make() const;
  /// The files that the links in the folder lead to.
  std::vector<std::filesystem::path> files() const;
  /// Removes the secrets from a text that a program returned.
  const net::Hiding& hiding() const { return hiding_; }

 private:
  struct Named {
    std::string name;
    std::filesystem::path file;
  };
  static std::optional<std::string> problemOf(const std::string& name);
  std::optional<std::string> read(config::Keys& keys, Named& secret);

  std::vector<Named> secrets_;
  net::Hiding hiding_;
};

}  // namespace smsd::command
