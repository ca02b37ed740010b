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

/// Every dispatcher's own file, read and checked by its own worker program. All problems at once.
void checkDispatchers(kj::AsyncIoContext& io, const std::vector<keeper::SpawnPlan>& plans);
/// The same beside a running daemon, all programs at once: resolves with the problems, a line each.
kj::Promise<std::string> findDispatcherProblems(kj::AsyncIoContext& io,
                                                const std::vector<keeper::SpawnPlan>& plans);

/// The lock that says "one smsd a state directory", and this supervisor's name: the same in every run with
/// that directory.
struct Instance {
  kj::AutoCloseFd lock;
  std::string name;
};
Instance takeInstance(const std::filesystem::path& stateDirectory);

}  // namespace smsd
