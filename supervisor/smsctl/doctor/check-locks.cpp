// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of processes: each worker's lock as it reports it and as the kernel shows it, and core dumps.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "supervisor/config/kinds.h"
#include "supervisor/config/required-lock.h"
#include "supervisor/keeper/worker-messages.h"
#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"

namespace smsd::smsctl::doctor {
namespace {

constexpr int filterMode = 2;  // Seccomp in /proc/PID/status

const std::vector<std::string>& wholeLock() {
  static const std::vector<std::string> parts = {"no_new_privs", "landlock", "seccomp", "rlimits"};
  return parts;
}

const DispatcherFacts* configured(const Facts& facts, const std::string& name) {
  const auto found = std::ranges::find(facts.dispatchers, name, &DispatcherFacts::name);
  return found == facts.dispatchers.end() ? nullptr : &*found;
}

bool reports(const DaemonFacts::Dispatcher& worker, const std::string& part) {
  return config::missingParts({part}, worker.lock).empty();
}

/// Compares the kernel's word with what has to be: a kind of smsd's own has the parts whatever it reports.
void checkKernel(const DaemonFacts::Dispatcher& worker, const ProcessFacts& process, GroupResult& checked) {
  const bool own = config::isBuiltIn(worker.kind);
  std::vector<std::string> lacks;
  if (process.noNewPrivs == 0 && (own || reports(worker, "no_new_privs")))
    lacks.emplace_back("NoNewPrivs: 0");
  if (process.seccomp && *process.seccomp != filterMode && (own || reports(worker, "seccomp")))
    lacks.push_back(fmt::format("Seccomp: {}", *process.seccomp));
  if (!lacks.empty())
    checked.findings.push_back(
        {"lock-not-in-force", worker.name,
         fmt::format("/proc/{}/status shows {}, so its worker is not locked in", process.pid,
                     fmt::join(lacks, ", ")),
         fmt::format("find out which program this is: ls -l /proc/{}/exe", process.pid)});
}

void checkReport(const Facts& facts, const DaemonFacts::Dispatcher& worker, GroupResult& checked) {
  if (!worker.lockKnown) return;
  const auto* entry = configured(facts, worker.name);
  if (entry != nullptr)
    if (auto lacks = config::lacksOfLock(entry->requiredLock, worker.lock); !lacks.empty()) {
      checked.findings.push_back({"lock-below-required", worker.name, lacks, ctl(facts, "reload")});
      return;
    }
  const auto missing = config::missingParts(wholeLock(), worker.lock);
  if (config::isBuiltIn(worker.kind) && !missing.empty())
    checked.findings.push_back({"lock-incomplete", worker.name,
                                fmt::format("its worker reports no {}", fmt::join(missing, ", ")),
                                "take --unlocked out of the command of its worker, or boot a newer kernel"});
}

/// The workers that smsd reports, and that of admin_mail, whose lock only the kernel shows.
std::vector<DaemonFacts::Dispatcher> workersOf(const Facts& facts) {
  auto workers = facts.daemon.dispatchers;
  if (facts.daemon.answer == DaemonFacts::Answer::yes)
    for (const auto& dispatcher : facts.dispatchers)
      if (dispatcher.ofAdminMail)
        workers.push_back({.name = dispatcher.name, .kind = dispatcher.kind, .ready = true});
  return workers;
}

std::string otherBuildOf(const DaemonFacts::Dispatcher& worker) {
  return keeper::isOtherBuild(worker.kind, worker.software) ? worker.software : "";
}

}  // namespace

GroupResult checkLocks(const Facts& facts) {
  GroupResult checked{"locks"};
  std::size_t seen = 0;
  for (const auto& worker : workersOf(facts)) {
    checkReport(facts, worker, checked);
    const auto process = std::ranges::find(facts.processes, worker.name, &ProcessFacts::dispatcher);
    if (process != facts.processes.end() && process->seen) {
      ++seen;
      checkKernel(worker, *process, checked);
    } else if (worker.ready) {
      checked.unchecked.push_back(
          {fmt::format("the lock of {} as the kernel shows it", worker.name),
           facts.isRoot ? "its process is not known" : "this user may not see its process",
           facts.isRoot ? "grep -E 'NoNewPrivs|Seccomp:' /proc/PID/status" : asRoot(facts, "doctor"),
           facts.isRoot ? Unchecked::Because::host : Unchecked::Because::user});
    }
    if (const auto other = otherBuildOf(worker); !other.empty())
      checked.findings.push_back(
          {"other-build", worker.name, fmt::format("its worker is {}", other),
           fmt::format("upgrade its package, then: {}", ctl(facts, "dispatcher restart " + worker.name))});
  }
  if (seen > 0)
    checked.fine = fmt::format(
        "{}: no_new_privs and seccomp as the kernel shows them; Landlock and limits "
        "by the worker's word",
        counted(seen, "worker"));
  return checked;
}

GroupResult checkCore(const Facts& facts) {
  GroupResult checked{"core"};
  std::size_t seen = 0;
  for (const auto& process : facts.processes) {
    if (!process.coreAllowed) continue;
    ++seen;
    if (*process.coreAllowed)
      checked.findings.push_back(
          {"core-dumps", process.dispatcher.empty() ? "smsd" : process.dispatcher,
           fmt::format("process {} may leave a core dump (the kernel's pattern: {})", process.pid,
                       facts.corePattern.empty() ? "not known" : facts.corePattern),
           fmt::format("prlimit --core=0:0 --pid {}, and find out who raised its limit", process.pid)});
  }
  if (seen > 0)
    checked.fine =
        fmt::format("{} without core dumps (the kernel's pattern: {})", counted(seen, "process", "processes"),
                    facts.corePattern.empty() ? "not known" : facts.corePattern);
  return checked;
}

}  // namespace smsd::smsctl::doctor
