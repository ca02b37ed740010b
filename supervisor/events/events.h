// SPDX-License-Identifier: GPL-3.0-or-later
// The journal entries of smsd: one function per event, which fills the fields.
//
// Owns the words, the levels, the MESSAGE_IDs (deploy/smsd.catalog explains each) and the masking of numbers.
// Called by the daemon, the reloader, the control server, the admin mail, the keeper and the road. Never
// receives the text of a message. One entry per change of state. It has more than 40 declarations, because
// each entry of the catalog is one.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/delivery/outcome.h"
#include "supervisor/queue/bell.h"
#include "supervisor/queue/queue.h"

namespace smsd::events {

/// "+4799887766" -> "+47*****66"
std::string masked(const std::string& recipient);

class EventLog {
 public:
  explicit EventLog(config::RecipientInLog recipients) : recipients_(recipients) {}
  void show(config::RecipientInLog recipients) { recipients_ = recipients; }

  void daemonStarted(const std::string& version, const std::string& queue, std::size_t dispatchers) const;
  void daemonStopping(std::size_t underWay) const;
  void daemonStopped(std::size_t left) const;
  /// `changes` is one line.
  void reloaded(const std::string& changes) const;
  /// `problems`: from config::describe(), one per line.
  void reloadRefused(const std::string& problems) const;

  /// An operator acted over control.sock. `act` describes the action, `uid` is that of the peer, if it is
  /// known.
  void operatorActed(const std::string& act, std::optional<unsigned> uid) const;
  void operatorSent(std::int64_t message, const std::string& recipient, std::optional<unsigned> uid) const;
  /// A cancel of many messages begins; operatorCancelled() follows unless smsd ends.
  void operatorCancels(const queue::Choice& choice, std::size_t count, std::optional<unsigned> uid) const;
  /// Names the first of the messages.
  void operatorCancelled(const queue::Choice& choice, const queue::Cancelled& cancelled,
                         std::optional<unsigned> uid) const;
  /// `recipient` none: all recipients.
  void operatorRetried(const std::optional<std::string>& recipient, std::optional<unsigned> uid) const;
  void operatorTested(const std::string& recipient, const std::string& result,
                      std::optional<unsigned> uid) const;

  /// A connection to `socket` was closed at once, because this user has `own` and all users have `all`
  /// connections open. `more`: connections turned away or ended since the last entry.
  void controlRefused(const std::string& socket, std::optional<unsigned> uid, unsigned own, unsigned all,
                      unsigned more) const;
  /// A connection to `socket` was closed because of `why`.
  void controlEnded(const std::string& socket, std::optional<unsigned> uid, const std::string& why,
                    unsigned more) const;

  /// `otherBuild`: its program's version, if that is another one than ours.
  void workerReady(const std::string& dispatcher, int pid, const std::vector<std::string>& lock,
                   const std::string& otherBuild) const;
  void workerGone(const std::string& dispatcher, int pid, const std::string& why, std::size_t lost) const;
  /// The worker should make room for a fresh process, and cannot, because it is of an older version. `unit`:
  /// systemd's.
  void workerStays(const std::string& dispatcher, const std::string& unit) const;
  void contractBroken(const std::string& dispatcher, int pid, const std::string& what,
                      unsigned strikes) const;
  void dispatcherReady(const std::string& dispatcher) const;
  void dispatcherResting(const std::string& dispatcher, const std::string& reason,
                         Milliseconds untilProbe) const;
  void dispatcherBroken(const std::string& dispatcher, const std::string& reason,
                        Milliseconds untilProbe) const;
  /// Paused by the operator.
  void dispatcherPaused(const std::string& dispatcher) const;
  void dispatcherResumed(const std::string& dispatcher) const;
  /// A restart would forget how much of per_day is used up.
  void dayNotKept(const std::string& dispatcher, const std::string& why) const;
  void noDispatcher() const;

  /// A dispatcher accepted its canary. `reference`: the gateway's, may be empty.
  void canaryAccepted(const std::string& dispatcher, const std::string& reference, Milliseconds took) const;
  /// `result`: "refused", or "not tried".
  void canaryFailed(const std::string& dispatcher, const std::string& result, const std::string& why,
                    Milliseconds took) const;
  /// `most`: canaries a day.
  void canariesUsedUp(int most) const;
  /// No canary leaves until its record can be kept.
  void canariesNotKept(const std::string& why) const;

  /// The step that follows when work is owed and nothing moves.
  enum class Still { acts, givesUp };
  void standsStill(Milliseconds since, Still what) const;

  void sent(const queue::Submission& submission, const std::string& reference, Milliseconds latency) const;
  /// SMS that were sent without an entry of their own.
  void sentMany(const std::string& dispatcher, std::size_t sms, std::size_t messages) const;
  void failedOver(const queue::Submission& submission, const delivery::Outcome& outcome,
                  const std::string& next) const;
  /// Whether a recipient that has used up its rounds goes on waiting, and until when at most.
  struct Patience {
    enum class Rounds { left, usedUp } rounds = Rounds::left;
    std::optional<Milliseconds> givenUpIn = std::nullopt;  // none: never
  };
  void waits(const queue::Submission& submission, const delivery::Outcome& outcome, Milliseconds wait,
             const Patience& patience) const;
  /// Messages to a recipient wait because of `pace`. Once in each window and hour.
  void paced(const std::string& recipient, const pace::Decision& decision) const;
  /// The SMS may have been sent, and is sent again through the same dispatcher, with the same key.
  void repeated(const queue::Submission& submission, const delivery::Outcome& outcome) const;
  void held(const queue::Submission& submission, const delivery::Outcome& outcome) const;
  /// The first answer since the dispatcher's configuration was read that this configuration does not
  /// understand.
  void answerNotUnderstood(const std::string& dispatcher, const std::string& words) const;
  void ignored(const queue::Submission& submission, const std::string& reason) const;
  void expired(std::size_t messages) const;

  /// The database refuses the outcome of an SMS. The SMS is held if the database accepts that; otherwise it
  /// stays in progress until a restart.
  enum class SetAside { held, forgotten };
  void settlementRefused(const queue::Submission& submission, const std::string& outcome, SetAside how,
                         const std::string& why) const;
  void historyStays(const std::string& why) const;
  /// The daemon ends by itself, as configured.
  void endsByItself(const std::string& why) const;

  /// Mail to the administrators cannot be sent; logged once.
  void adminMailDown(const std::string& dispatcher, const std::string& why) const;
  /// `carried`: entries in the mail.
  void adminMailBack(const std::string& dispatcher, std::uint64_t carried) const;

  /// A program's alert was refused. `more`: calls with refused alerts since the last entry about this user.
  void intakeRefused(std::optional<unsigned> uid, const std::string& why, unsigned more) const;
  /// There is no such user on this host.
  void intakeUserUnknown(const std::string& user) const;

  /// A heartbeat of another program did not come in time; `since`: the time of the last one, in words.
  void heartbeatMissing(const std::string& name, const std::string& how, const std::string& alertTo) const;
  void heartbeatBack(const std::string& name, std::optional<Milliseconds> missingFor) const;
  /// Why no heartbeat is watched; empty: they are watched again.
  void heartbeatsUnwatched(const std::string& why) const;

  void queueAway(const std::string& why) const;
  /// A call to the queue is not answered; `what` is the step that follows.
  void queueSilent(Milliseconds since, Still what) const;
  void queueBack() const;
  /// The queue works, but an operator has something to repair; `what` empty: no longer.
  void queueStrained(const std::string& what) const;
  /// The versions of the queue's schema have changed.
  void schemaSeen(const queue::SchemaVersions& seen) const;
  /// The sign that another program settles messages; empty: it is gone.
  void otherSettler(const std::string& sign) const;
  /// The bell is in another state than before.
  void bellChanged(queue::Bell::State state, const std::string& problem) const;
  /// `how`: which file, and what happened to it. `dropped`: SMS that were in progress.
  void queueReplaced(const std::string& how, std::size_t dropped) const;
  /// Messages were settled whose ids belong to other rows by now. Those rows were left as they are.
  void rowsReplaced(std::size_t messages) const;
  /// The database's clock was stepped: ahead, or (negative) back.
  void clockStepped(Milliseconds step) const;
  void fenced(std::size_t dropped) const;
  void takenOver(std::size_t submissions) const;

 private:
  std::string shown(const std::string& recipient) const;
  std::string chosen(const queue::Choice& choice) const;

  config::RecipientInLog recipients_;
};

}  // namespace smsd::events
