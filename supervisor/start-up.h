// What is checked and taken before anything is started: worker programs, dispatchers' files, the lock of the
// state directory.
//
// Called by main, and by a reload. Starts nothing that lasts. What is wrong is a StartUpError: one text for
// the operator that says what to do, and the exit status (sysexits.h).
#pragma once

#include <kj/async-io.h>
#include <kj/io.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/config.h"
#include "supervisor/keeper/link.h"

namespace smsd {

class StartUpError : public std::runtime_error {
 public:
  StartUpError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// One plan a dispatcher: its program was found and can be executed, its file was read. Empty for one that
/// systemd starts.
std::vector<keeper::SpawnPlan> planWorkers(const Config& config);

/// The same for the dispatcher of `admin_mail`, where there is one.
keeper::SpawnPlan planAdminMail(const Config& config);

/// All that have a file to check: `plans`, and that of admin_mail.
std::vector<keeper::SpawnPlan> withAdminMail(const Config& config, std::vector<keeper::SpawnPlan> plans);

/// What a check of the dispatchers' files has found, a line each.
struct DispatcherProblems {
  std::string wrong;   // a file or a program: stays so until somebody changes it
  std::string silent;  // a worker program that gave no answer in time: may pass
  std::string unseen;  // what could not be checked here; no problem
  bool none() const { return wrong.empty() && silent.empty(); }
  std::string text() const { return wrong + silent; }
  /// Temporary only where nothing is wrong for good.
  int status() const;
};

/// How long a worker program may take to check its file. A host that has just started reads all of them from
/// its disk, together with everything else: that is no wrong configuration.
constexpr kj::Duration CHECK_PATIENCE = 30 * kj::SECONDS;

/// Every dispatcher's own file, read and checked by its own worker program, all of them at once.
kj::Promise<DispatcherProblems> findDispatcherProblems(kj::AsyncIoContext& io,
                                                       const std::vector<keeper::SpawnPlan>& plans,
                                                       kj::Duration patience = CHECK_PATIENCE);
/// The same before anything else runs. Throws StartUpError with all problems.
void checkDispatchers(kj::AsyncIoContext& io, const std::vector<keeper::SpawnPlan>& plans,
                      kj::Duration patience = CHECK_PATIENCE);
/// All that `--check` looks at: also the files of dispatchers that systemd starts, as far as this user may
/// read them. Returns what could not be read, a line each. Throws as checkDispatchers().
std::string checkAll(kj::AsyncIoContext& io, const Config& config);
/// The same for a daemon, which may be told to end meanwhile: the worker programs are ended then.
enum class Checked { good, toldToEnd };
Checked checkDispatchersUnless(kj::Promise<void> told, kj::AsyncIoContext& io,
                               const std::vector<keeper::SpawnPlan>& plans);

/// The lock that says "one smsd a state directory", and this supervisor's name: the same in every run with
/// that directory.
struct Instance {
  kj::AutoCloseFd lock;
  std::string name;
};
Instance takeInstance(const std::filesystem::path& stateDirectory);

}  // namespace smsd
