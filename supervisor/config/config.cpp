// SPDX-License-Identifier: GPL-3.0-or-later
// See config.h. All keys of smsd.yaml are declared in declareKeys, and nowhere else.
#include "supervisor/config/config.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>
#include <variant>

#include "common/files/regular-file.h"
#include "supervisor/config/kinds.h"
#include "supervisor/config/queue-keys.h"
#include "supervisor/config/queue-names.h"
#include "supervisor/config/socket-names.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;
using config::Keys;
using config::Presence;
using config::Problem;

constexpr std::size_t maxFile = 1024 * 1024;  // more than the reader accepts: the reader reports that

bool isName(std::string_view name) {
  const auto letterOrDigit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 31 && letterOrDigit(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letterOrDigit(c) || c == '-'; });
}

void declareRetry(Keys& keys, Config& config) {
  auto& retry = config.retry;
  keys.duration("retry.delay", retry.delay, bounds::retryDelay,
                "the first wait of a recipient whose SMS no dispatcher accepted");
  keys.number("retry.factor", retry.factor, bounds::retryFactor,
              "the factor by which each further wait is longer");
  keys.duration("retry.max_delay", retry.maxDelay, bounds::retryMaxDelay, "the longest wait");
  keys.integer("retry.limit", retry.limit, bounds::retryLimit,
               "rounds through all dispatchers before at_limit applies; 0: never");
  keys.durationOr("never", "retry.give_up_after", retry.giveUpAfter, bounds::retryGiveUpAfter,
                  "with at_limit ignore: the time for which a message has to fail, in addition to the "
                  "rounds, before it is "
                  "given up");
  keys.choice("retry.at_limit", retry.atLimit, {{"ignore", AtLimit::ignore}, {"shutdown", AtLimit::shutdown}},
              "at the limit: ignore the recipient's messages, or end smsd");
  keys.choice("retry.all_broken", retry.allBroken,
              {{"wait", WhenAllBroken::wait}, {"shutdown", WhenAllBroken::shutdown}},
              "when every dispatcher is broken: wait and probe them, or end smsd (NAV: "
              "exit_on_permanent_error)");
  const std::vector<std::pair<std::string, UnknownPolicy>> policies = {{"resend", UnknownPolicy::resend},
                                                                       {"hold", UnknownPolicy::hold}};
  keys.choice("retry.unknown", retry.unknown, policies,
              "an SMS that may have been sent: send it again with the same key (at least once), or hold it "
              "for an operator (at most once)");
  keys.list<SeverityPolicy>(
      "retry.unknown_by_severity", retry.unknownBySeverity,
      [policies](Keys& entry, SeverityPolicy& severity) {
        entry.integer("from", severity.from, {1, 1'000'000}, "the most severe severity of this entry");
        entry.integer("to", severity.to, {1, 1'000'000}, "the least severe severity of this entry");
        entry.choice("policy", severity.policy, policies,
                     "the policy for these severities, as in retry.unknown", Presence::required);
      },
      "policies for some severities (1 is the most severe): the first entry that matches decides");
  // NAV's smsd allows such a pair, and the first failure then shortens the delay.
  keys.rule("retry.max_delay", [&retry]() -> std::optional<std::string> {
    if (retry.maxDelay >= retry.delay) return std::nullopt;
    return fmt::format("is {}, expected at least retry.delay, which is {}",
                       config::printDuration(retry.maxDelay), config::printDuration(retry.delay));
  });
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

std::vector<std::string> namesOfKinds() {
  std::vector<std::string> names;
  for (const auto& kind : builtInKinds()) names.push_back(kind.name);
  return names;
}

/// The keys that define how a worker is run, whatever it is for.
void declareWorker(Keys& keys, const std::string& section, DispatcherConfig& dispatcher) {
  keys.choice(section + "activation", dispatcher.activation,
              {{"socket", Activation::socket}, {"spawn", Activation::spawn}},
              "the starter of the worker: systemd, through the socket of its unit, or smsd itself");
  keys.path(section + "socket", dispatcher.socket,
            "with activation socket: the worker's socket; default: /run/smsd/<name>.sock");
  keys.duration(section + "timeout", dispatcher.timeout, {100ms, 10min}, "the hard deadline of one attempt");
  keys.duration(section + "start_timeout", dispatcher.startTimeout, {100ms, 10min},
                "the time within which a worker has to become ready");
  keys.path(section + "config", dispatcher.config,
            "the dispatcher's own file; default: dispatchers/<name>.yaml beside this file");
  keys.path(section + "worker", dispatcher.worker,
            "the worker's program; default: smsd-worker-<kind> as installed");
}

void declareDispatcher(Keys& keys, DispatcherConfig& dispatcher) {
  keys.text("name", dispatcher.name,
            "the dispatcher's name: a-z, 0-9 and -, at most 31 characters, 26 if systemd starts its worker",
            Presence::required);
  keys.word("kind", dispatcher.kind, namesOfKinds(), "the kind of its worker", Presence::required);
  declareWorker(keys, "", dispatcher);
  delivery::QuotaConfig& quota = dispatcher.quota;
  keys.integer("per_day", quota.perDay, {0, 1'000'000}, "the most SMS a day, from midnight; 0: no limit");
  keys.integer("reserve", quota.reserve, {0, 1'000'000},
               "how many of these SMS are reserved for severe messages");
  keys.integer("reserve_for", quota.reserveFor, {1, 1'000'000},
               "the least severe severity that may use the reserve");
  keys.rule("reserve", [&quota]() -> std::optional<std::string> {
    if (quota.reserve == 0 || quota.reserve < quota.perDay) return std::nullopt;
    return fmt::format("is {}, expected less than per_day, which is {}", quota.reserve, quota.perDay);
  });
  keys.rule("name", [&dispatcher]() -> std::optional<std::string> {
    if (!isName(dispatcher.name)) return std::string(notAName);
    if (auto problem = problemOfUser(dispatcher)) return problem;
    return problemOfReservedName(dispatcher.name);
  });
}

void declareAdminMail(Keys& keys, Config& config) {
  auto& mail = config.adminMail;
  keys.text("admin_mail.to", mail.to,
            "the address to which errors are mailed; without it, nothing is mailed");
  keys.choice("admin_mail.level", mail.level,
              {{"error", journal::Level::error},
               {"warning", journal::Level::warning},
               {"notice", journal::Level::notice}},
              "the lowest level of the journal entries that are mailed");
  keys.text("admin_mail.dispatcher", mail.worker.name,
            "the name of the dispatcher for this mail, which sends no SMS; its file has the same name");
  keys.word("admin_mail.kind", mail.worker.kind, namesOfKinds(), "the kind of its worker");
  declareWorker(keys, "admin_mail.", mail.worker);
  keys.duration("admin_mail.delay", mail.delay, {0s, 1h},
                "how long the first entry waits for further entries");
  keys.duration("admin_mail.interval", mail.interval, {1s, 24h},
                "the time between two mails; entries meanwhile are counted");
  keys.integer("admin_mail.lines", mail.lines, {1, 100},
               "how many entries a mail shows: the most severe ones, and among equal ones the last");
  keys.rule("admin_mail.to", [&mail]() -> std::optional<std::string> {
    constexpr std::size_t most = 64;  // a recipient's bound in proto/dispatcher.capnp
    if (mail.to.empty() || (mail.to.size() <= most && mail.to.find('@') != std::string::npos))
      return std::nullopt;
    return fmt::format("expected an address, name@host, of at most {} characters", most);
  });
  keys.rule("admin_mail.dispatcher", [&config]() -> std::optional<std::string> {
    const std::string& name = config.adminMail.worker.name;
    if (!isName(name)) return std::string(notAName);
    if (auto problem = problemOfUser(config.adminMail.worker)) return problem;
    if (auto problem = problemOfReservedName(name)) return problem;
    for (auto& dispatcher : config.dispatchers)
      if (config.adminMail.enabled() && dispatcher.name == name)
        return "is one of `dispatchers`, expected a name of its own: no SMS goes through it";
    return std::nullopt;
  });
}

void declareKeys(Keys& keys, Config& config) {
  declareQueueKeys(keys, config);
  keys.integer("formatting.max_parts", config.formatting.maxParts, {1, 8},
               "the most concatenated SMS for one text");
  keys.choice("formatting.overflow", config.formatting.overflow,
              {{"summarize", format::Overflow::summarize}, {"carry_over", format::Overflow::carry_over}},
              "messages that do not fit are ignored and counted (as in NAV), or sent in the next SMS");
  keys.flag("formatting.transliterate", config.formatting.transliterate,
            "replace characters by their GSM look-alikes, so that an SMS holds 160 characters instead of 70");
  declareRetry(keys, config);
  keys.choice("log.recipient", config.log.recipient,
              {{"masked", RecipientInLog::masked}, {"plain", RecipientInLog::plain}},
              "how the journal shows phone numbers");
  keys.choice("log.sent", config.log.sent, {{"counted", SentInLog::counted}, {"each", SentInLog::each}},
              "an entry for each SMS that was sent, but only a count beyond a hundred a second; or always an "
              "entry each");
  declareAdminMail(keys, config);
  keys.path("control.socket", config.controlSocket, "the socket through which smsctl controls smsd");
  keys.path("state_directory", config.stateDirectory, "the folder of smsd's own files");
  keys.duration("stop_timeout", config.stopTimeout, {100ms, 10min},
                "how long a stop waits for the SMS under way");
  keys.list<DispatcherConfig>("dispatchers", config.dispatchers, declareDispatcher,
                              "the dispatchers in the order of preference", Presence::required);
  keys.rule("dispatchers", [&config]() -> std::optional<std::string> {
    if (!config.dispatchers.empty()) return std::nullopt;
    return "is an empty list, expected at least one dispatcher";
  });
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

void makeAbsolute(Config& config, const fs::path& folder) {
  // operator/ keeps an absolute right side.
  config.queue.sqlite = (folder / config.queue.sqlite).lexically_normal();
  for (fs::path* path : {&config.queue.directory, &config.queue.connectionFile})
    if (!path->empty()) *path = (folder / *path).lexically_normal();
  config.controlSocket = (folder / config.controlSocket).lexically_normal();
  config.stateDirectory = (folder / config.stateDirectory).lexically_normal();
  for (auto& dispatcher : config.dispatchers) makeAbsolute(dispatcher, folder);
  makeAbsolute(config.adminMail.worker, folder);
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

std::vector<Problem> checkDispatcherFiles(const Keys& keys, const Config& config) {
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < config.dispatchers.size(); ++i)
    checkDispatcherFiles(keys, fmt::format("dispatchers[{}].", i), config.dispatchers[i], problems);
  if (config.adminMail.enabled())
    checkDispatcherFiles(keys, "admin_mail.", config.adminMail.worker, problems);
  return problems;
}

std::variant<std::string, Problem> readFile(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found)
    return Problem{file.string(),
                   "not found, expected the configuration: write it (smsd.yaml(5) has an example), or "
                   "name another file with --config"};
  if (fs::is_directory(status)) return Problem{file.string(), "is a folder, expected a file"};
  auto text = files::readRegular(file, maxFile, error = {});
  if (!text)
    return Problem{file.string(),
                   fmt::format("cannot be read ({}), expected a file that this user may read: check "
                               "its mode and owner, and at those of the folders above it",
                               error.message())};
  return *std::move(text);
}

}  // namespace

ConfigRead readConfig(const std::filesystem::path& file, Reach reach, const Overrides& overrides) {
  ConfigRead result;
  auto content = readFile(file);
  if (auto* problem = std::get_if<Problem>(&content)) {
    result.problems.push_back(std::move(*problem));
    return result;
  }
  Keys keys(config::Quoting::harmless);
  declareKeys(keys, result.config);
  result.problems = keys.read(std::get<std::string>(content), file.string());
  for (auto& [key, value] : valuesOf(Config())) result.places.emplace(key, keys.where(key));
  makeAbsolute(result.config, fs::absolute(file).parent_path());
  const auto add = [&](const std::vector<Problem>& more) {
    result.problems.insert(result.problems.end(), more.begin(), more.end());
  };
  add(findEqualNames(keys, result.config));
  add(checkSockets(keys, result.config));
  add(checkQueueFiles(keys, result.config, fs::absolute(file).lexically_normal()));
  add(applyOverrides(overrides, result.config));
  if (reach == Reach::dispatcherFiles) add(checkDispatcherFiles(keys, result.config));
  return result;
}

UnknownPolicy unknownPolicy(const Config& config, std::optional<int> severity) {
  if (severity)
    for (const auto& entry : config.retry.unknownBySeverity)
      if (entry.from <= *severity && *severity <= entry.to) return entry.policy;
  return config.retry.unknown;
}

std::vector<std::pair<std::string, std::string>> valuesOf(const Config& config) {
  Config copy = config;
  copy.dispatchers.clear();
  copy.retry.unknownBySeverity.clear();
  Keys keys;
  declareKeys(keys, copy);
  std::vector<std::pair<std::string, std::string>> values;
  for (auto& one : keys.explain())
    if (one.key.find("[]") == std::string::npos) values.emplace_back(one.key, one.defaultValue);
  return values;
}

std::vector<config::KeyHelp> explainConfig() {
  Config config;
  Keys keys;
  declareKeys(keys, config);
  return keys.explain();
}

}  // namespace smsd::config
