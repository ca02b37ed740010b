// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/ledger.h"

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

Distribution::Time sinceStart(kj::TimePoint now) { return between(kj::origin<kj::TimePoint>(), now); }

struct Renewed {
  std::vector<queue::Submission> orphans;
  std::string strained, otherSettler;
  std::optional<queue::Duration> clockStep;
  queue::SchemaVersions schema;
};
/// A refused purge is kept apart, because it is no sign that the queue is in trouble.
struct Purged {
  queue::Purge left = queue::Purge::done;
  std::string refused;
};

}  // namespace

Ledger::Ledger(queue::QueueThread& queue, kj::Timer& timer, const kj::MonotonicClock& boot, std::string name,
               Milliseconds lease, std::optional<Milliseconds> keepHistory, const events::EventLog& log,
               LedgerEvents& road)
    : queue_(queue),
      timer_(timer),
      boot_(boot),
      name_(std::move(name)),
      log_(log),
      road_(road),
      purges_(keepHistory, timer.now()),
      lease_(lease, timer.now()),
      silence_(lease),
      bellTests_(
          queue, timer, [this]() { work(); },
          [this]() {
            log_.bellChanged(bell().state(), bell().problem());
            road_.bellChanged();
          }),
      retry_(timer, [this]() { work(); }),
      heartbeat_(timer, [this]() { work(); }),
      silenceDue_(timer, [this]() { lookAtSilence(); }),
      purgeDue_(timer, [this]() { work(); }),
      tasks_(*this) {}

kj::Promise<kj::Maybe<QueueError>> Ledger::enlist() {
  purgeDue_.at(purges_.at());
  auto asked = moment();
  return queue_
      .run([name = name_, lease = lease_.length()](Queue& queue) { return queue.enlist(name, lease); })
      .then([this, asked](queue::Answer<queue::SupervisorId> answer) -> kj::Maybe<QueueError> {
        if (auto* error = std::get_if<QueueError>(&answer)) return *error;
        lease_.enlisted(asked);
        return nullptr;
      });
}

Lease::Moment Ledger::moment() const { return {timer_.now(), boot_.now()}; }

bool Ledger::leaseRanOut() const { return lease_.ranOut(moment()); }

/// Runs one operation. `then` gets its result; errors are handled here.
template <typename T, typename F, typename Then>
void Ledger::ask(Call call, F function, Then then, Proves proves) {
  silence_.asked(timer_.now());
  calls_.began(call, sinceStart(timer_.now()));
  if (!silenceDue_.isSet()) silenceDue_.in(Silence::longSilence);
  tasks_.add(
      queue_.run(kj::mv(function)).then([this, then = kj::mv(then), proves](queue::Answer<T> answer) mutable {
        silence_.answered();
        calls_.answered(sinceStart(timer_.now()));
        // Not after each answer: under load the next call follows at once, and needs the alarm.
        KJ_DEFER(if (!silence_.asking()) silenceDue_.cancel());
        if (auto* error = std::get_if<QueueError>(&answer)) {
          calls_.failed(error->kind());
          if (error->kind() == QueueError::Kind::invalid && setAside(*error)) return work();
          unwritten_.undone();
          failed(*error);
          return;
        }
        // Any answer ends a silence.
        if (proves == Proves::itIsBack || silence_.isWhyAway()) {
          failures_ = 0;
          silence_.over();
          if (away_.set({}, timer_.now())) {
            log_.queueBack();
            bellTests_.queueBack();
          }
        }
        bellTests_.queueAnswered();
        then(std::move(std::get<0>(answer)));
        road_.answered();
        work();
      }));
}

void Ledger::failed(const QueueError& error) {
  if (error.kind() == QueueError::Kind::fenced || error.kind() == QueueError::Kind::replaced) {
    lease_.lost();
    unwritten_.drop();
    road_.fenced(error);
    work();
    return;
  }
  claimTurn_ = false;  // repeat what failed first
  silence_.callFailed();
  retry_.in(reconnecting.after(++failures_));
  if (goesAway(error.what())) road_.answered();
}

/// Returns whether the queue was not away before.
bool Ledger::goesAway(std::string why) {
  if (!away_.set(std::move(why), timer_.now())) return false;
  log_.queueAway(away_.words());
  return true;
}

/// Carries out the steps that are due when a call hangs.
void Ledger::lookAtSilence() {
  if (retired_) return;
  const auto due = silence_.look(timer_.now());
  if (due.away && !away()) saySilent();
  if (due.cut) {
    log_.queueSilent(due.waited, events::EventLog::Still::acts);
    queue_.hangUp();
  }
  if (due.lost) log_.queueSilent(due.waited, events::EventLog::Still::givesUp);
  if (due.lookAgain) silenceDue_.at(*due.lookAgain);
}

void Ledger::saySilent() {
  silence_.makesAway();
  goesAway("it has not answered for " + config::printDuration(Silence::longSilence));
  road_.answered();
}

/// Returns whether the database refuses a settlement, which is handled then.
bool Ledger::setAside(const QueueError& error) {
  using Then = Unwritten::Refused::Then;
  auto refused = unwritten_.refuse();
  if (!refused) return false;
  if (refused->then != Then::oneByOne)
    log_.settlementRefused(refused->settlement.submission, refused->settlement.outcome,
                           refused->then == Then::held ? events::EventLog::SetAside::held
                                                       : events::EventLog::SetAside::forgotten,
                           error.what());
  return true;
}

void Ledger::work() {
  if (silence_.asking() || retired_ || retry_.isSet()) return;
  if (!lease_.isEnlisted()) return reenlist();
  if (lease_.isDue(timer_.now())) return renew(Proves::nothing);
  if (std::exchange(claimTurn_, false) && claimNow()) return;
  if (recordNow() || settleNow() || claimNow()) return;
  if (away()) return renew(Proves::itIsBack);  // no other call would show that it is back
  if (bellTests_.isDue()) tasks_.add(bellTests_.run());
  if (purges_.isDue(timer_.now())) return purge();
}

void Ledger::purge() {
  purges_.begins(timer_.now());
  ask<Purged>(
      Call::purge,
      [age = *purges_.keep()](Queue& queue) -> Purged {
        try {
          return {queue.purge(age, PurgePlan::step), ""};
        } catch (const QueueError& error) {
          if (error.kind() == QueueError::Kind::unreachable) throw;
          return {queue::Purge::done, error.what()};
        }
      },
      [this](const Purged& purged) {
        if (!purged.refused.empty()) {
          log_.historyStays(purged.refused);
          purges_.refused(timer_.now());
        } else if (purged.left == queue::Purge::more) {
          purges_.leftSome(timer_.now());
        }
        purgeDue_.at(purges_.at());
      },
      Proves::nothing);
}

void Ledger::reenlist() {
  auto asked = moment();
  ask<queue::SupervisorId>(
      Call::enlist,
      [name = name_, lease = lease_.length()](Queue& queue) { return queue.enlist(name, lease); },
      [this, asked](queue::SupervisorId) { lease_.enlisted(asked); });
}

/// Renews the lease, and takes over from supervisors whose lease has expired.
void Ledger::renew(Proves proves) {
  auto asked = moment();
  ask<Renewed>(
      Call::renew,
      [](Queue& queue) {
        queue.renew();
        auto orphans = queue.takeOver();
        return Renewed{std::move(orphans), queue.strained(), queue.otherSettler(), queue.takeClockStep(),
                       queue.schema()};
      },
      [this, asked](Renewed renewed) {
        lease_.renewed(asked);
        heartbeat_.at(lease_.renewAt());
        strainedBy(std::move(renewed.strained));
        sawSchema(renewed.schema);
        settledByOther(std::move(renewed.otherSettler));
        if (renewed.clockStep) road_.clockStepped(*renewed.clockStep);
        road_.adopted(std::move(renewed.orphans));
      },
      proves);
}

void Ledger::strainedBy(std::string what) {
  if (strained_.set(std::move(what), timer_.now())) log_.queueStrained(strained_.words());
}

void Ledger::sawSchema(const queue::SchemaVersions& seen) {
  const queue::SchemaVersions before = std::exchange(schema_, seen);
  if (before != seen && (before.mixed() || seen.mixed())) log_.schemaSeen(seen);
}

/// Writes an entry when the sign appears, again every hour while it lasts, and when it is gone.
void Ledger::settledByOther(std::string sign) {
  const bool changed = otherSettler_.set(std::move(sign), timer_.now());
  const bool again = otherSettler_.there() && timer_.now() >= otherSettlerAgain_;
  if (!changed && !again) return;
  otherSettlerAgain_ = timer_.now() + 1 * kj::HOURS;
  log_.otherSettler(otherSettler_.words());
}

bool Ledger::settleNow() {
  const auto* batch = unwritten_.beginToSettle();
  if (batch == nullptr) return false;
  claimTurn_ = !unwritten_.oneByOne();
  ask<queue::SettleResult>(
      Call::settle, [batch](Queue& queue) { return queue.settle(*batch); },
      [this](queue::SettleResult result) {
        unwritten_.settled();
        road_.settled(result);
      });
  return true;
}

bool Ledger::recordNow() {
  const auto* batch = unwritten_.beginToRecord();
  if (batch == nullptr) return false;
  ask<std::vector<queue::AttemptId>>(
      Call::record, [batch](Queue& queue) { return queue.recordAttempts(*batch); },
      [this](std::vector<queue::AttemptId> attempts) {
        road_.recorded(unwritten_.recorded(), std::move(attempts));
      });
  return true;
}

bool Ledger::claimNow() {
  auto wanted = road_.nextClaim();
  KJ_IF_MAYBE (request, wanted) {
    ask<queue::ClaimResult>(
        Call::claim, [asked = kj::mv(*request)](Queue& queue) { return queue.claim(asked); },
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
  if (silence_.asking()) silence_.answered();
  unwritten_.undone();
  failed(QueueError(QueueError::Kind::failed, faultOf(exception)));
}

}  // namespace smsd::road
