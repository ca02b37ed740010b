// SPDX-License-Identifier: GPL-3.0-or-later
// See config.h. declareKeys declares all keys of smsd.yaml; dispatcher-keys.h has those of one dispatcher.
#include "supervisor/config/config.h"

#include <fmt/format.h>

#include <fstream>
#include <string_view>
#include <variant>

#include "common/files/regular-file.h"
#include "supervisor/config/dispatcher-keys.h"
#include "supervisor/config/heartbeat-keys.h"
#include "supervisor/config/queue-keys.h"
#include "supervisor/config/queue-names.h"
#include "supervisor/config/socket-names.h"
#include "supervisor/config/worker-programs.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;
using config::Keys;
using config::Presence;
using config::Problem;

constexpr std::size_t maxFile = 1024 * 1024;  // more than the reader accepts: the reader reports that

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

void declarePace(Keys& keys, Config& config) {
  auto& pacing = config.pacing;
  keys.duration(
      "pace.window", pacing.window, {0s, pace::longest},
      "the time after an SMS in which all further messages to its recipient wait for one SMS; 0s: none "
      "waits, and there is no limit per hour");
  keys.integer("pace.exempt", pacing.exempt, {0, 1'000'000},
               "messages of this severity and more severe ones (1 is the most severe) leave at once all the "
               "same; 0: all wait");
  keys.integer(
      "pace.per_hour", pacing.perHour, {0, 3600},
      "the most SMS to one recipient in an hour, without those of exempt severities; the last one ends "
      "with a notice; 0: no limit");
  keys.example("pace.window", "60s");
}

void declareAdminMail(Keys& keys, Config& config) {
  auto& mail = config.adminMail;
  keys.text("admin_mail.to", mail.to,
            "the address to which errors are mailed; without it, nothing is mailed");
  keys.example("admin_mail.to", "noc@example.org");
  keys.choice("admin_mail.level", mail.level,
              {{"error", journal::Level::error},
               {"warning", journal::Level::warning},
               {"notice", journal::Level::notice}},
              "the lowest level of the journal entries that are mailed");
  keys.text("admin_mail.dispatcher", mail.worker.name,
            "the name of the dispatcher for this mail, which sends no SMS; its file has the same name");
  declareWorker(keys, "admin_mail.", mail.worker, Presence::optional);
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
    if (auto problem = problemOfName(config.adminMail.worker)) return problem;
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
  using format::Transliteration;
  keys.choice<Transliteration>(
      "formatting.transliterate", config.formatting.transliterate,
      {{"off", Transliteration::off}, {"on", Transliteration::on}, {"auto", Transliteration::automatic}},
      "replace characters by their GSM look-alikes, so that an SMS holds 160 characters instead of 70; auto: "
      "only where that saves a message from being left out, a text from being cut, or a part",
      Presence::optional, {{"false", Transliteration::off}, {"true", Transliteration::on}});
  declarePace(keys, config);
  declareRetry(keys, config);
  keys.choice("log.recipient", config.log.recipient,
              {{"masked", RecipientInLog::masked}, {"plain", RecipientInLog::plain}},
              "how the journal shows phone numbers");
  keys.choice("log.sent", config.log.sent, {{"counted", SentInLog::counted}, {"each", SentInLog::each}},
              "an entry for each SMS that was sent, but only a count beyond a hundred a second; or always an "
              "entry each");
  keys.duration(
      "status.late", config.status.late, {1s, 24h},
      "the time after which a message that waits only because of smsd or its dispatchers makes smsd "
      "unhealthy");
  declareAdminMail(keys, config);
  declareCanary(keys, config);
  keys.list<HeartbeatConfig>("heartbeats", config.heartbeats, declareHeartbeat,
                             "signs of life of other programs: while one is missing, an alert is sent");
  declareCountry(keys, config.country);
  declareIntake(keys, config);
  keys.path("groups_file", config.groupsFile,
            "the file with the names for several numbers; there need not be one");
  keys.path("control.socket", config.controlSocket,
            "the socket of smsctl; a user who may open it may use every command, and reads all texts");
  keys.path("status.socket", config.statusSocket,
            "the socket for the state of smsd alone; if only control.socket is set, to another place than "
            "/run/smsd, there is none");
  keys.path("state_directory", config.stateDirectory, "the folder of smsd's own files");
  keys.path(
      "workers_directory", config.workersDirectory,
      "the folder of your own workers: the programs smsd-worker-<kind> of kinds that smsd does not have");
  keys.example("workers_directory", "/usr/local/libexec/smsd");
  keys.duration("stop_timeout", config.stopTimeout, {100ms, 10min},
                "how long a stop waits for the SMS under way");
  keys.list<DispatcherConfig>("dispatchers", config.dispatchers, declareDispatcher,
                              "the dispatchers in the order of preference", Presence::required);
  keys.rule("dispatchers", [&config]() -> std::optional<std::string> {
    if (!config.dispatchers.empty()) return std::nullopt;
    return "is an empty list, expected at least one dispatcher";
  });
}

void makeAbsolute(Config& config, const fs::path& folder) {
  // operator/ keeps an absolute right side.
  config.queue.sqlite = (folder / config.queue.sqlite).lexically_normal();
  for (fs::path* path : {&config.queue.directory, &config.queue.connectionFile})
    if (!path->empty()) *path = (folder / *path).lexically_normal();
  const auto isDefault = [](const fs::path& path) {
    return path == defaultControlSocket || path == formerControlSocket;
  };
  config.controlSocket = (folder / config.controlSocket).lexically_normal();
  // Two supervisors of one host have different control sockets, and only one can have the default of the
  // other.
  const auto place = [&](fs::path& socket, const char* byDefault) {
    if (socket == byDefault && !isDefault(config.controlSocket))
      socket.clear();
    else
      socket = (folder / socket).lexically_normal();
  };
  place(config.statusSocket, defaultStatusSocket);
  place(config.intake.socket, defaultIntakeSocket);
  config.groupsFile = (folder / config.groupsFile).lexically_normal();
  config.stateDirectory = (folder / config.stateDirectory).lexically_normal();
  if (auto& workers = config.workersDirectory; !workers.empty()) {
    workers = (folder / workers).lexically_normal();
    if (!workers.has_filename()) workers = workers.parent_path();  // it ended with a slash
  }
  for (auto& dispatcher : config.dispatchers) makeAbsolute(dispatcher, folder);
  makeAbsolute(config.adminMail.worker, folder);
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
  add(checkHeartbeats(keys, result.config));
  add(checkIntake(keys, result.config));
  add(readGroups(result.config, reach));
  add(checkSockets(keys, result.config));
  add(checkQueueFiles(keys, result.config, fs::absolute(file).lexically_normal()));
  add(applyOverrides(overrides, result.config));
  if (reach == Reach::valuesOnly) return result;
  add(checkDispatcherFiles(keys, result.config));
  add(checkWorkerPrograms(keys, result.config));
  return result;
}

std::vector<fs::path> placesOf(const fs::path& controlSocket) {
  if (controlSocket != defaultControlSocket) return {controlSocket};
  return {controlSocket, formerControlSocket};
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
  copy.heartbeats.clear();
  copy.intake.callers.clear();
  Keys keys;
  declareKeys(keys, copy);
  return keys.defaults();
}

std::vector<config::KeyHelp> explainConfig() {
  Config config;
  Keys keys;
  declareKeys(keys, config);
  return keys.explain();
}

}  // namespace smsd::config
