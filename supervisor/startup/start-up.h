// SPDX-License-Identifier: GPL-3.0-or-later
// Checks and takes everything that must be in place before anything is started: worker programs, dispatchers'
// files, the lock of the state directory.
//
// Called by main, and by a reload. Starts nothing that lasts. Errors are a StartUpError: one text for the
// operator with the remedy, and the exit status (sysexits.h).
#pragma once

#include <kj/async-io.h>
#include <kj/io.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/keeper/link.h"

namespace smsd::startup {

class StartUpError : public std::runtime_error {
 public:
  StartUpError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// Returns one plan per dispatcher: its program was found and can be executed, its file was read. The plan of
/// a dispatcher that systemd starts is empty. Throws StartUpError with all problems.
std::vector<keeper::SpawnPlan> planWorkers(const config::Config& config);

/// The same for the dispatcher of `admin_mail`, if there is one.
keeper::SpawnPlan planAdminMail(const config::Config& config);

/// Returns `plans` and, if mail is enabled, the plan of admin_mail.
std::vector<keeper::SpawnPlan> withAdminMail(const config::Config& config,
                                             std::vector<keeper::SpawnPlan> plans);

/// The result of checking the dispatchers' files, one line per problem.
struct DispatcherProblems {
  std::string wrong;        // a file or a program is wrong until it is changed
  std::string silent;       // a worker program gave no answer in time: may pass
  std::string unseen = {};  // not a problem: could not be checked here
  bool none() const { return wrong.empty() && silent.empty(); }
  std::string text() const { return wrong + silent; }
  /// Returns a temporary failure only if nothing is wrong for good.
  int status() const;
};

/// How long a worker program may take to check its file. A host that has just started reads all of them from
/// its disk, together with everything else; that must not count as a wrong configuration.
constexpr kj::Duration CHECK_PATIENCE = 30 * kj::SECONDS;

/// Checks every dispatcher's own file by its own worker program, all at once.
kj::Promise<DispatcherProblems> findDispatcherProblems(kj::AsyncIoContext& io,
                                                       const std::vector<keeper::SpawnPlan>& plans,
                                                       kj::Duration patience = CHECK_PATIENCE);
/// Does the same before anything else runs. Throws StartUpError with all problems.
void checkDispatchers(kj::AsyncIoContext& io, const std::vector<keeper::SpawnPlan>& plans,
                      kj::Duration patience = CHECK_PATIENCE);
/// Does all checks of `--check`: also the files of dispatchers that systemd starts, as far as this user may
/// read them. Returns one line for each file that could not be checked. Throws as checkDispatchers().
std::string checkAll(kj::AsyncIoContext& io, const config::Config& config);
/// Like checkDispatchers(), for a daemon that may have to end meanwhile: the worker programs are then ended.
enum class Checked { good, toldToEnd };
Checked checkDispatchersUnless(kj::Promise<void> told, kj::AsyncIoContext& io,
                               const std::vector<keeper::SpawnPlan>& plans);

/// The lock that allows one smsd per state directory, and this supervisor's name, which is the same in every
/// run with that directory.
struct Instance {
  kj::AutoCloseFd lock;
  std::string name;
};
Instance takeInstance(const std::filesystem::path& stateDirectory);

}  // namespace smsd::startup
