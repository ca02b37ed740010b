// The first line of a file that holds a secret.
//
// Owns what such a file has to be: a regular file, not open to others. Called by keys.cpp only. Never prints
// what it read. Fails by saying what was wrong.
#pragma once

#include <filesystem>
#include <string>

#include "common/config/secret.h"

namespace smsd::config {

struct SecretRead {
  Secret secret;
  std::string problem;                                           // empty: it was read
  enum class Found { yes, nothing, closed } found = Found::yes;  // closed: there, and not for this user
};

/// `shown`: what the path is called in problems.
SecretRead readSecretFile(const std::filesystem::path& path, const std::filesystem::path& shown);

}  // namespace smsd::config
