// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of the host: devices, certificates, clock and disks.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"

namespace smsd::smsctl::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = std::chrono::days(21);
constexpr auto mostAhead = 5s;
constexpr auto writtenLater = 1min;  // than now: the clock is wrong
constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t full = 16 * mebibyte;          // as much as the reserve of an SQLite queue
constexpr std::uint64_t low = std::uint64_t{1} << 30;  // and less than a twentieth of the file system

std::string day(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string holdersOf(const DeviceFacts& device) {
  std::vector<std::string> names;
  for (const auto& holder : device.holders)
    names.push_back(fmt::format("{} (pid {})", holder.program, holder.pid));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string pidsOf(const DeviceFacts& device) {
  std::vector<int> pids;
  for (const auto& holder : device.holders) pids.push_back(holder.pid);
  return fmt::format("{}", fmt::join(pids, " "));
}

void checkSpace(const DiskFacts& disk, GroupResult& checked) {
  const std::string path = disk.path.string();
  const std::string remedy = fmt::format("free space: df -h {0}; df -i {0}", quoted(path));
  const bool noInodes = disk.inodes > 0 && disk.freeInodes == 0;
  if (disk.freeBytes < full || noInodes)
    checked.findings.push_back(
        {"disk-full", path,
         noInodes ? "its file system has no inode left"
                  : fmt::format("its file system has {} MiB left", disk.freeBytes / mebibyte),
         remedy});
  else if (disk.freeBytes < low && disk.freeBytes < disk.bytes / 20)
    checked.findings.push_back({"disk-low", path,
                                fmt::format("its file system has {} of {} MiB left",
                                            disk.freeBytes / mebibyte, disk.bytes / mebibyte),
                                remedy});
}

}  // namespace

GroupResult checkDevices(const Facts& facts) {
  GroupResult checked{"devices"};
  for (const auto& device : facts.devices) {
    const std::string path = device.path.string();
    if (!device.there && !device.hidden)
      checked.findings.push_back(
          {"device-missing", device.dispatcher, fmt::format("there is no {}", path),
           fmt::format("plug it in, or correct `device` in the file of {}", device.dispatcher)});
    if (!device.holders.empty())
      checked.findings.push_back({"device-held", device.dispatcher,
                                  fmt::format("{} is open in {}", path, holdersOf(device)),
                                  fmt::format("stop that program: ps -fp {}", pidsOf(device))});
    if (device.hidden || !device.allSeen)
      checked.unchecked.push_back({fmt::format("which processes have opened {}", path),
                                   "only root sees the files of other users' processes",
                                   asRoot(facts, "doctor")});
  }
  checked.fine = facts.devices.empty() ? "" : counted(facts.devices.size(), "device");
  return checked;
}

GroupResult checkCertificates(const Facts& facts) {
  GroupResult checked{"certificates"};
  for (const auto& one : facts.certificates) {
    const std::string path = one.path.string();
    if (!one.expires) {
      checked.unchecked.push_back(
          {fmt::format("the expiry of {}", path),
           one.read ? "it holds no certificate in PEM" : "this user cannot read it",
           fmt::format("sudo openssl x509 -enddate -noout -in {}", quoted(path)),
           one.read || facts.isRoot ? Unchecked::Because::host : Unchecked::Because::user});
      continue;
    }
    const bool expired = *one.expires <= facts.clock.now;
    if (expired || *one.expires - facts.clock.now < soon)
      checked.findings.push_back({expired ? "certificate-expired" : "certificate-expires", path,
                                  fmt::format("{} of {} {} on {}", one.key, one.dispatcher,
                                              expired ? "expired" : "expires", day(*one.expires)),
                                  fmt::format("renew it, then: {}", ctl(facts, "reload"))});
  }
  checked.fine = facts.certificates.empty() ? "" : counted(facts.certificates.size(), "certificate");
  return checked;
}

GroupResult checkClock(const Facts& facts) {
  GroupResult checked{"clock"};
  const auto& clock = facts.clock;
  if (clock.configWritten && *clock.configWritten > clock.now + writtenLater)
    checked.findings.push_back({"clock-wrong", "this host",
                                fmt::format("it is {} here, but {} was written on {}", day(clock.now),
                                            facts.config.string(), day(*clock.configWritten)),
                                "set the clock: timedatectl set-ntp true"});
  if (clock.ahead && (*clock.ahead > mostAhead || *clock.ahead < -mostAhead))
    checked.findings.push_back(
        {"clock-differs", "the database",
         fmt::format("its clock is {:.1f} s {} the clock of this host",
                     std::chrono::duration<double>(*clock.ahead < 0ms ? -*clock.ahead : *clock.ahead).count(),
                     *clock.ahead < 0ms ? "behind" : "ahead of"),
         "timedatectl set-ntp true, on both hosts"});
  if (clock.synchronised == false)
    checked.findings.push_back({"clock-unsynchronised", "this host", "no time service keeps the clock right",
                                "timedatectl set-ntp true"});
  if (!clock.synchronised)
    checked.unchecked.push_back({"whether a time service runs",
                                 "this is a container, or no systemd runs here", "timedatectl, on the host",
                                 Unchecked::Because::host});
  checked.fine = "right as far as this host can tell";
  return checked;
}

GroupResult checkDisk(const Facts& facts) {
  GroupResult checked{"disk"};
  for (const auto& disk : facts.disks) checkSpace(disk, checked);
  checked.fine = facts.disks.empty() ? ""
                                     : counted(facts.disks.size(), "file system with enough space",
                                               "folders with enough space");
  return checked;
}

}  // namespace smsd::smsctl::doctor
