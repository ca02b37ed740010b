// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at /proc: locks and limits of processes, who has opened a device, which sockets are listened at.
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include "common/files/process-files.h"
#include "supervisor/smsctl/doctor/sources.h"

namespace smsd::smsctl::doctor {
namespace {

namespace fs = std::filesystem;

fs::path folderOf(const ProcFolder& proc, int pid) { return proc.path / std::to_string(pid); }

/// Returns the rest of the line that begins with `name`.
std::optional<std::string> valueIn(const fs::path& file, const std::string& name) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with(name)) return line.substr(name.size());
  return std::nullopt;
}

std::optional<int> numberIn(const fs::path& file, const std::string& name) {
  const auto text = valueIn(file, name);
  int number = 0;
  if (!text || !(std::istringstream(*text) >> number)) return std::nullopt;
  return number;
}

std::optional<int> pidOf(const fs::path& folder) {
  const std::string name = folder.filename();
  int pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

std::string programOf(const fs::path& folder) {
  std::ifstream file(folder / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

/// Whether a process has opened the device; none if its files are closed to us.
std::optional<bool> holds(const fs::path& folder, const fs::path& device) {
  std::error_code error;
  const bool found = files::anyEntry(folder / "fd", error, [&device](const fs::path& file) {
    std::error_code unreadable;
    return fs::read_symlink(file, unreadable) == device;
  });
  if (error && error != std::errc::no_such_file_or_directory) return std::nullopt;
  return found;
}

void findHolders(const ProcFolder& proc, const std::set<int>& workers, DeviceFacts& facts) {
  std::error_code error;
  const fs::path device = fs::canonical(facts.path, error);
  if (error) return;
  for (const auto& entry : fs::directory_iterator(proc.path, error)) {
    const auto pid = pidOf(entry.path());
    if (!pid || workers.contains(*pid)) continue;
    const auto held = holds(entry.path(), device);
    facts.allSeen = facts.allSeen && held.has_value();
    if (held == true) facts.holders.push_back({*pid, programOf(entry.path())});
  }
}

std::string groupOf(const struct stat& status) {
  const group* found = getgrgid(status.st_gid);
  return found == nullptr ? std::to_string(status.st_gid) : found->gr_name;
}

/// __SO_ACCEPTCON in the fourth column of /proc/net/unix; the last one is the path.
std::set<std::string> listenedAt(const ProcFolder& proc) {
  std::set<std::string> paths;
  std::ifstream file(proc.path / "net/unix");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode, path;
    if (words >> number >> references >> protocol >> flags >> type >> state >> inode >> path &&
        flags == "00010000")
      paths.insert(path);
  }
  return paths;
}

}  // namespace

ProcessFacts lookAtProcess(const ProcFolder& proc, int pid, const std::string& dispatcher) {
  ProcessFacts facts{.pid = pid, .dispatcher = dispatcher};
  if (pid <= 0) return facts;
  const fs::path folder = folderOf(proc, pid);
  facts.noNewPrivs = numberIn(folder / "status", "NoNewPrivs:");
  facts.seccomp = numberIn(folder / "status", "Seccomp:");
  facts.seen = facts.noNewPrivs.has_value() && facts.seccomp.has_value();
  // Two columns: the limit now, and the most that the process may set.
  if (const auto limit = valueIn(folder / "limits", "Max core file size")) {
    std::istringstream words(*limit);
    std::string now;
    if (words >> now) facts.coreAllowed = now != "0";
  }
  return facts;
}

bool isOfThisSystem(const ProcFolder& proc, int pid) {
  std::error_code error, ours;
  const fs::path its = fs::read_symlink(folderOf(proc, pid) / "ns/pid", error);
  return error || its == fs::read_symlink(proc.path / "self/ns/pid", ours) || ours;
}

std::string corePattern(const ProcFolder& proc) {
  std::ifstream file(proc.path / "sys/kernel/core_pattern");
  std::string pattern;
  std::getline(file, pattern);
  return pattern;
}

std::vector<DeviceFacts> lookAtDevices(const ProcFolder& proc,
                                       const std::vector<DispatcherFacts>& dispatchers,
                                       const std::vector<ProcessFacts>& workers) {
  std::vector<DeviceFacts> devices;
  for (const auto& dispatcher : dispatchers) {
    if (dispatcher.device.empty()) continue;
    DeviceFacts facts{.dispatcher = dispatcher.name, .path = dispatcher.device};
    std::error_code error;
    facts.there = fs::exists(facts.path, error);
    facts.hidden = error == std::errc::permission_denied;
    std::set<int> own;
    for (const auto& worker : workers)
      if (worker.dispatcher == dispatcher.name) own.insert(worker.pid);
    findHolders(proc, own, facts);
    devices.push_back(std::move(facts));
  }
  return devices;
}

std::vector<SocketFacts> lookAtSockets(const ProcFolder& proc, const config::Config& config,
                                       const std::vector<DispatcherFacts>& dispatchers) {
  const auto listened = listenedAt(proc);
  std::vector<SocketFacts> sockets = {{.path = config.controlSocket, .dispatcher = ""}};
  for (const auto& socket : {config.statusSocket, config.intake.socket})
    if (!socket.empty()) sockets.push_back({.path = socket, .dispatcher = ""});
  for (const auto& dispatcher : dispatchers)
    if (dispatcher.bySystemd) sockets.push_back({.path = dispatcher.socket, .dispatcher = dispatcher.name});
  for (auto& socket : sockets) {
    struct stat status {};
    const bool found = stat(socket.path.c_str(), &status) == 0;
    socket.hidden = !found && errno == EACCES;
    socket.there = found && S_ISSOCK(status.st_mode);
    socket.mode = status.st_mode & 07777;
    if (found) socket.groupName = groupOf(status);
    if (stat(socket.path.parent_path().c_str(), &status) == 0 && (status.st_mode & S_ISGID) != 0)
      socket.folderGroup = groupOf(status);
    socket.listening = listened.contains(socket.path.string());
  }
  return sockets;
}

}  // namespace smsd::smsctl::doctor
