// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsd/daemon.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/journal/journal.h"
#include "common/systemd/service.h"
#include "supervisor/admin-mail/mail-desk.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/control/control-server.h"
#include "supervisor/control/status-line.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/clock-watch.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"
#include "supervisor/smsd/intake-socket.h"
#include "supervisor/smsd/reloader.h"
#include "supervisor/startup/exit-status.h"
#include "supervisor/startup/start-up.h"
#include "supervisor/watchkeeping/canary-watch.h"
#include "supervisor/watchkeeping/heartbeats.h"
#include "version.h"

namespace smsd {
namespace {

// The time that stop_timeout does not count: the last outcomes of ended workers, the settlements, the lease.
constexpr Milliseconds lastSteps = 10s;

// A database that hangs must not keep smsd from ending.
constexpr auto lastCallPatience = 2 * kj::SECONDS;

/// Returns false if `call` to the queue is not finished in time, counted from the end of `from`. The queue's
/// thread cannot be interrupted, and destroying the call would wait for it: the caller keeps the call, and
/// _exits.
bool answers(kj::AsyncIoContext& io, kj::ForkedPromise<void>& call, kj::Promise<void> from) {
  auto& timer = io.provider->getTimer();
  return call.addBranch()
      .then([]() { return true; })
      .exclusiveJoin(
          from.then([&timer]() { return timer.afterDelay(lastCallPatience); }).then([]() { return false; }))
      .wait(io.waitScope);
}

/// Throws if the queue refuses.
void enlist(kj::AsyncIoContext& io, kj::ForkedPromise<void>& told, road::Road& road) {
  kj::Maybe<queue::QueueError> refused;
  auto enlisted =
      road.enlist().then([&refused](kj::Maybe<queue::QueueError> error) { refused = kj::mv(error); }).fork();
  if (!answers(io, enlisted, told.addBranch())) {
    journal::Entry(journal::Level::notice,
                   "stopped on request before it had started: the queue does not answer")
        .write();
    _exit(EX_OK);
  }
  KJ_IF_MAYBE (error, refused)
    throw startup::StartUpError(startup::exitStatus(*error), std::string(error->what()) + "\n");
}

std::string hostName() {
  utsname names{};
  uname(&names);
  return names.nodename;
}

control::Pauses readPauses(const std::filesystem::path& file) {
  try {
    return control::Pauses(file);
  } catch (const std::system_error& e) {
    throw startup::StartUpError(
        EX_NOINPUT,
        fmt::format("{}; smsd stores the names of the paused dispatchers in this file: remove it\n",
                    e.what()));
  }
}

/// Returns where to listen. A host on which systemd-tmpfiles has not created the folders of this version has
/// the socket of older versions, so that an upgrade ends no daemon.
control::ControlServer::Sockets socketsFor(const config::Config& config) {
  control::ControlServer::Sockets sockets{config.controlSocket, config.statusSocket};
  const auto lacksFolder = [](const std::filesystem::path& socket, const char* byDefault) {
    std::error_code ignored;
    return socket == byDefault && !std::filesystem::exists(socket.parent_path(), ignored);
  };
  std::string missing;
  if (lacksFolder(sockets.control, config::defaultControlSocket)) {
    missing = sockets.control.parent_path().string();
    sockets.control = config::formerControlSocket;
  }
  if (lacksFolder(sockets.status, config::defaultStatusSocket)) {
    missing += (missing.empty() ? "" : " and ") + sockets.status.parent_path().string();
    sockets.status.clear();
  }
  if (!missing.empty())
    journal::Entry(
        journal::Level::warning,
        fmt::format("there is no folder {}: smsctl works at {}{}; `systemd-tmpfiles --create` creates "
                    "the folders, then restart smsd",
                    missing, sockets.control.string(),
                    sockets.status.empty() ? ", and nothing at status.sock" : ""))
        .write();
  return sockets;
}

/// Reloads on an operator's request at the control socket.
kj::Promise<control::Subject::Reloaded> reloadFor(kj::Own<Reloader>& reloader) {
  using Reloaded = control::Subject::Reloaded;
  if (reloader.get() == nullptr) return Reloaded{"smsd is starting or stopping: nothing was read", ""};
  return reloader->reload().then([](Reloader::Result result) {
    return Reloaded{std::move(result.problems), std::move(result.changes)};
  });
}

}  // namespace

int runDaemon(kj::AsyncIoContext& io, kj::ForkedPromise<void>& told, const config::Config& config,
              const std::string& name, std::vector<keeper::SpawnPlan> plans,
              kj::Function<config::ConfigRead()> read) {
  events::EventLog log(config.log.recipient);
  road::Road* roadPointer = nullptr;
  // A copy, because the queue's thread opens the queue again whenever it loses it.
  queue::QueueThread queue([config]() { return config::openQueue(config); },
                           [&roadPointer]() {
                             if (roadPointer != nullptr) roadPointer->notice();
                           });
  const queue::BootClock boot;
  kj::Own<queue::QueueThread> forOperators;
  if (config::backendOf(config) != config::Backend::loaded)
    forOperators = kj::heap<queue::QueueThread>([config]() { return config::openQueue(config); }, []() {});
  road::Road road(queue, io.provider->getTimer(), boot, config, name, log);
  roadPointer = &road;
  enlist(io, told, road);

  // Journal entries written before this are not mailed.
  admin_mail::MailDesk mail(io, log, hostName(), name, config.stateDirectory);
  journal::Watch watch([&mail](const journal::Entry& entry) { mail.heard(entry); });
  const keeper::SpawnPlan mailPlan =
      config.adminMail.enabled() ? startup::planAdminMail(config) : keeper::SpawnPlan{};
  mail.use(config.adminMail, mailPlan, admin_mail::MailDesk::File::same);

  watchkeeping::CanaryWatch canaries(
      io.provider->getTimer(), road, log, config.stateDirectory / "canaries",
      []() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); });
  watchkeeping::Heartbeats heartbeats(queue, io.provider->getTimer(), road, log);
  auto byControl = kj::newPromiseAndFulfiller<void>();
  kj::Own<Reloader> reloader;
  control::Pauses pauses = readPauses(config.stateDirectory / "paused");
  control::ControlServer control(io, socketsFor(config),
                                 {road, queue, forOperators.get(), pauses, log, config::backendName(config),
                                  [&byControl]() { byControl.fulfiller->fulfill(); },
                                  [&reloader]() { return reloadFor(reloader); }, mail, canaries, heartbeats});
  IntakeSocket intake(io, queue, road, log);
  road::Keepers keepers;
  for (std::size_t i = 0; i < plans.size(); ++i)
    keepers.push_back(std::make_unique<keeper::Keeper>(io, config.dispatchers[i], plans[i],
                                                       road.dispatchers().indexOf(config.dispatchers[i].name),
                                                       log, road));
  road.dispatchers().use(std::move(keepers));
  auto setUp = [&pauses, folder = config.stateDirectory](keeper::Keeper& keeper) {
    if (pauses.has(keeper.name())) keeper.pause();
    keeper.countIn(folder / ("today-" + keeper.name()));
    keeper.start();
  };
  for (auto& keeper : road.dispatchers()) setUp(*keeper);
  road.start();
  heartbeats.start();
  log.daemonStarted(SMSD_VERSION, config::backendName(config), config.dispatchers.size());
  control::StatusLine line(io.provider->getTimer(), queue, road, mail, canaries, heartbeats);
  systemd::Service service(
      io.provider->getTimer(), [&road]() { return road.alive(); }, [&line]() { return line.text(); });
  road.whenChanged([&line, &service]() {
    line.noteChange();
    service.changed();
  });
  mail.whenChanged([&service]() { service.changed(); });
  canaries.whenChanged([&service]() { service.changed(); });
  service.ready();
  if (service.heard()) line.watch([&service]() { service.changed(); });
  if (config.adminMail.enabled()) plans.push_back(mailPlan);
  reloader = kj::heap<Reloader>(io, Reloader::Subject{road, mail, canaries, heartbeats, intake, log, service},
                                std::move(plans), kj::mv(read), std::move(setUp));

  canaries.start();

  int status = told.addBranch()
                   .exclusiveJoin(kj::mv(byControl.promise))
                   .then([]() { return int(EX_OK); })
                   .exclusiveJoin(road.limitReached().then([]() { return int(EX_UNAVAILABLE); }))
                   .wait(io.waitScope);
  reloader = nullptr;
  heartbeats.stop();
  service.stopping(road.config().stopTimeout + lastSteps);
  canaries.stop();
  std::size_t left = road.stop().wait(io.waitScope);
  auto retired = road.retire().fork();
  bool done = answers(io, retired, kj::READY_NOW);
  road.whenChanged([]() {});
  mail.whenChanged([]() {});
  log.daemonStopped(left);
  mail.finish(status == EX_OK ? admin_mail::AdminMail::Ending::asTold : admin_mail::AdminMail::Ending::failed)
      .wait(io.waitScope);
  if (control.busy() && forOperators.get() != nullptr) forOperators->hangUp();
  if (intake.busy()) intake.hangUp();
  if (!done || control.busy() || heartbeats.busy() || intake.busy()) _exit(status);
  return status;
}

}  // namespace smsd
