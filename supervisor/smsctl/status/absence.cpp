// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/absence.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sysexits.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/status/not-running.h"

namespace smsd::smsctl {
namespace {

using Rank = StatusFinding::Rank;
using Runs = Absence::Runs;

std::string textOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The process of an smsd with this state directory, by its lock there.
std::optional<int> lockedBy(const std::filesystem::path& stateDirectory) {
  struct stat status {};
  if (stat((stateDirectory / "instance").c_str(), &status) != 0) return std::nullopt;
  return holderOf(textOf("/proc/locks"), status.st_dev, status.st_ino);
}

/// A command for smsd.service is right only for the usual configuration.
bool isService(const std::string& file) {
  return file == defaultConfig && access("/run/systemd/system", F_OK) == 0;
}

std::string restart(const std::string& file, int pid) {
  if (isService(file)) return "systemctl restart smsd";
  return pid == 0 ? "ps -fC smsd" : fmt::format("ps -o pid,stat,wchan:20,args -p {}", pid);
}

/// For a user who may not look for the reason why no smsd answers.
std::vector<StatusFinding> whyNotSeen(const std::string& closed) {
  return {{Rank::attention,
           fmt::format("this user cannot look for the reason: {}", closed),
           {},
           "systemctl status smsd"}};
}

Absence deaf(const std::string& file, const config::ConfigRead& read, int pid) {
  const std::string socket = read.config.controlSocket.string();
  Absence absence{.runs = Runs::yes, .status = EX_TEMPFAIL, .pid = pid};
  if (read.problems.empty()) {
    absence.head = fmt::format("smsd runs (pid {}), but does not listen at {}", pid, socket);
    absence.findings = {{Rank::unhealthy,
                         "it is starting or ending, or its socket was removed",
                         {},
                         restart(file, pid),
                         "if it stays so"}};
    return absence;
  }
  absence.head = fmt::format("smsd runs (pid {}), but {} does not name its socket", pid, file);
  absence.findings = whyNotRunning(file, read);
  absence.status = EX_CONFIG;
  return absence;
}

}  // namespace

Absence whenNobodyListens(const std::string& file, const config::ConfigRead& read) {
  if (const auto pid = lockedBy(read.config.stateDirectory)) return deaf(file, read, *pid);
  const std::string closed = whyClosed(file, namedIn(file));
  const std::string socket = read.config.controlSocket.string();
  Absence absence{.runs = Runs::no};
  absence.status = read.problems.empty() || !closed.empty() ? notRunning : EX_CONFIG;
  absence.head = fmt::format("smsd is not running: no program listens at {}", socket);
  absence.findings = closed.empty() ? whyNotRunning(file, read) : whyNotSeen(closed);
  if (!namesSocket(read, namedIn(file))) {
    absence.runs = Runs::notKnown;
    absence.head = fmt::format("whether smsd runs is not known: {} does not name its socket", file);
  } else if (!read.problems.empty() && closed.empty() && socket == config::Config().controlSocket) {
    absence.runs = Runs::notKnown;
    absence.head =
        fmt::format("no smsd listens at {}; {} has a fault, and may mean another socket", socket, file);
  }
  return absence;
}

Absence whenItHangs(const std::string& file, const config::ConfigRead& read, int pid) {
  if (pid == 0) pid = lockedBy(read.config.stateDirectory).value_or(0);
  const bool stopped = pid != 0 && processState(textOf(fmt::format("/proc/{}/stat", pid))) == 'T';
  const std::string who = pid == 0 ? "smsd" : fmt::format("smsd (pid {})", pid);
  Absence absence{.runs = Runs::yes, .status = EX_TEMPFAIL, .pid = pid};
  absence.head = fmt::format("{} does not answer at {}", who, read.config.controlSocket.string());
  absence.findings = {{Rank::unhealthy,
                       stopped ? "its process is stopped (state T): a signal or a debugger holds it"
                               : "it hangs, or is very busy: it has not answered within 5 s",
                       {},
                       stopped ? fmt::format("kill -CONT {}", pid) : restart(file, pid)}};
  return absence;
}

Absence whenInDoubt(const std::string& words, int status) { return {.head = words, .status = status}; }

// A line is "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; the numbers of the device are hexadecimal. A
// line with "->" is a process that waits for the lock.
std::optional<int> holderOf(const std::string& locks, dev_t device, ino_t inode) {
  const std::string file = fmt::format("{:02x}:{:02x}:{}", major(device), minor(device), inode);
  std::istringstream lines(locks);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, how, what, where;
    int pid = 0;
    if (words >> number >> kind >> how >> what >> pid >> where && kind == "FLOCK" && where == file && pid > 0)
      return pid;
  }
  return std::nullopt;
}

// The name of the program is in parentheses, and may hold any character.
char processState(const std::string& stat) {
  const auto end = stat.rfind(')');
  return end == std::string::npos || end + 2 >= stat.size() ? '\0' : stat[end + 2];
}

}  // namespace smsd::smsctl
