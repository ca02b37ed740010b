// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the first line of a file that holds a secret.
//
// Owns the requirements on such a file: a regular file, not open to others. Called by keys.cpp, and by the
// opening of a queue whose file may change. Never prints the content. Fails by returning a problem.
#pragma once

#include <filesystem>
#include <string>

#include "common/config/secret.h"

namespace smsd::config {

struct SecretRead {
  Secret secret;
  std::string problem;                                           // empty if the secret was read
  enum class Found { yes, nothing, closed } found = Found::yes;  // closed: exists, but not readable
};

/// Problems name the path as `shown`.
SecretRead readSecretFile(const std::filesystem::path& path, const std::filesystem::path& shown);

}  // namespace smsd::config
