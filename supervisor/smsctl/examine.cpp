// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/examine.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/io/output.h"
#include "supervisor/queue/built-in.h"
#include "supervisor/smsctl/doctor/report.h"
#include "supervisor/smsctl/doctor/sources.h"
#include "supervisor/smsctl/import-nav/ini.h"
#include "supervisor/smsctl/nav-move/daemons-yml.h"
#include "supervisor/smsctl/nav-move/host-look.h"
#include "supervisor/smsctl/placing.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;
using doctor::Facts;
using doctor::FileFacts;

doctor::ServiceUser userIn(const passwd& entry) {
  const group* own = getgrgid(entry.pw_gid);
  return {entry.pw_name, entry.pw_uid, own == nullptr ? std::to_string(entry.pw_gid) : own->gr_name};
}

doctor::ServiceUser userWith(uid_t id) {
  const passwd* found = getpwuid(id);
  return found == nullptr ? doctor::ServiceUser{std::to_string(id), id} : userIn(*found);
}

/// The user of the unit; without one, the owner of the socket or of the state. Not the user of the process
/// that smsd names: root acts as this user, and an smsd that was taken over could name any process.
doctor::ServiceUser userOf(const Facts& facts, const config::Config& config) {
  if (const auto name = doctor::userOfUnit(facts.systemd); !name.empty()) {
    const passwd* found = getpwnam(name.c_str());
    return found == nullptr ? doctor::ServiceUser{} : userIn(*found);
  }
  struct stat status {};
  for (const auto& path : {config.controlSocket, config.stateDirectory})
    if (lstat(path.c_str(), &status) == 0) return userWith(status.st_uid);
  return userWith(geteuid());
}

std::string readIfThere(const fs::path& file) {
  try {
    return isThere(file) ? readWhole(file) : "";
  } catch (const CommandError&) {
    return "";  // closed to this user
  }
}

doctor::OthersFacts lookAtOthers(const fs::path& folder) {
  doctor::OthersFacts facts{.navFolder = folder};
  facts.navThere = isThere(folder);
  if (const auto listed = move::listedSmsd(readIfThere(folder / "daemons.yml"))) facts.listed = *listed;
  std::string user = "navcron";  // NAV's default
  if (const std::string text = readIfThere(folder / "nav.conf"); !text.empty()) {
    const auto nav = nav::readFlat(text, "nav.conf");
    const auto value = [&](const char* key, const char* otherwise) {
      const auto found = nav.find(key);
      return found == nav.end() || found->second.value.empty() ? std::string(otherwise) : found->second.value;
    };
    facts.zone = value("TIME_ZONE", "Europe/Oslo");
    user = value("NAV_USER", "navcron");
  }
  facts.processes = move::navSmsdProcesses(move::usersOfNav(user, folder)).ofNav;
  // A NAV in a container of this host may use another database, and is not for us to stop.
  std::erase_if(facts.processes, [](int pid) { return !doctor::isOfThisSystem({}, pid); });
  return facts;
}

/// The processes of smsd and of its workers, as far as smsd or systemd names them.
std::vector<doctor::ProcessFacts> lookAtProcesses(const Facts& facts) {
  std::vector<doctor::ProcessFacts> processes;
  if (facts.daemon.pid > 0) processes.push_back(doctor::lookAtProcess({}, facts.daemon.pid, ""));
  const auto byUnit = [&](const std::string& kind, const std::string& name) {
    for (const auto& unit : facts.systemd.units)
      if (unit.name == fmt::format("smsd-{}@{}.service", kind, name)) return unit.mainPid;
    return 0;
  };
  for (const auto& worker : facts.daemon.dispatchers)
    processes.push_back(doctor::lookAtProcess(
        {}, worker.pid != 0 ? worker.pid : byUnit(worker.kind, worker.name), worker.name));
  for (const auto& dispatcher : facts.dispatchers)
    if (dispatcher.ofAdminMail)
      processes.push_back(
          doctor::lookAtProcess({}, byUnit(dispatcher.kind, dispatcher.name), dispatcher.name));
  return processes;
}

void lookAsSmsd(Facts& facts, const config::Config& config) {
  if (!facts.isRoot && geteuid() != facts.user.id) {
    facts.queue.state = doctor::QueueFacts::State::notLooked;
    facts.queue.words = fmt::format("only root and the user {} can open it", facts.user.name);
    return;
  }
  if (facts.user.name.empty()) {
    facts.queue.state = doctor::QueueFacts::State::notLooked;
    facts.queue.words = "there is no user who could open it";
    return;
  }
  const bool apart = facts.isRoot && facts.user.id != 0;
  auto view = doctor::lookAsSmsd(facts.config, config, facts.files, apart ? facts.user.name : "");
  facts.check = std::move(view.check);
  facts.queue.state = view.queue.state;
  facts.queue.words = std::move(view.queue.words);
  facts.queue.found = std::move(view.queue.found);
  for (std::size_t i = 0; i < facts.files.size(); ++i) {
    facts.files[i].readable = view.access.at(i).first;
    facts.files[i].writable = view.access.at(i).second;
  }
}

Facts lookAtHost(const fs::path& file, const config::Config& config, const fs::path& navFolder) {
  Facts facts{.config = file, .isRoot = geteuid() == 0};
  facts.dispatchers = doctor::lookAtDispatchers(config);
  facts.systemd = doctor::lookAtSystemd(file, facts.dispatchers);
  facts.daemon = doctor::lookAtDaemon(config, facts.queue.strain);
  facts.user = userOf(facts, config);
  facts.files = doctor::lookAtFiles(file, config, facts.dispatchers);
  facts.queue.isPostgresql = config::backendOf(config) == config::Backend::postgresql;
  facts.queue.role = queue::roleOf(config.queue.postgresql);
  facts.expires = config.queue.expireAfter.has_value();
  lookAsSmsd(facts, config);
  facts.others = lookAtOthers(navFolder);
  facts.processes = lookAtProcesses(facts);
  facts.corePattern = doctor::corePattern({});
  facts.sockets = doctor::lookAtSockets({}, config, facts.dispatchers);
  facts.devices = doctor::lookAtDevices({}, facts.dispatchers, facts.processes);
  facts.certificates = doctor::lookAtCertificates(facts.dispatchers);
  facts.disks = doctor::lookAtDisks(config);
  facts.clock = {.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
                 .configWritten = doctor::writtenAt(file),
                 .synchronised = doctor::isSynchronised(),
                 .ahead = facts.queue.found.condition.ahead};
  return facts;
}

/// smsd.yaml itself cannot be used, so nothing that it names is known.
doctor::Report reportOfProblems(const fs::path& file, const std::vector<config::Problem>& problems) {
  doctor::Report report;
  for (const auto& problem : problems)
    report.findings.push_back({"config-wrong", problem.where, problem.what,
                               fmt::format("correct {}, then run doctor again", file.string())});
  report.unchecked.push_back({"everything else", "smsd.yaml cannot be used",
                              "correct it first, then run doctor again", doctor::Unchecked::Because::host});
  return report;
}

}  // namespace

int examineHost(const DoctorArguments& arguments, Form form) {
  if (arguments.act == DoctorArguments::Act::list) {
    io::print(form == Form::json ? doctor::jsonOfKinds() : doctor::textOfKinds());
    return EX_OK;
  }
  const fs::path file = fs::absolute(arguments.config).lexically_normal();
  if (access(file.c_str(), R_OK) != 0 && errno == EACCES)
    throw CommandError(EX_NOPERM, fmt::format("{}: this user cannot read it, so nothing can be examined: run "
                                              "doctor as root, or as the user of smsd",
                                              file.string()));
  const auto read = config::readConfig(file, config::Reach::valuesOnly);
  auto report = read.problems.empty() ? doctor::examine(lookAtHost(file, read.config, arguments.navFolder))
                                      : reportOfProblems(file, read.problems);
  for (auto& one : report.findings) one.problem = advised(one.problem, optionOf(file.string()));
  io::print(form == Form::json ? doctor::jsonOf(report) : doctor::textOf(report));
  return report.status();
}

}  // namespace smsd::smsctl
