// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/ledger.h"

#include <ctime>
#include <utility>

#include "common/fault.h"
#include "common/kj/duration.h"

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using queue::Queue;
using queue::QueueError;

// Grows only a little, so that sending resumes soon after the database is back: an attempt to connect costs
// almost nothing.
constexpr delivery::Backoff reconnecting{250ms, 2, 1500ms};

// A call without an answer for this long means that the database, or the network to it, hangs.
constexpr Milliseconds longSilence = 10s;

// After that the connection is cut, first when the call has lasted a lease, because then others may take
// over. Further cuts come at intervals that grow up to this one: a server that accepts each connection and
// answers on none would otherwise fill up with them.
constexpr Milliseconds seldomCut = 1h;
// If the call still hangs this many leases later, smsd may as well be restarted.
constexpr int leasesToTheEnd = 9;

// The history is purged in small steps, while there is nothing else to do.
constexpr Milliseconds firstPurge = 10s, purgeAgain = 1h, purgeAfterRefusal = 24h;
constexpr std::size_t purgeStep = 500;

/// Puts the undone entries in front of those that came since.
template <typename T>
void putBack(std::vector<T>& undone, std::vector<T>& waiting) {
  undone.insert(undone.end(), std::make_move_iterator(waiting.begin()),
                std::make_move_iterator(waiting.end()));
  waiting = std::exchange(undone, {});
}

}  // namespace

Ledger::Ledger(queue::QueueThread& queue, kj::Timer& timer, std::string name, Milliseconds lease,
               std::optional<Milliseconds> keepHistory, const events::Events& log, LedgerEvents& road)
    : queue_(queue),
      timer_(timer),
      name_(std::move(name)),
      lease_(lease),
      log_(log),
      road_(road),
      askedAt_(timer.now()),
      keepHistory_(keepHistory),
      purgeAt_(timer.now() + duration(firstPurge)),
      leaseUntil_(timer.now()),
      leaseUntilBoot_(0),
      renewAt_(timer.now()),
      retry_(timer, [this]() { work(); }),
      heartbeat_(timer, [this]() { work(); }),
      silence_(timer, [this]() { listen(); }),
      purge_(timer, [this]() { work(); }),
      bellTest_(timer, [this]() { work(); }),
      tasks_(*this) {}

kj::Promise<kj::Maybe<QueueError>> Ledger::enlist() {
  purge_.at(purgeAt_);
  auto asked = moment();
  return queue_.run([name = name_, lease = lease_](Queue& queue) { return queue.enlist(name, lease); })
      .then([this, asked](queue::Answer<queue::SupervisorId> answer) -> kj::Maybe<QueueError> {
        if (auto* error = std::get_if<QueueError>(&answer)) return *error;
        leaseStartedAt(asked);
        renewAt_ = asked.loop;  // the first renewal is due at once: it takes over from a predecessor
        return nullptr;
      });
}

/// The lease counts from the request, because the database may have answered late.
void Ledger::leaseStartedAt(Moment asked) {
  enlisted_ = true;
  leaseUntil_ = asked.loop + duration(lease_);
  leaseUntilBoot_ = asked.boot + lease_;
  renewAt_ = asked.loop + duration(lease_) / 2;
}

Ledger::Moment Ledger::moment() const {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {timer_.now(), std::chrono::seconds(boot.tv_sec) + Milliseconds(boot.tv_nsec / 1'000'000)};
}

bool Ledger::leaseRanOut() const {
  auto now = moment();
  return now.loop > leaseUntil_ || now.boot > leaseUntilBoot_;
}

/// Runs one operation. `then` gets its result; errors are handled here.
template <typename T, typename F, typename Then>
void Ledger::ask(F function, Then then, Proves proves) {
  busy_ = true;
  askedAt_ = timer_.now();
  if (!silence_.isSet()) silence_.in(longSilence);
  tasks_.add(
      queue_.run(kj::mv(function)).then([this, then = kj::mv(then), proves](queue::Answer<T> answer) mutable {
        answered();
        // Not after each answer: under load the next call follows at once, and needs the alarm.
        KJ_DEFER(if (!busy_) silence_.cancel());
        if (auto* error = std::get_if<QueueError>(&answer)) {
          if (error->kind() == QueueError::Kind::invalid && setAside(*error)) return work();
          putBack(settling_, unsettled_);
          putBack(recording_, unrecorded_);
          failed(*error);
          return;
        }
        // Any answer ends a silence.
        if (proves == Proves::itIsBack || std::exchange(silent_, false)) {
          failures_ = 0;
          cuts_ = 0;
          if (!std::exchange(away_, {}).empty()) {
            log_.queueBack();
            bell_.testSoon();
          }
        }
        const unsigned watches = queue_.watches();
        if (std::exchange(watches_, watches) != watches) bell_.testSoon();
        then(std::move(std::get<0>(answer)));
        road_.answered();
        work();
      }));
}

void Ledger::failed(const QueueError& error) {
  if (error.kind() == QueueError::Kind::fenced || error.kind() == QueueError::Kind::replaced) {
    enlisted_ = false;
    unsettled_.clear();
    unrecorded_.clear();
    road_.fenced(error);
    work();
    return;
  }
  claimTurn_ = false;  // repeat what failed first
  silent_ = false;
  retry_.in(reconnecting.after(++failures_));
  if (!std::exchange(away_, error.what()).empty()) return;
  log_.queueAway(error.what());
  road_.answered();
}

void Ledger::answered() {
  busy_ = false;
  if (std::exchange(cut_, false)) ++cuts_;
  lost_ = false;
}

/// Handles a call that hangs. Until it is answered, the queue counts as away, as in any other outage. The
/// fault may be in the connection alone, and a new one is cheap, so the connection is cut. If the call hangs
/// even then, it is stuck within this process.
void Ledger::listen() {
  if (!busy_ || retired_ || lost_) return;
  const Milliseconds patience =
      delivery::Backoff{std::max(lease_, longSilence), 2, seldomCut}.after(cuts_ + 1);
  const Milliseconds end = patience + leasesToTheEnd * lease_;
  const Milliseconds waited((timer_.now() - askedAt_) / kj::MILLISECONDS);
  auto again = [this](Milliseconds at) { silence_.at(askedAt_ + duration(at)); };
  if (waited < longSilence) return again(longSilence);
  if (!away()) saySilent();
  if (waited < patience) return again(patience);
  if (!std::exchange(cut_, true)) {
    log_.queueSilent(waited, events::Events::Still::acts);
    queue_.hangUp();
  }
  if (waited < end) return again(end);
  lost_ = true;
  log_.queueSilent(waited, events::Events::Still::givesUp);
}

void Ledger::saySilent() {
  silent_ = true;
  away_ = "it has not answered for " + config::printDuration(longSilence);
  log_.queueAway(away_);
  road_.answered();
}

/// The database refuses one of the settlements and always will. To find it, they are sent one by one. The
/// refused one is then settled as held: only its submission records the outcome of the SMS, and its messages
/// wait for an operator. If the database refuses that as well, the settlement is dropped, and the submission
/// stays in progress until smsd restarts.
bool Ledger::setAside(const QueueError& error) {
  if (settling_.empty()) return false;
  if (settling_.size() > 1) {
    oneByOne_ = settling_.size();
    putBack(settling_, unsettled_);
    return true;
  }
  auto refused = std::move(settling_.front());
  settling_.clear();
  bool again = aside_.insert(refused.submission.id).second;
  log_.settlementRefused(refused.submission, refused.outcome,
                         again ? events::Events::SetAside::held : events::Events::SetAside::forgotten,
                         error.what());
  if (!again) return true;
  refused.fate = queue::Fate::held;
  refused.reason = "the outcome was " + refused.outcome + ", but the database did not take it";
  refused.reference.clear();
  refused.wait.reset();
  unsettled_.insert(unsettled_.begin(), std::move(refused));
  oneByOne_ = std::max<std::size_t>(oneByOne_, 1);
  return true;
}

void Ledger::work() {
  if (busy_ || retired_ || retry_.isSet()) return;
  if (!enlisted_) return reenlist();
  if (timer_.now() >= renewAt_) return renew(Proves::nothing);
  if (std::exchange(claimTurn_, false) && claimNow()) return;
  if (recordNow() || settleNow() || claimNow()) return;
  if (away()) return renew(Proves::itIsBack);  // no other call would show that it is back
  if (sinceStart() >= bell_.testAt()) testBell();
  if (keepHistory_ && timer_.now() >= purgeAt_) return purge();
}

/// Runs beside the other operations, so that it delays none of them.
void Ledger::testBell() {
  bell_.testing();
  tasks_.add(queue_.testBell().then([this](queue::Answer<queue::BellTest> answer) { bellTested(answer); },
                                    [this](kj::Exception&& e) {
                                      bellTested(
                                          QueueError(QueueError::Kind::failed, e.getDescription().cStr()));
                                    }));
}

void Ledger::bellTested(const queue::Answer<queue::BellTest>& answer) {
  const auto* test = std::get_if<queue::BellTest>(&answer);
  const auto change = test != nullptr ? bell_.tested(sinceStart(), *test)
                                      : bell_.untestable(sinceStart(), std::get<QueueError>(answer).what());
  if (bell_.testAt() != queue::Bell::never)
    bellTest_.at(kj::origin<kj::TimePoint>() + duration(bell_.testAt()));
  if (change == queue::Bell::Change::none) return;
  log_.bellChanged(bell_.state(), bell_.problem());
  road_.bellChanged();
}

Milliseconds Ledger::sinceStart() const {
  return Milliseconds((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
}

void Ledger::purge() {
  purgeAt_ = timer_.now() + duration(purgeAgain);
  ask<Purged>(
      [age = *keepHistory_](Queue& queue) -> Purged {
        try {
          return {queue.purge(age, purgeStep), ""};
        } catch (const QueueError& error) {
          if (error.kind() == QueueError::Kind::unreachable) throw;
          return {queue::Purge::done, error.what()};
        }
      },
      [this](Purged purged) {
        if (!purged.refused.empty()) {
          log_.historyStays(purged.refused);
          purgeAt_ = timer_.now() + duration(purgeAfterRefusal);
        } else if (purged.left == queue::Purge::more) {
          purgeAt_ = timer_.now();
        }
        purge_.at(purgeAt_);
      },
      Proves::nothing);
}

void Ledger::reenlist() {
  auto asked = moment();
  ask<queue::SupervisorId>([name = name_, lease = lease_](Queue& queue) { return queue.enlist(name, lease); },
                           [this, asked](queue::SupervisorId) {
                             leaseStartedAt(asked);
                             renewAt_ = asked.loop;
                           });
}

/// Renews the lease, and takes over from supervisors whose lease has expired.
void Ledger::renew(Proves proves) {
  auto asked = moment();
  ask<Renewed>(
      [](Queue& queue) {
        queue.renew();
        auto orphans = queue.takeOver();
        return Renewed{std::move(orphans), queue.strained(), queue.takeClockStep()};
      },
      [this, asked](Renewed renewed) {
        leaseStartedAt(asked);
        heartbeat_.at(renewAt_);
        strainedBy(std::move(renewed.strained));
        if (renewed.clockStep) log_.clockStepped(*renewed.clockStep);
        if (!renewed.orphans.empty()) road_.adopted(std::move(renewed.orphans));
      },
      proves);
}

void Ledger::strainedBy(std::string what) {
  const bool before = !std::exchange(strained_, std::move(what)).empty();
  if (before == strained_.empty()) log_.queueStrained(strained_);
}

bool Ledger::settleNow() {
  if (unsettled_.empty()) return false;
  if (oneByOne_ > 0) {
    --oneByOne_;
    settling_.push_back(std::move(unsettled_.front()));
    unsettled_.erase(unsettled_.begin());
  } else {
    settling_ = std::exchange(unsettled_, {});
  }
  claimTurn_ = oneByOne_ == 0;
  ask<queue::SettleResult>([batch = &settling_](Queue& queue) { return queue.settle(*batch); },
                           [this](queue::SettleResult result) {
                             settling_.clear();
                             road_.settled(result);
                           });
  return true;
}

bool Ledger::recordNow() {
  if (unrecorded_.empty()) return false;
  recording_ = std::exchange(unrecorded_, {});
  ask<std::vector<queue::AttemptId>>(
      [batch = &recording_](Queue& queue) { return queue.recordAttempts(*batch); },
      [this](std::vector<queue::AttemptId> attempts) {
        road_.recorded(std::exchange(recording_, {}), std::move(attempts));
      });
  return true;
}

bool Ledger::claimNow() {
  auto wanted = road_.nextClaim();
  KJ_IF_MAYBE (request, wanted) {
    ask<queue::ClaimResult>([asked = kj::mv(*request)](Queue& queue) { return queue.claim(asked); },
                            [this](queue::ClaimResult result) { road_.claimed(std::move(result)); });
    return true;
  }
  return false;
}

kj::Promise<void> Ledger::retire() {
  retired_ = true;
  return queue_.run([](Queue& queue) { queue.retire(); }).ignoreResult();
}

void Ledger::taskFailed(kj::Exception&& exception) {
  answered();
  putBack(settling_, unsettled_);
  putBack(recording_, unrecorded_);
  failed(QueueError(QueueError::Kind::failed, faultOf(exception)));
}

}  // namespace smsd::road
