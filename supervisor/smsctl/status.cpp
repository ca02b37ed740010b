// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl status` and `smsctl dispatcher list`: ask the running daemon, and print what status/ makes of the
// answer. Called by smsctl's main. Changes nothing, except that nudge() wakes the daemon.
#include <fmt/format.h>
#include <signal.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "common/io/output.h"
#include "common/text/shell.h"
#include "common/text/utf.h"
#include "supervisor/control/client.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/status/dispatcher-table.h"
#include "supervisor/smsctl/status/names.h"
#include "supervisor/smsctl/status/not-running.h"
#include "supervisor/smsctl/status/screen.h"
#include "supervisor/smsctl/status/status-json.h"

namespace smsd::smsctl {
namespace {

using Response = capnp::Response<proto::Control::StatusResults>;
using Clock = std::chrono::steady_clock;

Response ask(control::Client& client) {
  return client.wait<Response>(client.control().statusRequest().send());
}

Frame frameOf(const StatusArguments& arguments) {
  Frame frame;
  frame.whole = arguments.detail == StatusArguments::Detail::all;
  if (arguments.file != defaultConfig) frame.option = " --config " + text::shellWord(arguments.file);
  return frame;
}

/// For a user who may not look for the reason why no smsd answers.
std::vector<StatusFinding> whyNotSeen(const std::string& closed) {
  return {{StatusFinding::Rank::attention,
           fmt::format("this user cannot look for the reason: {}", closed),
           {},
           "systemctl status smsd"}};
}

/// The daemon runs on the configuration that it read; a restart would read the file as it is now. A file that
/// this user may not read is not judged.
std::vector<StatusFinding> findingsOfFile(const config::ConfigRead& read, const std::string& file) {
  if (read.problems.empty() || access(file.c_str(), R_OK) != 0) return {};
  const auto& first = read.problems.front();
  return {{StatusFinding::Rank::attention,
           fmt::format("smsd could not start again: {}: {}", first.where, first.what),
           {},
           "smsctl config check"}};
}

/// A file that cannot be read names no socket, and the default one may be another smsd's.
bool namesSocket(const config::ConfigRead& read, const StatusArguments& arguments) {
  return read.problems.empty() || arguments.file == defaultConfig ||
         read.config.controlSocket != config::Config().controlSocket;
}

/// A view of the daemon, or of the reasons why there is none.
class StatusView {
 public:
  explicit StatusView(const StatusArguments& arguments) : arguments_(arguments), frame_(frameOf(arguments)) {}

  /// Returns the lines to show; status() is the exit status then. The rate of a watch is
  /// counted from one call to the next.
  io::Lines lines() {
    const auto read = config::readConfig(arguments_.file, config::Reach::valuesOnly);
    try {
      if (!namesSocket(read, arguments_)) return absent(read);
      control::Client client(socketOfStatus(read.config));
      auto response = ask(client);
      return present(response.getStatus(), read);
    } catch (const control::Unreachable& error) {
      if (error.why() == control::Unreachable::Why::notRunning) return absent(read);
      throw;
    }
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
    why_.reset();
    status_ = status.getHealthy() ? 0 : 1;
    if (frame_.whole) table_ = "\n" + dispatcherTable(status.getDispatchers(), status.getVersion().cStr());
    return screenOf(status, findingsOfFile(read, arguments_.file), frame_, paceOf(status));
  }

  io::Lines absent(const config::ConfigRead& read) {
    table_.clear();
    before_.reset();
    const std::string closed = whyClosed(arguments_.file, namedIn(arguments_.file));
    status_ = read.problems.empty() || !closed.empty() ? notRunning : EX_CONFIG;
    if (!why_) why_ = closed.empty() ? whyNotRunning(arguments_.file, read) : whyNotSeen(closed);
    return screenOf(
        fmt::format("smsd is not running: no program listens at {}", read.config.controlSocket.string()),
        *why_, frame_);
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
  std::optional<std::vector<StatusFinding>> why_;  // found once, as long as there is no daemon
  std::optional<Before> before_;
};

int printJson(const StatusArguments& arguments) {
  const auto read = config::readConfig(arguments.file, config::Reach::valuesOnly);
  const auto unusable = [&read]() { return CommandError(EX_CONFIG, config::describe(read.problems)); };
  if (!namesSocket(read, arguments)) throw unusable();
  std::optional<control::Client> client;
  try {
    client.emplace(socketOfStatus(read.config));
  } catch (const control::Unreachable&) {
    if (!read.problems.empty() && whyClosed(arguments.file, namedIn(arguments.file)).empty())
      throw unusable();
    throw;
  }
  auto response = ask(*client);
  auto status = response.getStatus();
  auto findings = allFindings(status, findingsOfFile(read, arguments.file));
  for (auto& one : findings) one.next = typed(one.next, frameOf(arguments).option);
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
  } catch (const control::Unreachable& error) {
    io::print(fmt::format("{}\n", error.what()));
    return statusOf(error);
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

int listDispatchers(const config::Config& config, Form form) {
  control::Client client(config.controlSocket);
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
