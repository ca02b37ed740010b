// SPDX-License-Identifier: GPL-3.0-or-later
// The name of this host, as each run of a supervisor is enlisted with it.
//
// Called by all backends. Does not fail: the name is empty if the kernel does not return it.
#pragma once

#include <unistd.h>

#include <array>
#include <string>

namespace smsd::queue {

inline std::string hostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace smsd::queue
