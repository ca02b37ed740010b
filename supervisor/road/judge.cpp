// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/judge.h"

#include <utility>

#include "common/kj/duration.h"
#include "supervisor/delivery/quota.h"
#include "supervisor/road/round-end.h"

namespace smsd::road {
namespace {

std::uint64_t messagesOf(const queue::Submission& submission) {
  return submission.sms.sent.size() + submission.sms.ignored.size();
}

std::vector<format::MessageId> idsOf(const queue::Submission& submission) {
  auto ids = submission.sms.sent;
  ids.insert(ids.end(), submission.sms.ignored.begin(), submission.sms.ignored.end());
  return ids;
}

}  // namespace

Judge::Judge(Dependencies dependencies, Callbacks callbacks)
    : timer_(dependencies.timer),
      config_(dependencies.config),
      log_(dependencies.log),
      dispatchers_(dependencies.dispatchers),
      sms_(dependencies.sms),
      ledger_(dependencies.ledger),
      figures_(dependencies.figures),
      meters_(dependencies.meters),
      callbacks_(kj::mv(callbacks)),
      sentLog_(timer_, config_.log.sent, log_),
      wake_(timer_, [this]() {
        wakeDue();
        callbacks_.pump();
      }) {}

void Judge::claimed(std::vector<queue::Submission> submissions,
                    const std::vector<queue::InTheWay>& inTheWay) {
  for (auto& submission : submissions) {
    if (sms_.find(submission.id)) continue;  // a queue that returns it twice must not stop the rest
    Item& item = enter(std::move(submission));
    if (!item.submission.sms.text.empty()) {
      waitForRoom(item);
      continue;
    }
    log_.ignored(item.submission, "its text is empty");
    figures_.noteIgnored(Ignored::empty, "its text is empty", messagesOf(item.submission),
                         idsOf(item.submission));
    settle(item, queue::Fate::ignored, {delivery::OutcomeKind::refused, "its text is empty"});
  }
  for (auto& one : inTheWay) giveWay(one);
}

/// They count as handed over: the worker may have outlived its supervisor and know their outcomes.
std::vector<std::vector<const queue::Submission*>> Judge::adopted(
    std::vector<queue::Submission> submissions) {
  std::vector<std::vector<const queue::Submission*>> questions(dispatchers_.size());
  for (auto& submission : submissions) {
    if (sms_.find(submission.id)) continue;
    Item& item = enter(std::move(submission));
    item.attempt = Item::Attempt::used;
    item.last = {delivery::OutcomeKind::unknown, "its supervisor is gone", {}};
    item.maybeSent = true;
    item.since = timer_.now();
    KJ_IF_MAYBE (at, dispatchers_.find(item.submission.dispatcher)) {
      questions[*at].push_back(&item.submission);
      sms_.adopt(item);
    } else {
      forsaken(item);
    }
  }
  return questions;
}

void Judge::recorded(const std::vector<queue::NextAttempt>& next,
                     const std::vector<queue::AttemptId>& attempts) {
  for (std::size_t i = 0; i < next.size() && i < attempts.size(); ++i) {
    Item* item = sms_.recorded(next[i].id);
    if (item == nullptr) continue;
    item->submission.attempt = attempts[i];
    item->submission.dispatcher = next[i].dispatcher;
    item->attempt = Item::Attempt::fresh;
    waitForRoom(*item);
  }
}

void Judge::reported(std::size_t dispatcher, const std::vector<delivery::AttemptOutcome>& outcomes) {
  for (const auto& report : outcomes) {
    Item* item = sms_.ended(report.attempt);
    if (item == nullptr) continue;  // handed over before we were fenced
    judge(*item, dispatcher, report);
  }
}

delivery::Situation Judge::situation(const Item& item, std::size_t dispatcher,
                                     const delivery::AttemptOutcome& said) const {
  delivery::Situation result;
  result.begun = said.begun;
  result.givenBack = item.givenBack + 1;
  result.holds = config::unknownPolicy(config_, item.submission.severity) == config::UnknownPolicy::hold;
  result.unknownsHere = item.at(dispatcher).unknowns + 1;
  result.notUnderstood = item.notUnderstood;
  result.everyoneRefused = said.outcome.kind == delivery::OutcomeKind::refused;
  // A dispatcher removed by a reload counts neither as this dispatcher nor as one of the others.
  for (auto& keeper : dispatchers_) {
    Tried tried = item.at(keeper->index()).tried;
    if (keeper->index() == dispatcher) {
      result.sameKnowsKeys = keeper->knowsKeys();
      result.understandsNothing = keeper->understandsNothing();
      continue;
    }
    if (tried != Tried::refused) result.everyoneRefused = false;
    // The same dispatcher would not understand the second answer either: waiting for another is better.
    const bool comes = said.outcome.notUnderstood() && keeper->state() == keeper::State::starting;
    if (tried == Tried::no && (keeper->usable() || comes)) result.othersLeft = true;
  }
  return result;
}

void Judge::judge(Item& item, std::size_t dispatcher, const delivery::AttemptOutcome& said) {
  const delivery::Outcome& outcome = said.outcome;
  delivery::Situation situation = this->situation(item, dispatcher, said);
  delivery::Verdict fate = verdict(outcome, situation);
  meters_.attemptEnded(dispatcher, said, item.submission.sms.parts);
  if (said.begun == delivery::Begun::yes) {
    if (streaks_.size() <= dispatcher) streaks_.resize(dispatcher + 1);
    delivery::Blame blame = streaks_[dispatcher].judge(item.submission.recipient, outcome);
    item.blamed = item.blamed || blame == delivery::Blame::recipient;
    item.at(dispatcher).tried =
        outcome.kind == delivery::OutcomeKind::refused ? Tried::refused : Tried::failed;
    if (outcome.kind == delivery::OutcomeKind::unknown) {
      ++item.at(dispatcher).unknowns;
      item.maybeSent = true;
      if (outcome.notUnderstood()) ++item.notUnderstood;
    }
  }
  if (said.begun == delivery::Begun::no && ++item.givenBack > delivery::mostGivenBack)
    item.at(dispatcher).tried = Tried::failed;
  item.last = outcome;
  switch (fate) {
    case delivery::Verdict::sent:
      sentLog_.sent(item.submission, outcome.words,
                    Milliseconds((timer_.now() - item.since) / kj::MILLISECONDS));
      if (item.queued) meters_.accepted(between(*item.queued, timer_.now()));
      if (!item.submission.sms.ignored.empty()) figures_.noteLeftOut(item.submission.sms.ignored.size());
      return settle(item, queue::Fate::sent, outcome);
    case delivery::Verdict::ignored:
      log_.ignored(item.submission, "every dispatcher refused it; last reason: " + outcome.words);
      figures_.noteIgnored(Ignored::refused, "every dispatcher refused it; last reason: " + outcome.words,
                           messagesOf(item.submission), idsOf(item.submission));
      return settle(item, queue::Fate::ignored, outcome);
    case delivery::Verdict::held:
      log_.held(item.submission, outcome);
      meters_.held();
      return settle(item, queue::Fate::held, outcome);
    case delivery::Verdict::sameDispatcher:
      if (outcome.kind == delivery::OutcomeKind::unknown) log_.repeated(item.submission, outcome);
      item.at(dispatcher).tried = Tried::no;
      [[fallthrough]];
    case delivery::Verdict::otherDispatcher:
      return waitForRoom(item);
    case delivery::Verdict::nextRound:
      return waitOrGiveUp(item, outcome);
  }
}

void Judge::settle(Item& item, queue::Fate fate, const delivery::Outcome& outcome,
                   std::optional<Milliseconds> wait) {
  queue::Settlement settlement;
  settlement.failing = item.failingFor(timer_.now());
  settlement.submission = std::move(sms_.leave(item)->submission);
  settlement.fate = fate;
  settlement.outcome = name(outcome);
  (outcome.kind == delivery::OutcomeKind::accepted ? settlement.reference : settlement.reason) =
      outcome.words;
  settlement.wait = wait;
  const auto& pacing = config_.pacing;
  if (fate == queue::Fate::sent && pacing.on() && !pacing.exempts(settlement.submission.severity))
    settlement.pacing = pacing;
  settlement.rounds = settlement.submission.rounds;
  ledger_.settle(std::move(settlement));
}

void Judge::nobodyTook(Item& item) {
  delivery::Outcome last = item.last;
  // Wait until midnight, or until a more severe message comes, which may use the reserve.
  KJ_IF_MAYBE (by, dispatchers_.keptBackBy(item))
    last = {.kind = delivery::OutcomeKind::deferred,
            .words = dispatchers_[*by].name() + " has used up its SMS of today (per_day, reserve)",
            .after = delivery::untilTomorrow(),
            .reached = delivery::Reached::no};
  waitOrGiveUp(item, last);
}

/// No dispatcher took the SMS in this round.
void Judge::waitOrGiveUp(Item& item, const delivery::Outcome& outcome) {
  if (stopping_) return giveBack(item);
  queue::Submission& submission = item.submission;
  const RoundEnd end = endOf({.rounds = submission.rounds,
                              .blamed = item.blamed,
                              .maybeSent = item.maybeSent,
                              .blocksMoreSevere = item.urgency.has_value(),
                              .failingFor = item.failingFor(timer_.now()),
                              .asked = outcome.after,
                              .anyUsable = dispatchers_.firstUsable() != nullptr},
                             config_.retry);
  meters_.roundFailed(end.counts ? Meters::Counts::towardsTheLimit : Meters::Counts::no);
  if (end.counts && !item.failing) item.failing = timer_.now();
  if (end.then != RoundEnd::Then::waits) {
    const bool ignored = end.then == RoundEnd::Then::isIgnored;
    std::string why = "no dispatcher accepted it in " + std::to_string(end.rounds) + " rounds";
    if (ignored && config_.retry.giveUpAfter > 0ms)
      why += " and " + config::roughly(item.failingFor(timer_.now()).value_or(0ms));
    why += "; last answer: " + outcome.words;
    if (ignored) {
      log_.ignored(submission, why);
      figures_.noteIgnored(Ignored::givenUp, why, messagesOf(submission), idsOf(submission));
      return settle(item, queue::Fate::ignored, outcome);
    }
    callbacks_.endByItself("retry.limit is reached, " + why);
  }
  submission.rounds = end.rounds;
  using Rounds = events::EventLog::Patience::Rounds;
  if (end.wait > 0ms)
    log_.waits(submission, outcome, end.wait, {end.usedUp ? Rounds::usedUp : Rounds::left, end.givenUpIn});
  if (item.maybeSent) return waitForRound(item, end.wait);
  settle(item, queue::Fate::returned, outcome, end.wait);
  callbacks_.lookAgain(timer_.now() + duration(end.wait));
}

/// An SMS that may have been sent waits unchanged: formatted again, it would be another SMS with another key.
void Judge::waitForRound(Item& item, Milliseconds wait) {
  auto due = timer_.now() + duration(wait);
  sms_.waitForRound(item, due);
  wake_.notLaterThan(due);
}

void Judge::wakeDue() {
  for (Item* item : sms_.due(timer_.now())) wake(*item);
  if (auto next = sms_.nextRound()) wake_.at(*next);
}

std::size_t Judge::endWait(const std::optional<std::string>& recipient) {
  std::size_t ended = 0;
  for (Item* item : sms_.waiting()) {
    if (recipient && item->submission.recipient != *recipient) continue;
    item->submission.rounds = 0;
    item->failing.reset();
    wake(*item);
    ++ended;
  }
  wakeDue();
  return ended;
}

void Judge::wake(Item& item) {
  sms_.reconsider(item);
  item.nextRound();
  waitForRoom(item);
}

/// A message arrived for the same recipient that is more severe than this SMS. If the SMS was certainly not
/// sent, it is returned and formatted into one SMS with the message. If it may have been sent, it has to keep
/// its key: it goes first and at once, but only once for each such message.
void Judge::giveWay(const queue::InTheWay& one) {
  const auto found = sms_.find(one.id);
  if (!found) return;
  Item& item = *found->first;
  const Stage stage = found->second;
  if (stage == Stage::pending && !item.maybeSent) {
    sms_.reconsider(item);
    return settle(item, queue::Fate::returned,
                  {delivery::OutcomeKind::deferred, "a more severe message arrived for its recipient"});
  }
  if (!queue::moreSevere(one.severity, item.urgency)) return;
  // With a worker, or about to be: its outcome decides.
  if (stage == Stage::recording || stage == Stage::inFlight) {
    item.urgency = one.severity;
    return;
  }
  sms_.reconsider(item);
  item.urgency = one.severity;
  if (stage == Stage::waiting) item.nextRound();
  waitForRoom(item);
}

/// Its dispatcher is no longer configured, so no worker can report the outcome.
void Judge::forsaken(Item& item) {
  bool maySend = config::unknownPolicy(config_, item.submission.severity) == config::UnknownPolicy::resend &&
                 item.notUnderstood == 0;  // otherwise the current attempt was the repetition
  if (maySend) return waitForRoom(item);
  const delivery::Outcome last = item.last;
  log_.held(item.submission, last);
  meters_.held();
  settle(item, queue::Fate::held, last);
}

Item& Judge::enter(queue::Submission submission) {
  auto item = std::make_unique<Item>();
  item->submission = std::move(submission);
  item->notUnderstood = item->submission.notUnderstood;
  if (const auto& failing = item->submission.failing) item->failing = timer_.now() - duration(*failing);
  if (const auto& age = item->submission.queuedFor) item->queued = timer_.now() - duration(*age);
  return sms_.enter(std::move(item));
}

void Judge::waitForRoom(Item& item) {
  if (stopping_) return giveBack(item);
  sms_.waitForRoom(item);
}

void Judge::stop() {
  stopping_ = true;
  wake_.cancel();
  auto giveBackNow = [this](Item& item) {
    sms_.reconsider(item);
    giveBack(item);
  };
  while (!sms_.none(Stage::pending)) giveBackNow(*sms_.pending().begin()->second);
  for (Item* item : sms_.waiting()) giveBackNow(*item);
}

/// Gives an SMS that is not with a worker back to the queue, unless an earlier attempt may have sent it.
void Judge::giveBack(Item& item) {
  if (item.maybeSent) {
    ++leftUnknown_;  // stays live and keeps its key, for the supervisor that takes over
    sms_.leave(item);
    return;
  }
  returnUntried(item, "smsd stopped before it was handed over");
}

/// Returns it to the queue, claimable at once. Its recipient keeps its count of rounds.
void Judge::returnUntried(Item& item, const std::string& why) {
  std::optional<Milliseconds> wait;
  if (item.submission.rounds > 0) wait = 0ms;
  settle(item, queue::Fate::returned, {delivery::OutcomeKind::deferred, why}, wait);
}

}  // namespace smsd::road
