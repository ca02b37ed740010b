// The commands of smsctl: one function each. They print to stdout, return the exit status, and throw Failure
// with a text for the operator. Arguments are parsed in main.cpp.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "supervisor/config.h"
#include "supervisor/queue/queue.h"
#include "supervisor/road/trial.h"

namespace smsd::smsctl {

constexpr int notRunning = 3;  // exit status, as `systemctl status` and LSB have it

class Failure : public std::runtime_error {
 public:
  Failure(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

enum class Form { text, json };

/// `smsctl status`: 0 healthy, 1 running but not healthy, 3 not running.
int status(const Config& config, Form form);
/// The same again and again, until interrupted; the status is that of the last look.
int watchStatus(const Config& config, Milliseconds interval, Form form);
/// `smsctl dispatcher list`
int listDispatchers(const Config& config, Form form);

/// `smsctl test`: 0 when one took it, 69 when none did.
int test(const Config& config, const TrialRequest& request, Form form);
enum class Act { pause, resume, restart };
/// `smsctl dispatcher pause|resume|restart`: 1 when there is no such dispatcher.
int steer(const Config& config, const std::string& name, Act act, Form form);
/// `smsctl reload`: 1 when the daemon refused it, with the reasons.
int reload(const std::string& file, Form form);
/// `smsctl queue retry`: through the daemon where one runs, else at the queue; 1 when there is no such
/// message.
int retry(const Config& config, const queue::Whom& whom, Form form);
/// `smsctl config check`: as `smsd --check`.
int checkConfig(const std::string& file, Form form);

struct SendArguments {
  std::string recipient;
  std::string text;
  std::optional<int> severity;
};
/// `smsctl send`: puts a message into the queue, and tells a running daemon.
int send(const Config& config, const SendArguments& arguments, Form form);

struct ListArguments {
  queue::SentStatus status = queue::SentStatus::unsent;
  std::string recipient;  // empty: all
  std::size_t limit = 100;
};
int listQueue(const Config& config, const ListArguments& arguments, Form form);
int cancelQueue(const Config& config, Milliseconds minimumAge, Form form);
/// `smsctl queue held`: what may have been sent, and waits for a word.
int listHeld(const Config& config, std::size_t limit, Form form);
/// `smsctl queue release`, `smsctl queue discard`: 1 when nothing is held under that id.
int releaseHeld(const Config& config, queue::SubmissionId id, Form form);
int discardHeld(const Config& config, queue::SubmissionId id, Form form);

/// `smsctl explain`: 1 when there is no such message.
int explainMessage(const Config& config, MessageId id, Form form);

int installDatabase(const Config& config, const queue::InstallOptions& options, Form form);
int checkDatabase(const Config& config, Form form);

int explainKeys(Form form);

/// The journal entry of an act at the queue, which no daemon sees; those over control.sock are the daemon's
/// to write.
void noteAct(const Config& config, const std::string& act);

/// Wakes a running daemon, if there is one. Says nothing.
void nudge(const Config& config);

}  // namespace smsd::smsctl
