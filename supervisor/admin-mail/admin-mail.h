// Mail to the administrators: what the journal says from a level up, in few mails.
//
// Owns what was heard and not mailed yet, the pace of the mails, and one dispatcher of its own, which no SMS
// goes through. Told by the journal (heard) and by its keeper. Never blocks, never waits for a mail server,
// never holds up the road: a mail is an SMS to its own worker, and while that one is down, what was heard is
// counted and its last lines are kept. Never mails what concerns mail itself: that it is down is said in the
// journal, once.
//
// Wart C50: NAV made an SMTP session of each error, inside the loop that sends, with the text and the
// gateway's URL in it.
#pragma once

#include <kj/function.h>
#include <kj/timer.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/journal/journal.h"
#include "supervisor/admin-mail/collection.h"
#include "supervisor/admin-mail/pace.h"
#include "supervisor/alarm.h"
#include "supervisor/config.h"
#include "supervisor/events.h"
#include "supervisor/keeper/keeper.h"

namespace smsd {

class AdminMail final : public keeper::DispatcherEvents {
 public:
  /// `host` is what the mails call this host, `name` this supervisor's (see Instance).
  AdminMail(kj::Timer& timer, const AdminMailConfig& config, Events& events, const std::string& host,
            const std::string& name, const std::filesystem::path& stateDirectory);

  /// The keeper of its dispatcher, which reports to this object.
  void use(std::unique_ptr<keeper::Keeper> keeper);
  void start();
  /// An entry was written to the journal.
  void heard(const journal::Entry& entry);
  /// For the end of the daemon: mails what is left where that is due, or where the daemon failed, and
  /// resolves when it was taken or some seconds are over. Ends the worker.
  enum class Ending { asTold, failed };
  kj::Promise<void> finish(Ending ending);

  const keeper::Keeper& keeper() const { return *keeper_; }
  /// The last mail was not taken, or none can be tried.
  bool down() const { return down_; }
  /// Called when down() has changed.
  void whenChanged(kj::Function<void()> changed) { changed_ = kj::mv(changed); }

  void dispatcherReported(std::size_t dispatcher, std::vector<AttemptOutcome> outcomes) override;
  void dispatcherChanged(std::size_t dispatcher) override;
  bool mayBegin() const override { return true; }

 private:
  struct Letter {
    std::string text;
    std::string key;
    Collection holds;
  };

  void schedule();
  void send();
  void dispatch();
  void settle(const Outcome& outcome);
  void sayDown(const std::string& why);
  void sayLastWord();
  bool workerMayCome() const;

  kj::Timer& timer_;
  AdminMailConfig config_;
  Events& events_;
  std::string host_;
  std::string name_;
  std::unique_ptr<keeper::Keeper> keeper_;

  Collection waiting_;
  std::optional<Letter> letter_;  // on its way, or to be sent again as it is
  queue::AttemptId out_ = 0;      // the letter's attempt; 0: it is not out
  std::uint64_t started_;         // Unix milliseconds: makes attempts and keys those of this run
  std::uint64_t attempts_ = 0;
  std::uint64_t letters_ = 0;
  Pace pace_;
  int failures_ = 0;  // in a row
  bool down_ = false;
  Ending ending_ = Ending::asTold;
  bool lastWord_ = false;
  bool lastIsDue_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> finished_;
  kj::Function<void()> changed_ = []() {};
  Alarm due_;
};

}  // namespace smsd
