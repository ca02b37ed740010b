// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/host-names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace smsd::exporter {
namespace {

bool isAddress(int family, const std::string& text) {
  in6_addr address{};  // the larger of the two
  return inet_pton(family, text.c_str(), &address) == 1;
}

bool isPort(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::all_of(text.begin() + 1, text.end(),
                                                             [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

std::vector<std::string> namesOfThisHost() {
  char name[HOST_NAME_MAX + 1] = "";
  if (gethostname(name, sizeof name - 1) != 0 || *name == '\0') return {};
  const std::string whole = name;
  return {whole, whole.substr(0, whole.find('.'))};
}

bool isMeantForUs(std::string_view host, const std::vector<std::string>& names) {
  if (host.empty()) return true;
  if (host.front() == '[') {
    const auto end = host.find(']');
    return end != std::string_view::npos && isPort(host.substr(end + 1)) &&
           isAddress(AF_INET6, std::string(host.substr(1, end - 1)));
  }
  const auto colon = std::min(host.find(':'), host.size());
  if (!isPort(host.substr(colon))) return false;
  const std::string name(host.substr(0, colon));
  const auto is = [&name](const std::string& other) { return strcasecmp(name.c_str(), other.c_str()) == 0; };
  return isAddress(AF_INET, name) || is("localhost") || std::any_of(names.begin(), names.end(), is);
}

}  // namespace smsd::exporter
