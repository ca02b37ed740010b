// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of smsctl: one function each. They print to stdout, return the exit status, and throw
// CommandError with a text for the operator. main.cpp parses the arguments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/control/client.h"
#include "supervisor/queue/queue.h"
#include "supervisor/road/test-sms.h"
#include "supervisor/smsctl/command-error.h"
#include "supervisor/smsctl/site.h"

namespace smsd::smsctl {

constexpr int notRunning = 3;  // exit status, as in `systemctl status` and LSB

/// Exit status: `notRunning`, or EX_TEMPFAIL if smsd may be running all the same.
int statusOf(const control::Unreachable& error);

enum class Form { text, json };

struct StatusArguments {
  std::string file = defaultConfig;  // the configuration; smsd may run although it cannot be used
  Form form = Form::text;
  enum class Detail { screen, all } detail = Detail::screen;
  enum class Watch { no, yes } watch = Watch::no;
};
/// `smsctl status`: 0 healthy, 1 running but not healthy, 3 not running, 78 not running and the configuration
/// cannot be used.
int status(const StatusArguments& arguments);
/// Repeats `smsctl status` every `interval` until it is interrupted, and returns the last exit status.
int watchStatus(const StatusArguments& arguments, Milliseconds interval);
/// `smsctl dispatcher list`
int listDispatchers(const Site& site, Form form);

/// `smsctl test`: 0 if a dispatcher accepted the SMS, 69 if none did, 65 if the request cannot be used.
int test(const Site& site, const road::TestSmsRequest& request, Form form);
/// `smsctl canary list`
int listCanaries(const Site& site, Form form);
/// `smsctl canary run`: 0 if each canary was accepted, 69 if one was not, 65 if none can be sent.
/// `dispatcher` empty: all that have canaries.
int runCanary(const Site& site, const std::string& dispatcher, Form form);
enum class Act { pause, resume, restart };
/// `smsctl dispatcher pause|resume|restart`: 1 if there is no such dispatcher; 74 if the act is in force, but
/// the daemon cannot make it permanent.
int steer(const Site& site, const std::string& name, Act act, Form form);
/// `smsctl reload`: 1, with the reasons, if the daemon refused it.
int reload(Site site, Form form);
/// `smsctl queue retry`: through the daemon if it runs, otherwise directly in the queue; 1 if there is no
/// such message; if the queue fails, the same exit status both ways.
int retry(const Site& site, const queue::Whom& whom, Form form);
/// `smsctl heartbeat NAME`: repeats its call for 15 s. 1 if no such heartbeat is expected; 75, 77 or 78 if it
/// cannot be recorded.
int heartbeat(const Site& site, const std::string& name, Form form);
/// `smsctl heartbeat`
int listHeartbeats(const Site& site, Form form);
/// `smsctl config check`: the same check as `smsd --check`.
int checkConfig(const std::string& file, Form form);

struct SendArguments {
  std::string recipient;
  std::string group;  // a name of groups.yaml instead of the recipient; empty: none
  std::string text;
  std::optional<int> severity;
};
/// `smsctl send`: puts a message into the queue, and wakes a running daemon.
int send(const Site& site, const SendArguments& arguments, Form form);

struct SubmitArguments {
  std::filesystem::path socket = config::defaultIntakeSocket;
  std::string recipient, group;  // one of them
  std::string text;
  int severity = 0;  // 0: none
  std::string key, cancels, label;
  std::uint32_t expiresIn = 0;  // seconds
};
/// `smsctl submit`: 77 if this user may not submit the alert, 75 if not now, 65 if nobody may.
int submit(const SubmitArguments& arguments, Form form);

struct ListArguments {
  queue::SentStatus status = queue::SentStatus::unsent;
  std::string recipient;  // empty: all
  std::size_t limit = 100;
};
int listQueue(const Site& site, const ListArguments& arguments, Form form);

struct CancelArguments {
  queue::Choice choice;
  enum class Consent { asked, given } consent = Consent::asked;  // given: --yes
  queue::Queue::Cancel cancel = queue::Queue::Cancel::act;       // preview: --dry-run
};
/// `smsctl queue cancel`: 64 if nothing is chosen and the operator can neither be asked nor has agreed; 1 if
/// the operator refuses, or the chosen message cannot be cancelled.
int cancelQueue(const Site& site, const CancelArguments& arguments, Form form);
/// `smsctl queue held`: lists SMS that may have been sent and wait for an operator.
int listHeld(const Site& site, std::size_t limit, Form form);
std::vector<queue::SubmissionId> idsOfHeld(const Site& site, std::size_t limit);
/// `smsctl queue release`, `smsctl queue discard`: 1 if no SMS with that id is held.
int releaseHeld(const Site& site, queue::SubmissionId id, Form form);
int discardHeld(const Site& site, queue::SubmissionId id, Form form);

/// `smsctl explain`, `smsctl queue show`: 1 if there is no such message.
int explainMessage(const Site& site, format::MessageId id, Form form);
int showMessage(const Site& site, format::MessageId id, Form form);

int installDatabase(const config::Config& config, const queue::InstallOptions& options, Form form);
int checkDatabase(const config::Config& config, Form form);

/// Writes the journal entry of an act on the queue, which the daemon does not notice. The daemon writes the
/// entries of commands over control.sock.
void noteAct(const config::Config& config, const std::string& act);

/// Wakes the daemon if it runs. Prints nothing.
void nudge(const config::Config& config);

}  // namespace smsd::smsctl
