// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsd/reloader.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "common/fault.h"
#include "supervisor/config/referenced-files.h"
#include "supervisor/startup/start-up.h"

namespace smsd {
namespace {

/// Returns the content of a sealed memfd, and leaves its offset alone.
std::string contentOf(const keeper::SpawnPlan& plan) {
  std::string content;
  char buffer[4096];
  for (ssize_t n; (n = pread(plan.content->get(), buffer, sizeof buffer, std::ssize(content))) > 0;)
    content.append(buffer, static_cast<std::size_t>(n));
  return content;
}

std::map<std::string, std::size_t> digestsOf(const Reloader::Plans& plans) {
  std::map<std::string, std::size_t> result;
  for (auto& plan : plans)
    if (plan.content != nullptr)
      result[plan.name] = config::digestOfNamedFiles(contentOf(plan), plan.config.parent_path());
  return result;
}

std::map<std::string, keeper::SpawnPlan> byName(const config::Config& config, Reloader::Plans plans) {
  std::map<std::string, keeper::SpawnPlan> result;
  const std::size_t dispatchers = config.dispatchers.size();
  for (std::size_t i = 0; i < dispatchers; ++i)
    result.emplace(config.dispatchers[i].name, std::move(plans[i]));
  if (plans.size() > dispatchers) result.emplace(config.adminMail.worker.name, std::move(plans[dispatchers]));
  return result;
}

}  // namespace

Reloader::Reloader(kj::AsyncIoContext& io, Subject subject, Plans plans, Read read,
                   kj::Function<void(keeper::Keeper&)> hire)
    : io_(io),
      road_(subject.road),
      mail_(subject.mail),
      canaries_(subject.canaries),
      heartbeats_(subject.heartbeats),
      intake_(subject.intake),
      log_(subject.log),
      service_(subject.service),
      digests_(digestsOf(plans)),
      plans_(byName(road_.config(), std::move(plans))),
      read_(kj::mv(read)),
      hire_(kj::mv(hire)),
      last_(kj::Promise<void>(kj::READY_NOW).fork()),
      tasks_(*this) {
  tasks_.add(next());
}

/// The kernel keeps a SIGHUP that comes during a reload; it starts the next one.
kj::Promise<void> Reloader::next() {
  return io_.unixEventPort.onSignal(SIGHUP).then(
      [this](siginfo_t) { return reload().then([this](const Result&) { return next(); }); });
}

kj::Promise<Reloader::Result> Reloader::reload() {
  auto mine = last_.addBranch()
                  .then([this]() { return read(); })
                  // Either nothing was applied or all of it: only a child process can fail here.
                  .catch_([this](kj::Exception&& e) { return refuse(faultOf(e)); })
                  .fork();
  last_ = mine.addBranch().ignoreResult().fork();
  return mine.addBranch();
}

kj::Promise<Reloader::Result> Reloader::read() {
  service_.reloading();
  auto read = read_();
  config::Changes changes;
  if (read.problems.empty()) {
    changes = compare(road_.config(), read);
    read.problems = std::move(changes.forbidden);
  }
  if (!read.problems.empty()) return refuse(config::describe(read.problems));
  Plans plans;
  try {
    plans = startup::withAdminMail(read.config, startup::planWorkers(read.config));
  } catch (const startup::StartUpError& e) {
    return refuse(e.what());
  }
  // Before the check, so that a later change is left to the next reload.
  auto digests = digestsOf(plans);
  return startup::findDispatcherProblems(io_, plans)
      .then([this, config = std::move(read.config), changes = std::move(changes), plans,
             digests = std::move(digests)](const startup::DispatcherProblems& problems) mutable {
        return problems.none()
                   ? apply(std::move(config), std::move(changes), std::move(plans), std::move(digests))
                   : refuse(problems.text());
      });
}

Reloader::Result Reloader::refuse(const std::string& problems) {
  log_.reloadRefused(problems);
  service_.ready();
  return {problems, ""};
}

bool Reloader::anotherFile(const keeper::SpawnPlan& plan, const Digests& digests) const {
  auto before = plans_.find(plan.name);
  if (before == plans_.end() || plan.content == nullptr || before->second.content == nullptr) return false;
  if (before->second.program != plan.program || contentOf(before->second) != contentOf(plan)) return true;
  auto secrets = digests_.find(plan.name);
  return secrets == digests_.end() || secrets->second != digests.at(plan.name);
}

keeper::SpawnPlan Reloader::planOfMail(const config::Config& config, const Plans& plans) {
  return plans.size() > config.dispatchers.size() ? plans.back() : keeper::SpawnPlan{};
}

/// Applies all of it in one turn of the loop, so that no other code sees half of it.
Reloader::Result Reloader::apply(config::Config config, config::Changes changes, Plans plans,
                                 Digests digests) {
  using File = admin_mail::MailDesk::File;
  const auto mailPlan = planOfMail(config, plans);
  const File mailFile = anotherFile(mailPlan, digests) ? File::changed : File::same;
  if (mailFile == File::changed) changes.values.push_back("the file of admin_mail");
  plans.resize(config.dispatchers.size());
  for (auto& plan : plans)
    if (anotherFile(plan, digests) &&
        std::find(changes.changed.begin(), changes.changed.end(), plan.name) == changes.changed.end())
      changes.changed.push_back(plan.name);
  auto among = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  road::Keepers added;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto& entry = config.dispatchers[i];
    if (among(changes.added, entry.name))
      added.push_back(std::make_unique<keeper::Keeper>(io_, entry, plans[i],
                                                       road_.dispatchers().indexOf(entry.name), log_, road_));
  }
  log_.show(config.log.recipient);
  road_.replace(std::move(config), std::move(added));
  heartbeats_.reconfigured();
  intake_.reconfigured();
  log_.reloaded(changes.words());
  mail_.use(road_.config().adminMail, mailPlan, mailFile);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto& keeper = road_.dispatchers()[i];
    if (among(changes.changed, keeper.name()))
      keeper.reconfigure(io_, road_.config().dispatchers[i], plans[i]);
    else if (among(changes.added, keeper.name()))
      hire_(keeper);
  }
  canaries_.reconfigured();
  if (road_.config().adminMail.enabled()) plans.push_back(mailPlan);
  plans_ = byName(road_.config(), std::move(plans));
  digests_ = std::move(digests);
  service_.ready();
  return {"", changes.words()};
}

void Reloader::taskFailed(kj::Exception&& exception) {
  log_.reloadRefused(faultOf(exception));
  service_.ready();
  tasks_.add(next());
}

}  // namespace smsd
