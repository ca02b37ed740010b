// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of smsctl: one function each. They print to stdout, return the exit status, and throw
// CommandError with a text for the operator. main.cpp parses the arguments.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "supervisor/config/config.h"
#include "supervisor/control/client.h"
#include "supervisor/queue/queue.h"
#include "supervisor/road/test-sms.h"

namespace smsd::smsctl {

constexpr int notRunning = 3;  // exit status, as in `systemctl status` and LSB

/// Exit status: `notRunning`, or EX_TEMPFAIL if smsd may be running all the same.
int statusOf(const control::Unreachable& error);

class CommandError : public std::runtime_error {
 public:
  CommandError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

enum class Form { text, json };

/// `smsctl status`: 0 healthy, 1 running but not healthy, 3 not running.
int status(const config::Config& config, Form form);
/// Repeats `smsctl status` every `interval` until it is interrupted, and returns the last exit status.
int watchStatus(const config::Config& config, Milliseconds interval, Form form);
/// `smsctl dispatcher list`
int listDispatchers(const config::Config& config, Form form);

/// `smsctl test`: 0 if a dispatcher accepted the SMS, 69 if none did, 65 if the request cannot be used.
int test(const config::Config& config, const road::TestSmsRequest& request, Form form);
enum class Act { pause, resume, restart };
/// `smsctl dispatcher pause|resume|restart`: 1 if there is no such dispatcher; 74 if the act is in force, but
/// the daemon cannot make it permanent.
int steer(const config::Config& config, const std::string& name, Act act, Form form);
/// `smsctl reload`: 1, with the reasons, if the daemon refused it.
int reload(const std::string& file, Form form);
/// `smsctl queue retry`: through the daemon if it runs, otherwise directly in the queue; 1 if there is no
/// such message; if the queue fails, the same exit status both ways.
int retry(const config::Config& config, const queue::Whom& whom, Form form);
/// `smsctl config check`: the same check as `smsd --check`.
int checkConfig(const std::string& file, Form form);

struct SendArguments {
  std::string recipient;
  std::string text;
  std::optional<int> severity;
};
/// `smsctl send`: puts a message into the queue, and wakes a running daemon.
int send(const config::Config& config, const SendArguments& arguments, Form form);

struct ListArguments {
  queue::SentStatus status = queue::SentStatus::unsent;
  std::string recipient;  // empty: all
  std::size_t limit = 100;
};
int listQueue(const config::Config& config, const ListArguments& arguments, Form form);
int cancelQueue(const config::Config& config, Milliseconds minimumAge, Form form);
/// `smsctl queue held`: lists SMS that may have been sent and wait for an operator.
int listHeld(const config::Config& config, std::size_t limit, Form form);
/// `smsctl queue release`, `smsctl queue discard`: 1 if no SMS with that id is held.
int releaseHeld(const config::Config& config, queue::SubmissionId id, Form form);
int discardHeld(const config::Config& config, queue::SubmissionId id, Form form);

/// `smsctl explain`: 1 if there is no such message.
int explainMessage(const config::Config& config, format::MessageId id, Form form);

int installDatabase(const config::Config& config, const queue::InstallOptions& options, Form form);
int checkDatabase(const config::Config& config, Form form);

/// Writes the journal entry of an act on the queue, which the daemon does not notice. The daemon writes the
/// entries of commands over control.sock.
void noteAct(const config::Config& config, const std::string& act);

/// Wakes the daemon if it runs. Prints nothing.
void nudge(const config::Config& config);

}  // namespace smsd::smsctl
