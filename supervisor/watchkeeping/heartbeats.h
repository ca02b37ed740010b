// SPDX-License-Identifier: GPL-3.0-or-later
// Watches the heartbeats that smsd.yaml expects of other programs, and sends an alert when one is missing.
//
// Owns when this supervisor looks at them, its own last looks, and what status shows. Called by the daemon,
// the reloader and the control server, on the supervisor's loop; heartbeat-watch.h judges, on the queue's
// thread, inside the transaction that also writes the alert. All supervisors of a queue look; the queue keeps
// one state for all, so that one silence has one alert. Never retries a call at once: the next look follows
// anyway. While the queue is away it does not look, and that time does not count.
#pragma once

#include <kj/async.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/road/road.h"
#include "supervisor/watchkeeping/heartbeat-watch.h"

namespace smsd::watchkeeping {

/// The state of one heartbeat, for an operator.
struct HeartbeatState {
  std::string name;
  Milliseconds every{0}, grace{0};
  bool known = false;                                     // this supervisor has looked at it
  std::optional<Milliseconds> lastAgo = std::nullopt;     // none: none has ever come
  std::optional<Milliseconds> missingFor = std::nullopt;  // none: it is not missing
  Milliseconds dueIn{0};     // until it counts as missing, if smsd watches all the time
  std::uint64_t came = 0;    // heartbeats that looks of this process found
  std::uint64_t alerts = 0;  // alerts that this process has written
};

class Heartbeats final : private kj::TaskSet::ErrorHandler {
 public:
  Heartbeats(queue::QueueThread& queue, kj::Timer& timer, road::Road& road, const events::EventLog& log);

  void start();
  void stop();
  /// The road's configuration has changed.
  void reconfigured();
  /// Looks at once, or after the look in progress.
  void look();

  bool expects(const std::string& name) const;
  std::vector<HeartbeatState> states() const;
  /// Why no heartbeat is watched although some are expected; empty: they are watched.
  const std::string& problem() const { return problem_; }
  /// Whether the queue's thread still works on a look.
  bool busy() const { return looking_; }

 private:
  using Seen = queue::HeartbeatsSeen::Seen;
  using Change = queue::HeartbeatVerdict::Change;
  using Configs = std::vector<config::HeartbeatConfig>;
  struct Own {
    std::int64_t looks = 0;
    queue::Duration at{0};  // sinceBoot()
  };
  /// What the judge notes for afterwards, on the queue's thread, for each heartbeat.
  struct Judged {
    queue::Duration at{0};
    Change change = Change::none;
  };
  using Notes = std::map<std::string, Judged>;
  struct Memory {
    std::optional<Own> own;
    std::optional<Seen> seen;       // the last look that worked
    queue::Duration at{0};          // of that look, sinceBoot()
    queue::Duration watched{0};     // until when it was watched, or need not be, sinceBoot()
    Change inDoubt = Change::none;  // of a look whose commit was not confirmed
    std::uint64_t came = 0, alerts = 0;
  };

  const Configs& expected() const { return road_.config().heartbeats; }
  queue::HeartbeatLook request(std::shared_ptr<Notes> notes) const;
  void leftOut(const std::vector<std::string>& numbers);
  void lookNow();
  void looked(const queue::HeartbeatsSeen& seen, const Notes& notes);
  void note(const config::HeartbeatConfig& heartbeat, const Seen& seen, const Judged& judged);
  void failed(const queue::QueueError& error, const Notes& notes);
  bool late() const;
  void nextLook(Milliseconds atMost);
  Milliseconds step() const;
  void unwatched(std::string why);
  void taskFailed(kj::Exception&& exception) override;

  queue::QueueThread& queue_;
  road::Road& road_;
  const events::EventLog& log_;
  std::map<std::string, Memory> memory_;
  std::map<std::string, std::vector<std::string>> spellings_;  // of the numbers, as messages had them
  std::string problem_;
  bool running_ = false, looking_ = false, again_ = false;
  Alarm next_;
  kj::TaskSet tasks_;
};

/// Returns the text of an alert; at most 140 characters of GSM 03.38.
std::string alertText(const config::HeartbeatConfig& heartbeat, const queue::HeartbeatRecord& record);
std::string allClearText(const config::HeartbeatConfig& heartbeat);
/// Returns in words since when a heartbeat is missing: "is missing since ...".
std::string missingWords(const queue::HeartbeatRecord& record);

}  // namespace smsd::watchkeeping
