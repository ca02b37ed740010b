// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/not-running.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <map>
#include <sstream>

#include "common/text/shell.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/control/state-folder.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/run-apart.h"
#include "supervisor/startup/start-up.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;
using Rank = StatusFinding::Rank;

constexpr char betweenFields = '\x1f';
constexpr Milliseconds longestCheck{300};  // of the file of the queue
constexpr const char* checkAgain = "smsctl config check";

std::vector<std::string> nonEmptyLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::vector<StatusFinding> ofWords(const std::string& words, const std::string& next) {
  std::vector<StatusFinding> troubles;
  for (auto& line : nonEmptyLines(words)) troubles.push_back({Rank::unhealthy, line, {}, next});
  // One command shows all of them.
  for (std::size_t i = 0; i + 1 < troubles.size(); ++i) troubles[i].next.clear();
  return troubles;
}

/// The queue is an SQLite file, which is not there.
StatusFinding ofMissingFile(const config::Config& config) {
  const std::string path = config.queue.sqlite.string();
  if (config::isQueueGone(config))
    return {
        Rank::unhealthy,
        fmt::format("the queue {} is gone, although smsd has used it: put it back, because the next start "
                    "of smsd would make an empty one",
                    path),
        {},
        "smsctl db install",
        "to begin with an empty queue"};
  return {Rank::news, fmt::format("there is no queue {} yet: smsd makes it at its start", path)};
}

std::vector<StatusFinding> ofQueue(const config::Config& config) {
  const bool isFile = config::backendOf(config) == config::Backend::sqlite;
  if (isFile && !fs::exists(config.queue.sqlite)) return {ofMissingFile(config)};
  const auto unusable = [](const std::string& why) {
    return std::vector<StatusFinding>{
        {Rank::unhealthy, "the queue cannot be used: " + why, {}, "smsctl db check"}};
  };
  try {
    config::openExistingQueue(config)->depth(1);
  } catch (const queue::QueueError& error) {
    return unusable(error.what());
  }
  if (const auto damage = config::damageOfQueue(config, longestCheck); !damage.empty())
    return unusable(damage);
  return {};
}

/// The files of the dispatchers that smsd starts itself, which its own start checks; or those of systemd's as
/// well, which do not keep it from starting.
enum class StartedBy { smsd, any };

/// Does the checks of a start that concern files, in their order, up to the first that fails.
std::vector<StatusFinding> lookAtFiles(const fs::path& file, StartedBy starter) {
  const auto read = config::readConfig(file, config::Reach::dispatcherFiles);
  if (!read.problems.empty()) return ofWords(config::describe(read.problems), checkAgain);
  try {
    config::checkQueueObject(read.config);
    auto io = kj::setupAsyncIo();
    if (starter == StartedBy::any)
      startup::checkAll(io, read.config);
    else
      startup::checkDispatchers(io, startup::withAdminMail(read.config, startup::planWorkers(read.config)));
  } catch (const queue::QueueError& error) {
    return ofWords(error.what(), checkAgain);
  } catch (const startup::StartUpError& error) {
    return ofWords(error.what(), checkAgain);
  }
  return {};
}

/// Does the checks of a start, in their order, up to the first that fails.
std::vector<StatusFinding> look(const fs::path& file) {
  if (auto found = lookAtFiles(file, StartedBy::any); !found.empty()) return found;
  const auto read = config::readConfig(file, config::Reach::valuesOnly);
  if (auto trouble = control::troubleOf(read.config.stateDirectory))
    return {{Rank::unhealthy, trouble->what, {}, trouble->next}};
  return ofQueue(read.config);
}

std::string written(const std::vector<StatusFinding>& troubles) {
  std::string text;
  for (const auto& one : troubles)
    text += fmt::format("{1}{0}{2}{0}{3}{0}{4}\n", betweenFields, static_cast<int>(one.rank), one.what,
                        one.next, one.when);
  return text;
}

std::vector<StatusFinding> parsed(const std::string& text) {
  std::vector<StatusFinding> troubles;
  for (const auto& line : nonEmptyLines(text)) {
    std::vector<std::string> fields(1);
    for (const char c : line)
      if (c == betweenFields)
        fields.emplace_back();
      else
        fields.back() += c;
    if (fields.size() != 4 || fields[0].size() != 1) continue;
    troubles.push_back({static_cast<Rank>(fields[0][0] - '0'), fields[1], {}, fields[2], fields[3]});
  }
  return troubles;
}

/// The check that found it is repeated with the rights that it had.
void repeatAs(const std::string& user, std::vector<StatusFinding>& troubles) {
  for (auto& one : troubles)
    if (one.next.starts_with("smsctl "))
      one.next = fmt::format("runuser -u {} -- {}", text::shellWord(user), one.next);
}

bool hasSystemd() { return access("/run/systemd/system", F_OK) == 0; }

std::string shownBySystemd() {
  constexpr const char* command =
      "systemctl show smsd.service --property=ActiveState,SubState,Result,ExecMainStatus,NRestarts "
      "2>/dev/null";
  std::string text;
  FILE* output = popen(command, "r");
  if (output == nullptr) return text;
  for (int c = 0; (c = fgetc(output)) != EOF;) text += static_cast<char>(c);
  pclose(output);
  return text;
}

StatusFinding start(const fs::path& file) {
  const bool systemd = hasSystemd();
  return {Rank::attention,
          "nothing is wrong that can be seen without smsd",
          {},
          systemd ? std::string("systemctl start smsd") : "smsd --config " + text::shellWord(file.string())};
}

}  // namespace

std::string userOfSmsd(const fs::path& stateDirectory) {
  struct stat status {};
  if (geteuid() != 0 || stat(stateDirectory.c_str(), &status) != 0 || status.st_uid == 0) return "";
  const passwd* entry = getpwuid(status.st_uid);
  return entry == nullptr ? "" : entry->pw_name;
}

std::optional<StatusFinding> findingOfUnit(const std::string& shown) {
  std::map<std::string, std::string> values;
  for (const auto& line : nonEmptyLines(shown)) {
    const auto at = line.find('=');
    if (at != std::string::npos) values[line.substr(0, at)] = line.substr(at + 1);
  }
  const bool again = values["SubState"] == "auto-restart";
  if (!again && values["ActiveState"] != "failed") return std::nullopt;
  const std::string end = fmt::format("{}, exit status {}", values["Result"], values["ExecMainStatus"]);
  return StatusFinding{Rank::unhealthy,
                       again
                           ? fmt::format("smsd ends again and again ({}; systemd has restarted it {} times)",
                                         end, values["NRestarts"])
                           : fmt::format("smsd has ended ({}), and systemd does not restart it", end),
                       {},
                       "journalctl --unit=smsd --lines=20 --no-pager"};
}

std::vector<StatusFinding> whyNotStarting(const fs::path& file, const config::ConfigRead& read) {
  try {
    const std::string user = userOfSmsd(read.config.stateDirectory);
    const HeldSignals signals;
    // In a thread of its own, because the connection to the daemon has the event loop of this one.
    const auto look = [&file]() {
      return std::async(std::launch::async, [&file]() { return written(lookAtFiles(file, StartedBy::smsd)); })
          .get();
    };
    auto troubles = parsed(runApart(signals, user, look));
    if (!user.empty()) repeatAs(user, troubles);
    return troubles;
  } catch (const HeldSignals::Ended&) {
    return {};
  } catch (const CommandError& error) {
    return {{Rank::attention, error.what()}};
  }
}

std::vector<StatusFinding> whyNotRunning(const fs::path& file, const config::ConfigRead& read) {
  std::vector<StatusFinding> troubles;
  try {
    const std::string user = userOfSmsd(read.config.stateDirectory);
    const HeldSignals signals;
    troubles = parsed(runApart(signals, user, [&file]() { return written(look(file)); }));
    if (!user.empty()) repeatAs(user, troubles);
  } catch (const HeldSignals::Ended&) {
    return {};
  } catch (const CommandError& error) {
    troubles.push_back({Rank::attention, error.what()});
  }
  // A queue that is not there yet is no reason.
  const auto reasons = [&troubles]() {
    return std::any_of(troubles.begin(), troubles.end(),
                       [](const StatusFinding& one) { return one.rank != Rank::news; });
  };
  if (!reasons() && hasSystemd() && file == defaultConfig)
    if (auto end = findingOfUnit(shownBySystemd())) troubles.insert(troubles.begin(), std::move(*end));
  if (!reasons()) troubles.insert(troubles.begin(), start(file));
  return troubles;
}

}  // namespace smsd::smsctl
