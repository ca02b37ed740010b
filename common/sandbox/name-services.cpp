// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/sandbox/name-services.h"

#include <dlfcn.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace smsd::sandbox {
namespace {

// glibc's default order for a file without a line `hosts:`.
constexpr const char* whenNothingIsSaid = "hosts: files dns";

bool isServiceName(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

std::vector<std::string> hostServices(std::string_view nsswitch) {
  std::vector<std::string> services;
  std::istringstream lines{std::string(nsswitch)};
  for (std::string line; std::getline(lines, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    std::size_t colon = line.find(':');
    std::size_t start = line.find_first_not_of(" \t");
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(start, colon - start);
    if (key.substr(0, key.find_last_not_of(" \t") + 1) != "hosts") continue;
    // Blank out actions such as [NOTFOUND=return], which are no services.
    std::string rest = line.substr(colon + 1);
    for (std::size_t open; (open = rest.find('[')) != std::string::npos;) {
      std::size_t close = std::min(rest.find(']', open), rest.size() - 1);
      std::fill(rest.begin() + std::ptrdiff_t(open), rest.begin() + std::ptrdiff_t(close) + 1, ' ');
    }
    std::istringstream words(rest);
    for (std::string word; words >> word;)
      if (isServiceName(word) && std::find(services.begin(), services.end(), word) == services.end())
        services.push_back(word);
  }
  return services;
}

void loadNameServices() {
  std::ostringstream text;
  text << std::ifstream("/etc/nsswitch.conf").rdbuf();  // empty if it cannot be read
  auto services = hostServices(text.str());
  if (services.empty()) services = hostServices(whenNothingIsSaid);
  for (auto& service : services) {
    std::string module = "libnss_";
    module.append(service).append(".so.2");
    ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays loaded: the handle is not kept
  }
}

}  // namespace smsd::sandbox
