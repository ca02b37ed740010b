// SPDX-License-Identifier: GPL-3.0-or-later
// The reload on SIGHUP or on an operator's request: reads everything again, checks it as at a start, and
// applies all of it or nothing.
//
// Owns the signal, the reading beside the running daemon, and which dispatcher gets a fresh worker. Called by
// the daemon, for which it notifies systemd. Never holds up the loop: the files are small, and the workers'
// checks are child processes. A refused reload changes nothing, not even the bytes of the dispatchers' files.
#pragma once

#include <kj/async-io.h>

#include <map>
#include <string>
#include <vector>

#include "common/systemd/service.h"
#include "supervisor/admin-mail/mail-desk.h"
#include "supervisor/config/config-diff.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/road/road.h"
#include "supervisor/smsd/intake-socket.h"
#include "supervisor/watchkeeping/canary-watch.h"
#include "supervisor/watchkeeping/heartbeats.h"

namespace smsd {

class Reloader final : private kj::TaskSet::ErrorHandler {
 public:
  using Plans = std::vector<keeper::SpawnPlan>;
  using Read = kj::Function<config::ConfigRead()>;

  /// The parts of the daemon that a reload changes or notifies.
  struct Subject {
    road::Road& road;
    admin_mail::MailDesk& mail;
    watchkeeping::CanaryWatch& canaries;
    watchkeeping::Heartbeats& heartbeats;
    IntakeSocket& intake;
    events::EventLog& log;
    systemd::Service& service;
  };

  /// `read` reads smsd.yaml again and applies the command line's flags. `plans` are those in force, with that
  /// of the mail to the administrators as the last one, if there is such mail. `hire` starts each new keeper.
  /// SIGHUP must be captured before.
  Reloader(kj::AsyncIoContext& io, Subject subject, Plans plans, Read read,
           kj::Function<void(keeper::Keeper&)> hire);

  struct Result {
    std::string problems;  // empty: the new configuration is in force
    std::string changes;
  };
  /// Waits for a reload in progress first. Never fails.
  kj::Promise<Result> reload();

 private:
  kj::Promise<void> next();
  kj::Promise<Result> read();
  Result refuse(const std::string& problems);
  using Digests = std::map<std::string, std::size_t>;
  Result apply(config::Config config, config::Changes changes, Plans plans, Digests digests);
  /// Whether the worker's program, its file or a secret in a file named there has changed, as far as smsd
  /// reads these files.
  bool anotherFile(const keeper::SpawnPlan& plan, const Digests& digests) const;
  /// Returns the plan of the mail to the administrators, which is the last one if there is such mail.
  static keeper::SpawnPlan planOfMail(const config::Config& config, const Plans& plans);
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  road::Road& road_;
  admin_mail::MailDesk& mail_;
  watchkeeping::CanaryWatch& canaries_;
  watchkeeping::Heartbeats& heartbeats_;
  IntakeSocket& intake_;
  events::EventLog& log_;
  systemd::Service& service_;
  Digests digests_;                                 // by dispatcher: of the files that its file names
  std::map<std::string, keeper::SpawnPlan> plans_;  // by dispatcher
  Read read_;
  kj::Function<void(keeper::Keeper&)> hire_;
  kj::ForkedPromise<void> last_;  // the end of the last reload
  kj::TaskSet tasks_;
};

}  // namespace smsd
