// SPDX-License-Identifier: GPL-3.0-or-later
// Mail to the administrators: journal entries of a configured level and above, in few mails.
//
// Owns the entries that are not mailed yet, the pace of the mails, and one dispatcher of its own, which
// carries no SMS. Called by the journal (heard) and by its keeper. Never blocks, never waits for a mail
// server, never delays the road: a mail is an SMS to a worker of its own, and while that worker is down,
// entries are counted and the last lines are kept. Never mails entries about mail itself: its failure is
// logged once.
//
// NAV's smsd opened an SMTP session for each error, inside the loop that sends, and mailed the text of the
// SMS and the URL of the gateway.
#pragma once

#include <kj/function.h>
#include <kj/timer.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/journal/journal.h"
#include "common/kj/alarm.h"
#include "supervisor/admin-mail/digest.h"
#include "supervisor/admin-mail/mail-interval.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/keeper/keeper.h"

namespace smsd::admin_mail {

class AdminMail final : public keeper::DispatcherEvents {
 public:
  /// `host`: this host's name in the mails. `name`: this supervisor's (see Instance).
  AdminMail(kj::Timer& timer, const config::AdminMailConfig& config, events::EventLog& events,
            const std::string& host, const std::string& name, const std::filesystem::path& stateDirectory);

  /// The keeper of its dispatcher, which reports to this object.
  void use(std::unique_ptr<keeper::Keeper> keeper);
  void start();
  /// Applies a reload. The entries that wait stay, and a mail in flight is finished by the present worker.
  void use(const config::AdminMailConfig& config);
  /// Called when an entry was written to the journal.
  void heard(const journal::Entry& entry);
  /// For the end of the daemon: mails the rest if a mail is due or the daemon failed. Resolves when the mail
  /// was taken, or after some seconds. Ends the worker.
  enum class Ending { asTold, failed };
  kj::Promise<void> finish(Ending ending);

  keeper::Keeper& keeper() { return *keeper_; }
  /// Returns why no mail is taken, and for how long; none: the last mail was taken.
  struct Outage {
    std::string why;
    kj::Duration lasted;
  };
  kj::Maybe<Outage> outage() const;
  /// The state of the mail, for an operator.
  struct Report {
    std::string dispatcher;
    keeper::State state;
    std::string reason;  // why it is not ready
    kj::Duration since;  // in this state
    Milliseconds interval;
    std::uint64_t sent;     // by this run
    std::uint64_t waiting;  // entries for the next mail
    kj::Maybe<kj::Duration>
        sentAgo;  // the last mail, perhaps by an earlier run; none: there is no record of one
  };
  Report report() const;
  /// Mails what waits, or an entry that says that `why`, without waiting for the interval. `worker`: with the
  /// present one, tried at once if it backs off, or with a fresh one. outage() shows the result.
  enum class Worker { present, fresh };
  void tryNow(Worker worker, const std::string& why);
  /// Sets the function to call when outage() begins or ends.
  void whenChanged(kj::Function<void()> changed) { changed_ = kj::mv(changed); }

  void dispatcherReported(std::size_t dispatcher, std::vector<delivery::AttemptOutcome> outcomes) override;
  void dispatcherChanged(std::size_t dispatcher) override;
  bool mayBegin() const override { return true; }

 private:
  struct Mail {
    std::string text;
    std::string key;
    Collection entries;
  };

  void schedule();
  void send();
  void dispatch();
  void takeOutcome(const delivery::Outcome& outcome);
  void sayDown(const std::string& why);
  void sayLastWord();
  bool workerMayCome() const;

  kj::Timer& timer_;
  config::AdminMailConfig config_;
  events::EventLog& events_;
  std::string host_;
  std::string name_;
  std::unique_ptr<keeper::Keeper> keeper_;

  Collection waiting_;
  std::optional<Mail> mail_;  // in flight, or to be sent again unchanged
  queue::AttemptId out_ = 0;  // the mail's attempt; 0: it is not in flight
  std::uint64_t started_;     // Unix milliseconds: makes attempts and keys unique to this run
  std::uint64_t attempts_ = 0;
  std::uint64_t mails_ = 0;
  std::uint64_t sent_ = 0;
  Pace pace_;
  int failures_ = 0;  // in a row
  bool down_ = false;
  std::string why_;  // the last reason, if down_
  kj::TimePoint since_ = kj::origin<kj::TimePoint>();
  Ending ending_ = Ending::asTold;
  bool lastWord_ = false;
  bool lastIsDue_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> finished_;
  kj::Function<void()> changed_ = []() {};
  Alarm due_;
};

}  // namespace smsd::admin_mail
