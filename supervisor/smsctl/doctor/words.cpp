// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/doctor/words.h"

#include <fmt/format.h>

#include "supervisor/smsctl/run-program.h"

namespace smsd::smsctl::doctor {

std::string counted(std::size_t count, const std::string& one, const std::string& several) {
  if (count == 1) return "1 " + one;
  return fmt::format("{} {}", count, several.empty() ? one + "s" : several);
}

std::string quoted(const std::string& path) { return typed({{path}}); }

std::string shown(const ServiceUser& user) { return user.name.empty() ? "smsd" : user.name; }

std::string ownerFor(FileFacts::Role role, const ServiceUser& user) {
  using Role = FileFacts::Role;
  const bool own = role == Role::passwordFile || role == Role::stateFolder || role == Role::queueFile ||
                   role == Role::queueFolder;
  return fmt::format("{}:{}", own ? shown(user) : "root", shown(user));
}

std::string ctl(const Facts& facts, const std::string& command) {
  if (facts.config == "/etc/smsd/smsd.yaml") return "smsctl " + command;
  return fmt::format("smsctl --config {} {}", quoted(facts.config.string()), command);
}

std::string asRoot(const Facts& facts, const std::string& command) { return "sudo " + ctl(facts, command); }

std::string asSmsd(const Facts& facts, const std::string& command) {
  const bool another = facts.isRoot && facts.user.id != 0 && !facts.user.name.empty();
  return (another ? fmt::format("runuser -u {} -- ", quoted(facts.user.name)) : "") + ctl(facts, command);
}

bool isOfSockets(FileFacts::Role role) {
  return role == FileFacts::Role::socketFolder || role == FileFacts::Role::workerSocketFolder;
}

std::string unitOf(const DispatcherFacts& dispatcher) {
  return fmt::format("smsd-{}@{}", dispatcher.kind, dispatcher.name);
}

}  // namespace smsd::smsctl::doctor
