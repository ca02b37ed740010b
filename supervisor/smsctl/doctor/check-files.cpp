// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of what is installed, of the configuration and of files: owners, modes and access.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"

namespace smsd::smsctl::doctor {
namespace {

using Role = FileFacts::Role;

bool isFolder(Role role) {
  return role == Role::configFolder || role == Role::stateFolder || role == Role::queueFolder ||
         isOfSockets(role);
}

bool mayHoldSecrets(const FileFacts& file) {
  switch (file.role) {
    case Role::config:
      return file.holdsPassword && file.reachable;
    case Role::dispatcherFile:
    case Role::secret:
      return true;  // a worker refuses it, too
    case Role::queueFile:
      return file.reachable;
    case Role::passwordFile:
    case Role::configFolder:
    case Role::stateFolder:
    case Role::queueFolder:
    case Role::socketFolder:
    case Role::workerSocketFolder:
      return false;
  }
  return false;
}

std::string shownMode(const FileFacts& file) { return fmt::format("mode {:04o}", file.mode); }

/// Whether users other than the owner and root may write to it. smsd's own group may write to the queue.
bool isChangeable(const FileFacts& file) {
  const bool ofQueue =
      file.role == Role::queueFile || file.role == Role::queueFolder || file.role == Role::stateFolder;
  return (file.reachable && (file.mode & 0002) != 0) || (!ofQueue && (file.mode & 0020) != 0);
}

/// smsd makes its state directory at its start, if it can.
bool willBeMade(const FileFacts& file, const Facts& facts) {
  return file.role == Role::stateFolder && file.writable != false &&
         facts.daemon.answer == DaemonFacts::Answer::notRunning;
}

void checkAccess(const FileFacts& file, const Facts& facts, GroupResult& checked) {
  const ServiceUser& user = facts.user;
  const std::string path = file.path.string();
  if (isFolder(file.role)) {
    const bool needed =
        file.role != Role::configFolder && file.role != Role::workerSocketFolder && !file.hidden;
    if (needed && (file.there ? file.writable == false : !willBeMade(file, facts)))
      checked.findings.push_back(
          {"folder-not-writable", path,
           file.there ? fmt::format("the user {} cannot write to it ({}, owner {})", shown(user),
                                    shownMode(file), file.ownerName)
                      : "there is no such folder",
           // The folders of smsd's sockets have groups of their own, and tmpfiles.d has them all.
           path.starts_with("/run/")
               ? std::string("systemd-sysusers && systemd-tmpfiles --create")
               : fmt::format("install -d -o {0} -g {0} -m 0750 {1}", shown(user), quoted(path))});
    return;
  }
  if (file.role == Role::queueFile && file.there && file.writable == false) {
    checked.findings.push_back({"queue-not-writable", path,
                                fmt::format("the user {} cannot write to it ({}, owner {})", shown(user),
                                            shownMode(file), file.ownerName),
                                fmt::format("chown {0}: {1}*; chmod 0660 {1}", shown(user), quoted(path))});
    return;
  }
  if (file.there && file.readable == false && !file.readBySystemd)
    checked.findings.push_back(
        {"file-not-readable", path,
         fmt::format("the user {} cannot read it ({}, owner {})", shown(user), shownMode(file),
                     file.ownerName),
         file.role == Role::passwordFile
             ? fmt::format("chown {0}: {1}; chmod 0600 {1}", shown(user), quoted(path))
             : fmt::format("chgrp {0} {1}; chmod 0640 {1}", shown(user), quoted(path))});
}

void checkFile(const FileFacts& file, const Facts& facts, GroupResult& checked) {
  const ServiceUser& user = facts.user;
  checkAccess(file, facts, checked);
  if (!file.there || isOfSockets(file.role)) return;  // checkSockets judges their owners and modes
  const std::string path = file.path.string();
  if (mayHoldSecrets(file) && (file.mode & 0007) != 0)
    checked.findings.push_back({"file-open", path, fmt::format("is open to all users ({})", shownMode(file)),
                                fmt::format("chmod o= {}", quoted(path))});
  if (file.role == Role::passwordFile && (file.mode & 0077) != 0)
    checked.findings.push_back({"password-file-ignored", path,
                                fmt::format("libpq ignores a password file of {}", shownMode(file)),
                                fmt::format("chmod 0600 {}", quoted(path))});
  if (isChangeable(file))
    checked.findings.push_back({"file-changeable", path,
                                fmt::format("users other than its owner can change it ({})", shownMode(file)),
                                fmt::format("chmod go-w {}", quoted(path))});
  else if (file.owner != 0 && file.owner != user.id)
    checked.findings.push_back({"file-changeable", path,
                                fmt::format("belongs to the user {}, who can change it", file.ownerName),
                                fmt::format("chown {} {}", ownerFor(file.role, user), quoted(path))});
}

/// The paths that the check of the configuration would complain about a second time.
std::vector<std::string> alreadyNamed(const Facts& facts) {
  std::vector<std::string> paths;
  for (const auto& file : facts.files) {
    const bool open = file.role != Role::config && mayHoldSecrets(file) && (file.mode & 0007) != 0;
    if (!isFolder(file.role) && (open || file.readable == false)) paths.push_back(file.path.string());
  }
  for (const auto& dispatcher : facts.dispatchers)
    if (!dispatcher.programWorks) paths.push_back(dispatcher.program.string());
  return paths;
}

/// A line about the file of a dispatcher whose worker is ready: it has checked that file itself.
bool isOfReadyWorker(const Facts& facts, const std::string& line) {
  return std::ranges::any_of(facts.dispatchers, [&](const DispatcherFacts& dispatcher) {
    const auto worker =
        std::ranges::find(facts.daemon.dispatchers, dispatcher.name, &DaemonFacts::Dispatcher::name);
    return line.find(dispatcher.file.string()) != std::string::npos &&
           worker != facts.daemon.dispatchers.end() && worker->ready;
  });
}

}  // namespace

GroupResult checkInstallation(const Facts& facts) {
  GroupResult checked{"installation"};
  if (facts.user.name.empty())
    checked.findings.push_back({"user-missing", "smsd", "there is no user smsd",
                                "systemd-sysusers, or: useradd --system --home-dir /var/lib/smsd smsd"});
  for (const auto& dispatcher : facts.dispatchers)
    if (!dispatcher.programWorks)
      checked.findings.push_back(
          {"program-missing", dispatcher.name,
           fmt::format("{} is missing or cannot be executed", dispatcher.program.string()),
           fmt::format("apt install smsd-{}, or correct `worker` in {}", dispatcher.kind,
                       facts.config.string())});
  const auto named = alreadyNamed(facts);
  for (const auto& line : facts.check.problems)
    if (std::ranges::none_of(named, [&](const auto& path) { return line.find(path) != std::string::npos; }))
      checked.findings.push_back({"config-wrong", facts.config.string(), line,
                                  fmt::format("correct it, then: {}", asSmsd(facts, "config check"))});
  for (const auto& line : facts.check.unseen)
    if (!isOfReadyWorker(facts, line))
      checked.unchecked.push_back({"the whole configuration", line, asRoot(facts, "config check"),
                                   facts.isRoot ? Unchecked::Because::host : Unchecked::Because::user});
  if (!facts.check.done)
    checked.unchecked.push_back({"the configuration as smsd reads it",
                                 fmt::format("only root and the user {} can do that", shown(facts.user)),
                                 asRoot(facts, "doctor")});
  checked.fine =
      fmt::format("{} and {}", facts.config.string(), counted(facts.dispatchers.size(), "dispatcher"));
  return checked;
}

GroupResult checkFiles(const Facts& facts) {
  GroupResult checked{"files"};
  bool unknown = false;
  for (const auto& file : facts.files) {
    checkFile(file, facts, checked);
    unknown = unknown || file.hidden || (file.there && !file.readable);
  }
  if (unknown)
    checked.unchecked.push_back({"whether smsd can use its files",
                                 fmt::format("only root and the user {} can try it", shown(facts.user)),
                                 asRoot(facts, "doctor")});
  checked.fine = counted(facts.files.size(), "file and folder", "files and folders");
  return checked;
}

}  // namespace smsd::smsctl::doctor
