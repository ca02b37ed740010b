// SPDX-License-Identifier: GPL-3.0-or-later
// Where the facts of `smsctl doctor` come from: one function for each source. They change nothing, connect to
// no worker, and throw nothing for a thing that is missing or closed: that is a fact, too.
//
// Called by examine.cpp. A function that reads /proc takes its folder, so that a test can give another one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/smsctl/doctor/facts.h"

namespace smsd::smsctl::doctor {

// --- files
FileFacts lookAtFile(FileFacts::Role role, const std::filesystem::path& path);
/// The files and folders that the configuration uses. Of the dispatchers' secrets those that their files
/// name.
std::vector<FileFacts> lookAtFiles(const std::filesystem::path& file, const config::Config& config,
                                   const std::vector<DispatcherFacts>& dispatchers);
std::vector<DispatcherFacts> lookAtDispatchers(const config::Config& config);
std::vector<CertificateFacts> lookAtCertificates(const std::vector<DispatcherFacts>& dispatchers);
std::vector<DiskFacts> lookAtDisks(const config::Config& config);
std::optional<std::chrono::sys_seconds> writtenAt(const std::filesystem::path& file);

// --- processes
struct ProcFolder {
  std::filesystem::path path = "/proc";
};
ProcessFacts lookAtProcess(const ProcFolder& proc, int pid, const std::string& dispatcher);
/// Whether the process has the process numbers of this system, and not those of a container in it. True if
/// this user cannot see it.
bool isOfThisSystem(const ProcFolder& proc, int pid);
std::string corePattern(const ProcFolder& proc);
/// `workers`: the process of each dispatcher, if it is known.
std::vector<DeviceFacts> lookAtDevices(const ProcFolder& proc,
                                       const std::vector<DispatcherFacts>& dispatchers,
                                       const std::vector<ProcessFacts>& workers);
std::vector<SocketFacts> lookAtSockets(const ProcFolder& proc, const config::Config& config,
                                       const std::vector<DispatcherFacts>& dispatchers);

// --- systemd
/// Parses the output of `systemctl show` for several units. Pure.
std::vector<UnitFacts> parseUnits(const std::string& shown);
/// Adds the credentials in the text of a unit's file or drop-in. Pure.
void takeCredentials(UnitFacts& unit, const std::string& file);
SystemdFacts lookAtSystemd(const std::filesystem::path& config,
                           const std::vector<DispatcherFacts>& dispatchers);
/// The user in User= of smsd.service; empty if it is not known.
std::string userOfUnit(const SystemdFacts& systemd);
/// Whether a time service keeps the clock right; none if this is not for this host to say.
std::optional<bool> isSynchronised();

// --- smsd
DaemonFacts lookAtDaemon(const config::Config& config, std::string& strain);

// --- what only the user of smsd can look at
struct SmsdsView {
  ConfigCheckFacts check = {};
  QueueFacts queue = {};
  std::vector<std::pair<bool, bool>> access = {};  // readable and writable, for each of the paths
};
/// Checks the configuration, opens the queue, and tries `paths`, as `user` in a process of its own, or in
/// this process if `user` is empty. Throws CommandError if that process fails.
SmsdsView lookAsSmsd(const std::filesystem::path& file, const config::Config& config,
                     const std::vector<FileFacts>& files, const std::string& user);

}  // namespace smsd::smsctl::doctor
