// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl status` and `smsctl dispatcher list`: ask the running daemon, and print what status/ makes of the
// answer. Called by smsctl's main. Changes nothing, except that nudge() wakes the daemon.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "common/io/output.h"
#include "common/text/shell.h"
#include "common/text/utf.h"
#include "supervisor/control/client.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/status/absence.h"
#include "supervisor/smsctl/status/dispatcher-table.h"
#include "supervisor/smsctl/status/names.h"
#include "supervisor/smsctl/status/not-running.h"
#include "supervisor/smsctl/status/screen.h"
#include "supervisor/smsctl/status/status-json.h"

namespace smsd::smsctl {
namespace {

using Response = capnp::Response<proto::Control::StatusResults>;
using Clock = std::chrono::steady_clock;
using Findings = std::vector<StatusFinding>;

Response ask(control::Client& client) {
  return client.wait<Response>(client.control().statusRequest().send());
}

std::chrono::seconds upFor(proto::Status::Reader status) { return std::chrono::seconds(status.getUpFor()); }

Frame frameOf(const StatusArguments& arguments) {
  Frame frame;
  frame.whole = arguments.detail == StatusArguments::Detail::all;
  frame.option = optionOf(arguments.file);
  return frame;
}

/// Whether the file of a dispatcher that smsd itself starts is younger than smsd, and may be wrong. Its
/// worker checks it only at a reload or at the next start.
bool hasChangedFile(const config::Config& config, std::chrono::seconds upFor) {
  const auto started = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - upFor);
  const auto isChanged = [started](const config::DispatcherConfig& one) {
    struct stat status {};
    return one.activation == config::Activation::spawn && access(one.config.c_str(), R_OK) == 0 &&
           stat(one.config.c_str(), &status) == 0 && status.st_mtim.tv_sec >= started;
  };
  return std::any_of(config.dispatchers.begin(), config.dispatchers.end(), isChanged) ||
         (config.adminMail.enabled() && isChanged(config.adminMail.worker));
}

Findings ofFiles(const config::ConfigRead& read, const std::string& file) {
  Findings findings = whyNotStarting(file, read);
  for (auto& one : findings) {
    one.rank = StatusFinding::Rank::attention;
    one.what = "smsd could not start again: " + one.what;
  }
  return findings;
}

/// The daemon runs on the configuration that it read; a restart would read the file as it is now. A file that
/// this user may not read is not judged.
std::vector<StatusFinding> findingsOfFile(const config::ConfigRead& read, const std::string& file,
                                          std::chrono::seconds upFor) {
  if (access(file.c_str(), R_OK) != 0) return {};
  if (read.problems.empty()) return hasChangedFile(read.config, upFor) ? ofFiles(read, file) : Findings();
  const auto& first = read.problems.front();
  return {{StatusFinding::Rank::attention,
           fmt::format("smsd could not start again: {}: {}", first.where, first.what),
           {},
           "smsctl config check"}};
}

/// The answer of the daemon, or what is known without one.
struct DaemonLook {
  std::optional<control::Client> client;  // which the answer needs
  std::optional<Response> answer;
  Absence absence;
};

/// `known`: an earlier look found that nobody listens, and why, which takes long to find out. Throws what no
/// absence of the daemon explains: it closed the connection, or does not know the call.
DaemonLook lookAt(const StatusArguments& arguments, const config::ConfigRead& read,
                  const std::optional<Absence>& known = {}) {
  DaemonLook look;
  const auto nobody = [&]() { return known ? *known : whenNobodyListens(arguments.file, read); };
  if (!namesSocket(read, namedIn(arguments.file))) {
    look.absence = nobody();
    return look;
  }
  try {
    look.client.emplace(socketOfStatus(read.config));
    look.answer.emplace(ask(*look.client));
  } catch (const control::Unreachable& error) {
    using Why = control::Unreachable::Why;
    if (error.why() == Why::notRunning)
      look.absence = nobody();
    else if (error.isFull())
      look.absence = whenItHangs(arguments.file, read, 0);
    else
      look.absence = whenInDoubt(error.what(), statusOf(error));
  } catch (const kj::Exception& error) {
    if (error.getType() != kj::Exception::Type::OVERLOADED) throw;
    look.absence = whenItHangs(arguments.file, read, look.client->pid());
  }
  return look;
}

/// A view of the daemon, or of the reasons why there is none.
class StatusView {
 public:
  explicit StatusView(const StatusArguments& arguments) : arguments_(arguments), frame_(frameOf(arguments)) {}

  /// Returns the lines to show; status() is the exit status then. The rate of a watch is
  /// counted from one call to the next.
  io::Lines lines() {
    const auto read = config::readConfig(arguments_.file, config::Reach::valuesOnly);
    frame_.user = userOfSmsd(read.config.stateDirectory);
    auto look = lookAt(arguments_, read, nobody_);
    return look.answer ? present(look.answer->getStatus(), read) : absent(look.absence);
  }
  int status() const { return status_; }
  /// What follows the lines with --verbose.
  const std::string& table() const { return table_; }

 private:
  struct Before {
    Clock::time_point at;
    std::uint32_t pid = 0;
    std::uint64_t sent = 0;
  };

  io::Lines present(proto::Status::Reader status, const config::ConfigRead& read) {
    nobody_.reset();
    status_ = status.getHealthy() ? 0 : 1;
    if (frame_.whole) table_ = "\n" + dispatcherTable(status.getDispatchers(), status.getVersion().cStr());
    return screenOf(status, findingsOfFile(read, arguments_.file, upFor(status)), frame_, paceOf(status));
  }

  io::Lines absent(const Absence& absence) {
    if (absence.isInDoubt()) throw CommandError(absence.status, absence.head);
    table_.clear();
    before_.reset();
    nobody_.reset();
    if (absence.runs != Absence::Runs::yes) nobody_ = absence;
    status_ = absence.status;
    return screenOf(absence.head, absence.findings, frame_);
  }

  std::optional<WatchRate> paceOf(proto::Status::Reader status) {
    const Before now{Clock::now(), status.getPid(), status.getQueue().getSent()};
    std::optional<WatchRate> pace;
    if (arguments_.watch == StatusArguments::Watch::yes && before_ && before_->pid == now.pid) {
      const double seconds = std::chrono::duration<double>(now.at - before_->at).count();
      if (seconds > 0) pace = WatchRate{static_cast<double>(now.sent - before_->sent) / seconds};
    }
    before_ = now;
    return pace;
  }

  const StatusArguments& arguments_;
  Frame frame_;
  int status_ = notRunning;
  std::string table_;
  std::optional<Absence> nobody_;  // found once, as long as there is no daemon
  std::optional<Before> before_;
};

int printJson(const StatusArguments& arguments) {
  const auto read = config::readConfig(arguments.file, config::Reach::valuesOnly);
  auto look = lookAt(arguments, read);
  const auto type = [option = frameOf(arguments).option,
                     user = userOfSmsd(read.config.stateDirectory)](Findings& findings) {
    for (auto& one : findings) {
      one.what = advised(one.what, option);
      one.next = typed(one.next, option, user);
    }
  };
  if (!look.answer) {
    type(look.absence.findings);
    io::print(dump(asJson(look.absence)));
    return look.absence.status;
  }
  auto status = look.answer->getStatus();
  auto findings = allFindings(status, findingsOfFile(read, arguments.file, upFor(status)));
  type(findings);
  io::print(dump(asJson(status, findings)));
  return status.getHealthy() ? 0 : 1;
}

volatile std::sig_atomic_t over = 0;

/// Prints a status of a watch. A failure is shown in its place, because the watch goes on.
int printOnce(const StatusArguments& arguments, StatusView& view, io::Colour colour) {
  const bool screen = isatty(STDOUT_FILENO) == 1;
  try {
    if (arguments.form == Form::json) return printJson(arguments);
    const io::Lines lines = view.lines();
    screen ? io::redraw(lines, colour) : io::print(lines, colour);
    io::print(view.table());
    if (!screen) io::print("\n");
    return view.status();
  } catch (const CommandError& error) {
    io::print(fmt::format("{}\n", error.what()));
    return error.status();
  } catch (const kj::Exception& error) {
    io::print(control::noAnswer(error) + "\n");
    return EX_TEMPFAIL;
  }
}

}  // namespace

int statusOf(const control::Unreachable& error) {
  return error.why() == control::Unreachable::Why::inDoubt ? EX_TEMPFAIL : notRunning;
}

int status(const StatusArguments& arguments) {
  if (arguments.form == Form::json) return printJson(arguments);
  const auto colour = io::wantedColour();
  StatusView view(arguments);
  io::print(view.lines(), colour);
  io::print(view.table());
  return view.status();
}

int listDispatchers(const Site& site, Form form) {
  auto client = runningDaemon(site);
  auto response = ask(client);
  auto status = response.getStatus();
  io::print(form == Form::json ? dump(asJson(status.getDispatchers()))
                               : dispatcherTable(status.getDispatchers(), status.getVersion().cStr()));
  return 0;
}

int watchStatus(const StatusArguments& arguments, Milliseconds interval) {
  struct sigaction interrupted {};
  interrupted.sa_handler = [](int) { over = 1; };  // without SA_RESTART: a signal ends the sleep below
  sigaction(SIGINT, &interrupted, nullptr);
  sigaction(SIGTERM, &interrupted, nullptr);
  const auto colour = io::wantedColour();
  StatusView view(arguments);
  int last = notRunning;
  while (over == 0) {
    last = printOnce(arguments, view, colour);
    io::flush();
    timespec pause{interval.count() / 1000, interval.count() % 1000 * 1'000'000};
    if (over == 0) nanosleep(&pause, nullptr);
  }
  return last;
}

void nudge(const config::Config& config) {
  try {
    control::Client client(config.controlSocket);
    client.wait<void>(client.control().nudgeRequest().send().ignoreResult());
  } catch (const control::Unreachable&) {
    // not running: the daemon reads the queue when it starts; in doubt: its next poll finds the message
  } catch (const kj::Exception&) {
    // busy or shutting down: its next poll finds the message
  }
}

}  // namespace smsd::smsctl
