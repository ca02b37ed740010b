// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of sockets: who may connect, who may enter their folders, and whether a program listens.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"

namespace smsd::smsctl::doctor {
namespace {

void checkListening(const SocketFacts& socket, const DispatcherFacts& dispatcher, GroupResult& checked) {
  if (socket.hidden || (socket.there && socket.listening)) return;
  checked.findings.push_back(
      {"socket-missing", socket.path.string(),
       fmt::format("{}: {}", dispatcher.name,
                   socket.there ? "no program listens at this socket" : "there is no such socket"),
       fmt::format("systemctl restart {}.socket", unitOf(dispatcher))});
}

constexpr const char* makeFolders = "systemd-sysusers && systemd-tmpfiles --create";
constexpr const char* operators = "smsd-operator";
constexpr const char* watchers = "smsd-status";
constexpr const char* submitters = "smsd-submit";
constexpr mode_t sticky = 01000;

/// A folder that tmpfiles.d makes. `group` is empty for smsd's own.
struct InstalledFolder {
  const char* path;
  const char* group;
  mode_t mode;
};
constexpr std::array<InstalledFolder, 4> installed{{
    {"/run/smsd", "", 0711},
    {"/run/smsd/operator", operators, 02750},
    {"/run/smsd/status", watchers, 02750},
    {"/run/smsd/intake", submitters, 02750},
}};

const InstalledFolder* installedAt(const std::filesystem::path& path) {
  const auto* found =
      std::ranges::find_if(installed, [&](const InstalledFolder& one) { return path == one.path; });
  return found == installed.end() ? nullptr : found;
}

std::string groupOf(const InstalledFolder& folder, const ServiceUser& user) {
  return *folder.group == '\0' ? user.group : folder.group;
}

void checkInstalledFolder(const FileFacts& folder, const InstalledFolder& as, const ServiceUser& user,
                          GroupResult& checked) {
  std::vector<std::string> wrong;
  if (folder.owner != user.id) wrong.push_back(fmt::format("belongs to the user {}", folder.ownerName));
  const std::string group = groupOf(as, user);
  if (!group.empty() && folder.groupName != group)
    wrong.push_back(fmt::format("has the group {} and not {}", folder.groupName, group));
  if (folder.mode != as.mode)
    wrong.push_back(
        fmt::format("has mode {:04o} and not {:04o}{}", folder.mode, as.mode,
                    (folder.mode & 0007 & ~as.mode) != 0 ? ", so that it is open to every user" : ""));
  if (!wrong.empty())
    checked.findings.push_back({"socket-folder-wrong", folder.path.string(),
                                fmt::format("{}", fmt::join(wrong, ", ")), makeFolders});
}

/// In a folder of the administrator's, other users may look for a socket, but may not replace it.
void checkOwnFolder(const FileFacts& folder, const ServiceUser& user, GroupResult& checked) {
  const std::string path = folder.path.string();
  const auto finding = [&](const std::string& problem, const std::string& remedy) {
    checked.findings.push_back({"socket-folder-wrong", path, problem, remedy});
  };
  const bool strangers = folder.groupName != user.group && folder.groupName != "root";
  if ((folder.mode & sticky) != 0 && (folder.mode & 0002) != 0)
    finding(fmt::format("every user can put a socket there (mode {:04o})", folder.mode),
            "set control.socket, status.socket and intake.socket to paths in a folder of their own");
  else if ((folder.reachable && (folder.mode & 0002) != 0) || (strangers && (folder.mode & 0020) != 0))
    finding(fmt::format("users other than its owner can replace the socket (mode {:04o}, group {})",
                        folder.mode, folder.groupName),
            fmt::format("chmod go-w {}", quoted(path)));
  else if (folder.owner != 0 && folder.owner != user.id)
    finding(fmt::format("belongs to the user {}, who can replace the socket", folder.ownerName),
            fmt::format("chown {} {}", shown(user), quoted(path)));
}

void checkFolders(const Facts& facts, GroupResult& checked) {
  if (facts.user.name.empty()) return;
  for (const auto& file : facts.files) {
    if (!file.there || !isOfSockets(file.role)) continue;
    if (const auto* as = installedAt(file.path))
      checkInstalledFolder(file, *as, facts.user, checked);
    else if (file.role == FileFacts::Role::socketFolder)
      checkOwnFolder(file, facts.user, checked);
  }
}

/// The groups that may use a socket, the usual one first. Elsewhere the administrator decides, by the
/// set-group-ID bit of the folder.
std::vector<std::string> groupsOf(const SocketFacts& socket, const ServiceUser& user) {
  const auto* as = installedAt(socket.path.parent_path());
  if (as != nullptr && *as->group != '\0') return {as->group};
  std::vector<std::string> groups = {user.group, "root"};
  if (socket.dispatcher.empty()) groups.insert(groups.end(), {operators, watchers, submitters});
  if (as == nullptr && !socket.folderGroup.empty()) groups.push_back(socket.folderGroup);
  return groups;
}

void checkGroup(const SocketFacts& socket, const ServiceUser& user, GroupResult& checked) {
  if (!socket.there || (socket.mode & 0020) == 0 || user.group.empty()) return;
  const auto groups = groupsOf(socket, user);
  if (std::ranges::find(groups, socket.groupName) != groups.end()) return;
  checked.findings.push_back(
      {"socket-group-wrong", socket.path.string(),
       fmt::format("the group {} may connect to it, and not {}", socket.groupName, groups.front()),
       fmt::format("chgrp {} {}", quoted(groups.front()), quoted(socket.path.string()))});
}

}  // namespace

GroupResult checkSockets(const Facts& facts) {
  GroupResult checked{"sockets"};
  checkFolders(facts, checked);
  for (const auto& socket : facts.sockets) {
    if (socket.hidden)
      checked.unchecked.push_back(
          {socket.path.string(), "this user may not look there", asRoot(facts, "doctor")});
    if (socket.there && (socket.mode & 0002) != 0)
      checked.findings.push_back({"socket-open", socket.path.string(),
                                  fmt::format("every user may connect to it (mode {:04o})", socket.mode),
                                  fmt::format("chmod o= {}", quoted(socket.path.string()))});
    checkGroup(socket, facts.user, checked);
    const auto dispatcher = std::ranges::find(facts.dispatchers, socket.dispatcher, &DispatcherFacts::name);
    if (dispatcher != facts.dispatchers.end()) checkListening(socket, *dispatcher, checked);
  }
  checked.fine = counted(facts.sockets.size(), "socket");
  return checked;
}

}  // namespace smsd::smsctl::doctor
