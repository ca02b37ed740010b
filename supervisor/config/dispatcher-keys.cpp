// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/dispatcher-keys.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>

#include "supervisor/config/kinds.h"
#include "supervisor/config/required-lock.h"
#include "supervisor/config/socket-names.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;

bool isName(std::string_view name) {
  const auto letterOrDigit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 31 && letterOrDigit(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letterOrDigit(c) || c == '-'; });
}

constexpr std::string_view notAName =
    "is not a name, expected a-z, 0-9 and -, not starting with -, at most 31 characters";

/// The unit of a worker gives it the user smsd-<name>, and the name of a user has at most 31 characters.
std::optional<std::string> problemOfUser(const DispatcherConfig& dispatcher) {
  constexpr std::size_t most = 31 - std::string_view("smsd-").size();
  if (dispatcher.activation != Activation::socket || !dispatcher.socket.empty() ||
      dispatcher.name.size() <= most)
    return std::nullopt;
  return fmt::format(
      "is too long, expected at most {} characters with activation: socket (its user is smsd-{})", most,
      dispatcher.name);
}

/// The bound of a built-in kind is no matter of smsd.yaml: its own file has the key, within that bound.
std::optional<std::string> problemOfWindow(const DispatcherConfig& dispatcher) {
  if (!dispatcher.window || !isBuiltIn(dispatcher.kind)) return std::nullopt;
  const unsigned most = kindNamed(dispatcher.kind).window;
  if (most == 1)
    return fmt::format("is set, expected none: kind {} sends one SMS at a time", dispatcher.kind);
  return fmt::format(
      "is set, expected none with kind {}: set `window`, at most {}, in the dispatcher's own file",
      dispatcher.kind, most);
}

// Returns the fault of a dispatcher's own file, as far as this user can see it; empty if there is none.
std::string findFault(const DispatcherConfig& dispatcher) {
  struct stat status {};
  if (stat(dispatcher.config.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return "not found";
    return fmt::format("cannot be examined ({})", std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  if ((status.st_mode & S_IRWXO) != 0)
    return fmt::format("open to all users (mode {:04o}; it may hold credentials: chmod o= on it)",
                       status.st_mode & 07777);
  if (access(dispatcher.config.c_str(), R_OK) != 0)
    return fmt::format("cannot be read by this user ({})", std::strerror(errno));
  return {};
}

/// `section`: the prefix of the dispatcher's keys, with the dot.
void checkDispatcherFiles(const Keys& keys, const std::string& section, const DispatcherConfig& dispatcher,
                          std::vector<Problem>& problems) {
  if (!isName(dispatcher.name)) return;  // already reported, and the file's name may come from it
  if (dispatcher.activation == Activation::socket) return;  // systemd passes the file to the worker
  if (const std::string fault = findFault(dispatcher); !fault.empty())
    problems.push_back({dispatcher.config.string(),
                        fmt::format("{}, expected a file of keys for dispatcher {}, because {} names it",
                                    fault, dispatcher.name, keys.where(section + "config"))});
  if (!dispatcher.worker.empty() && access(dispatcher.worker.c_str(), X_OK) != 0)
    problems.push_back(
        {keys.where(section + "worker"), fmt::format("worker: {} ({}), expected a program",
                                                     dispatcher.worker.string(), std::strerror(errno))});
}

}  // namespace

std::optional<std::string> problemOfName(const DispatcherConfig& dispatcher) {
  if (!isName(dispatcher.name)) return std::string(notAName);
  if (auto problem = problemOfUser(dispatcher)) return problem;
  return problemOfReservedName(dispatcher.name);
}

void declareWorker(Keys& keys, const std::string& section, DispatcherConfig& dispatcher, Presence ofKind) {
  keys.text(section + "kind", dispatcher.kind,
            "the kind of its worker: gammu, http, soap, mail, command or debug, or the <kind> of a program "
            "smsd-worker-<kind> of your own",
            ofKind);
  keys.example(section + "kind", section.empty() ? "http" : "mail");
  keys.choice(section + "activation", dispatcher.activation,
              {{"socket", Activation::socket}, {"spawn", Activation::spawn}},
              "the starter of the worker: systemd, through the socket of its unit, or smsd itself");
  keys.path(section + "socket", dispatcher.socket,
            "with activation socket: the worker's socket; default: /run/smsd/<name>.sock");
  keys.example(section + "socket", section.empty() ? "/run/smsd/gateway.sock" : "/run/smsd/mail.sock");
  keys.duration(section + "timeout", dispatcher.timeout, {100ms, 10min}, "the hard deadline of one attempt");
  keys.duration(section + "start_timeout", dispatcher.startTimeout, {100ms, 10min},
                "the time within which a worker has to become ready");
  keys.path(section + "config", dispatcher.config,
            "the dispatcher's own file; default: dispatchers/<name>.yaml beside this file");
  keys.example(section + "config", "dispatchers/gateway.yaml");
  keys.path(section + "worker", dispatcher.worker,
            "the worker's program; default: smsd-worker-<kind> as installed or in workers_directory");
  keys.example(section + "worker", "/usr/local/libexec/smsd/smsd-worker-pager");
  keys.integer(section + "window", dispatcher.window, {1, ownKinds::mostWindow}, ownKinds::defaultWindow,
               "the most SMS that a worker of a kind of your own may work on at once");
  keys.texts(section + "require_lock", dispatcher.requireLock,
             "the parts that the worker's own lock must have, for example landlock:6; with less, the "
             "dispatcher is broken");
  keys.example(section + "require_lock", "[landlock:6, seccomp]");
  keys.rule(section + "kind", [&dispatcher]() { return problemOfKind(dispatcher.kind); });
  keys.rule(section + "require_lock",
            [&dispatcher]() { return problemOfRequiredLock(dispatcher.kind, dispatcher.requireLock); });
  keys.rule(section + "window", [&dispatcher]() { return problemOfWindow(dispatcher); });
}

void declareDispatcher(Keys& keys, DispatcherConfig& dispatcher) {
  keys.text("name", dispatcher.name,
            "the dispatcher's name: a-z, 0-9 and -, at most 31 characters, 26 if systemd starts its worker",
            Presence::required);
  keys.example("name", "gateway");
  declareWorker(keys, "", dispatcher, Presence::required);
  delivery::QuotaConfig& quota = dispatcher.quota;
  keys.integer("per_day", quota.perDay, {0, 1'000'000}, "the most SMS a day, from midnight; 0: no limit");
  keys.example("per_day", "500");
  keys.integer("reserve", quota.reserve, {0, 1'000'000},
               "how many of these SMS are reserved for severe messages");
  keys.example("reserve", "100");
  keys.integer("reserve_for", quota.reserveFor, {1, 1'000'000},
               "the least severe severity that may use the reserve");
  keys.rule("reserve", [&quota]() -> std::optional<std::string> {
    if (quota.reserve == 0 || quota.reserve < quota.perDay) return std::nullopt;
    return fmt::format("is {}, expected less than per_day, which is {}", quota.reserve, quota.perDay);
  });
  declareCanaryOverrides(keys, dispatcher.canary);
  keys.rule("name", [&dispatcher]() { return problemOfName(dispatcher); });
}

std::vector<Problem> findEqualNames(const Keys& keys, const Config& config) {
  std::vector<Problem> problems;
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < config.dispatchers.size(); ++i) {
    const std::string& name = config.dispatchers[i].name;
    const auto [known, isNew] = first.emplace(name, i);
    if (!isNew && isName(name))
      problems.push_back(
          {keys.where(fmt::format("dispatchers[{}].name", i)),
           fmt::format("a second dispatcher named {}, expected another name (the first is at {})", name,
                       keys.where(fmt::format("dispatchers[{}].name", known->second)))});
  }
  return problems;
}

void makeAbsolute(DispatcherConfig& dispatcher, const fs::path& folder) {
  if (dispatcher.socket.empty()) dispatcher.socket = "/run/smsd/" + dispatcher.name + ".sock";
  dispatcher.socket = (folder / dispatcher.socket).lexically_normal();
  if (dispatcher.config.empty()) dispatcher.config = fs::path("dispatchers") / (dispatcher.name + ".yaml");
  dispatcher.config = (folder / dispatcher.config).lexically_normal();
  if (!dispatcher.worker.empty()) dispatcher.worker = (folder / dispatcher.worker).lexically_normal();
}

std::vector<Problem> checkDispatcherFiles(const Keys& keys, const Config& config) {
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < config.dispatchers.size(); ++i)
    checkDispatcherFiles(keys, fmt::format("dispatchers[{}].", i), config.dispatchers[i], problems);
  if (config.adminMail.enabled())
    checkDispatcherFiles(keys, "admin_mail.", config.adminMail.worker, problems);
  return problems;
}

}  // namespace smsd::config
