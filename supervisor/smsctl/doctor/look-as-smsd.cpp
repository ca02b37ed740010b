// SPDX-License-Identifier: GPL-3.0-or-later
// What only the user of smsd can look at: its access to files, the check of the configuration, and the queue,
// which PostgreSQL opens to the system user of the role, and where root would leave files of its own.
#include <kj/async-io.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/fault.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/smsctl/doctor/sources.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/run-apart.h"
#include "supervisor/startup/start-up.h"

namespace smsd::smsctl::doctor {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using State = QueueFacts::State;

constexpr Milliseconds longestCheck{300};

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

ConfigCheckFacts checkConfig(const fs::path& file) {
  ConfigCheckFacts facts{.done = true};
  auto read = config::readConfig(file, config::Reach::dispatcherFiles);
  if (!read.problems.empty()) {
    facts.problems = linesOf(config::describe(read.problems));
    return facts;
  }
  try {
    auto io = kj::setupAsyncIo();
    facts.unseen = linesOf(startup::checkAll(io, read.config));
  } catch (const startup::StartUpError& error) {
    facts.problems = linesOf(error.what());
  }
  return facts;
}

State stateOf(const queue::QueueError& error) {
  switch (error.kind()) {
    case queue::QueueError::Kind::denied:
      return State::denied;
    case queue::QueueError::Kind::notInstalled:
      return State::notInstalled;
    case queue::QueueError::Kind::unreachable:
    case queue::QueueError::Kind::busy:
    case queue::QueueError::Kind::failed:
    case queue::QueueError::Kind::fenced:
    case queue::QueueError::Kind::replaced:
    case queue::QueueError::Kind::invalid:
      break;
  }
  return State::unreachable;
}

QueueFacts lookAtQueue(const config::Config& config) {
  QueueFacts facts;
  const bool isFile = config::backendOf(config) == config::Backend::sqlite;
  if (config::isQueueGone(config)) {
    facts.state = State::gone;
    facts.words = "there is no " + config.queue.sqlite.string() + " any more, although smsd has used it";
    return facts;
  }
  if (isFile && access(config.queue.sqlite.c_str(), F_OK) != 0) {
    facts.state = State::notThere;
    facts.words = "there is no " + config.queue.sqlite.string() + " yet: smsd creates it at its start";
    return facts;
  }
  try {
    const auto queue = config::openExistingQueue(config);
    queue->depth(1);
    facts.found = queue->installation();
    if (facts.words = config::damageOfQueue(config, longestCheck); !facts.words.empty())
      facts.state = State::damaged;
  } catch (const queue::QueueError& error) {
    facts.words = config::damageOfQueue(config, longestCheck);
    facts.state = facts.words.empty() ? stateOf(error) : State::damaged;
    if (facts.words.empty()) facts.words = error.what();
  }
  return facts;
}

// --- through a pipe between two processes of one program

json written(const QueueFacts& facts) {
  const auto& found = facts.found;
  json condition = {{"privileges", found.condition.missingPrivileges},
                    {"zone", found.condition.timeZone},
                    {"settler", found.condition.otherSettler}};
  if (found.condition.indexed) condition["indexed"] = *found.condition.indexed;
  if (found.condition.announcesInserts) condition["announces"] = *found.condition.announcesInserts;
  if (found.condition.ahead) condition["ahead"] = found.condition.ahead->count();
  return {{"state", static_cast<int>(facts.state)},
          {"words", facts.words},
          {"installed", found.schema.installed},
          {"known", found.schema.known},
          {"condition", condition}};
}

QueueFacts readQueue(const json& from) {
  QueueFacts facts;
  facts.state = static_cast<State>(from.at("state").get<int>());
  facts.words = from.at("words");
  facts.found.schema.installed = from.at("installed");
  facts.found.schema.known = from.at("known");
  const auto& condition = from.at("condition");
  auto& into = facts.found.condition;
  into.missingPrivileges = condition.at("privileges");
  into.timeZone = condition.at("zone");
  into.otherSettler = condition.at("settler");
  if (condition.contains("indexed")) into.indexed = condition.at("indexed").get<bool>();
  if (condition.contains("announces")) into.announcesInserts = condition.at("announces").get<bool>();
  if (condition.contains("ahead")) into.ahead = std::chrono::milliseconds(condition.at("ahead").get<long>());
  return facts;
}

/// Whether this user can write to it. smsd makes its state directory at its start, if it can.
bool canWrite(const FileFacts& file) {
  fs::path place = file.path;
  if (file.role == FileFacts::Role::stateFolder)
    while (access(place.c_str(), F_OK) != 0 && errno == ENOENT && place.has_relative_path())
      place = place.parent_path();
  return access(place.c_str(), W_OK) == 0;
}

SmsdsView lookHere(const fs::path& file, const config::Config& config, const std::vector<FileFacts>& files) {
  SmsdsView view{.check = checkConfig(file), .queue = lookAtQueue(config)};
  for (const auto& one : files) view.access.emplace_back(access(one.path.c_str(), R_OK) == 0, canWrite(one));
  return view;
}

}  // namespace

SmsdsView lookAsSmsd(const fs::path& file, const config::Config& config, const std::vector<FileFacts>& files,
                     const std::string& user) {
  if (user.empty()) return lookHere(file, config, files);
  const HeldSignals signals;
  const std::string text = runApart(signals, user, [&]() {
    const SmsdsView view = lookHere(file, config, files);
    return dump({{"problems", view.check.problems},
                 {"unseen", view.check.unseen},
                 {"access", view.access},
                 {"queue", written(view.queue)}});
  });
  const auto from = json::parse(text);
  SmsdsView view{.check = {.done = true, .problems = from.at("problems"), .unseen = from.at("unseen")}};
  view.queue = readQueue(from.at("queue"));
  view.access = from.at("access").get<std::vector<std::pair<bool, bool>>>();
  return view;
}

}  // namespace smsd::smsctl::doctor
