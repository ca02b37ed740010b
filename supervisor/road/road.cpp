// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/road.h"

#include <kj/debug.h>

#include <algorithm>
#include <climits>

namespace smsd::road {
namespace {

kj::Duration duration(Milliseconds value) {
  return static_cast<std::uint64_t>(value.count()) * kj::MILLISECONDS;
}

// Workers are ended after stop_timeout. The outcomes of their SMS arrive, and are settled, within this time.
constexpr auto lastWords = 2 * kj::SECONDS;

}  // namespace

Road::Road(queue::QueueThread& queue, kj::Timer& timer, const config::Config& config, std::string name,
           const events::Events& log)
    : timer_(timer),
      config_(config),
      log_(log),
      dispatchers_(timer),
      trials_(timer, dispatchers_, config.formatting,
              [this](const keeper::Keeper& keeper) {
                // Many SMS depend on the result of a probe, so a waiting alert goes before a test SMS.
                return !keeper.probes() || (sms_.none(Stage::pending) && !awaitsLook(keeper));
              }),
      ledger_(queue, timer, std::move(name), config.queue.lease, config.queue.keepHistory, log,
              static_cast<LedgerEvents&>(*this)),
      format_([rules = config.formatting](const std::vector<format::Message>& messages) {
        return format::format(messages, rules);
      }),
      plan_(static_cast<unsigned>(config.queue.mildShare)),
      turns_(static_cast<unsigned>(config.queue.mildShare)),
      stall_(
          timer, log, config, [this]() { return owed(); }, [this]() { unstick(); }),
      tally_(timer),
      judge_({timer, config_, log, dispatchers_, sms_, ledger_, tally_},
             {[this]() { pump(); }, [this](kj::TimePoint when) { look_.notLaterThan(when); },
              [this](const std::string& why) { endByItself(why); }}),
      patience_(timer, [this]() { pump(); }),
      look_(timer, [this]() { notice(); }),
      poll_(timer, [this]() {
        poll_.in(pollEvery());
        notice();
      }) {}

void Road::start() {
  start_.begin(timer_.now());
  poll_.in(pollEvery());
  pump();
}

void Road::bellChanged() {
  if (poll_.isSet()) poll_.notLaterThan(timer_.now() + duration(pollEvery()));
  changed_();
}

void Road::notice() {
  dispatchers_.wanted();
  plan_.notice();
  pump();
}

ClaimPlan::InHand Road::inHand(const keeper::Keeper& keeper) const {
  return sms_.inHand(std::max<std::size_t>(keeper.room(), keeper.out() > 0 ? keeper.capacity() : 1));
}

bool Road::mayClaimFor(std::size_t firstUsable) {
  using Preferred = StartDecision::Preferred;
  start_.look(dispatchers_.undecidedBefore(firstUsable) ? Preferred::undecided : Preferred::decided);
  if (!start_.made()) patience_.notLaterThan(start_.nextStep(timer_.now()));
  return start_.mayClaim(timer_.now());
}

/// A place that is scarce, or on which much depends (the only place of a modem, a probe), is given away only
/// if the head of the queue was looked at since the place became free.
void Road::watchPlaces() {
  for (auto& keeper : dispatchers_) {
    if (places_.size() <= keeper->index()) places_.resize(keeper->index() + 1);
    Place& place = places_[keeper->index()];
    const bool probe = keeper->probes() || keeper->triesForSome();
    const bool free = probe || (keeper->traits().window == 1 && keeper->out() == 0 && keeper->usable());
    if (free && !place.free) {
      if (probe) plan_.lookFirst();
      place.news = plan_.news();
    }
    place.free = free;
  }
}

bool Road::awaitsLook(const keeper::Keeper& keeper) const {
  if (places_.size() <= keeper.index()) return false;
  const Place& place = places_[keeper.index()];
  return place.free && plan_.awaits(place.news, inHand(keeper));
}

kj::Maybe<queue::ClaimRequest> Road::nextClaim() {
  if (!start_.begun() || stopping()) return nullptr;
  watchPlaces();
  auto request = [this](const ClaimPlan::Plan& plan, const keeper::Keeper& keeper) {
    return queue::ClaimRequest{.limit = plan.limit,
                               .look = plan.look,
                               .dispatcher = keeper.name(),
                               .format = format_,
                               .expireAfter = config_.queue.expireAfter,
                               .moreSevereThan = plan.moreSevereThan,
                               .longestWait = config_.retry.maxDelay};
  };
  KJ_IF_MAYBE (first, dispatchers_.firstUsable()) {
    const auto& keeper = dispatchers_[*first];
    if (!mayClaimFor(*first)) return nullptr;
    if (auto plan = plan_.next(inHand(keeper))) return request(*plan, keeper);
    return nullptr;
  }
  KJ_IF_MAYBE (tries, dispatchers_.firstThatTries()) {
    const auto& keeper = dispatchers_[*tries];
    if (auto plan = plan_.nextForOne(keeper.triesAbove())) return request(*plan, keeper);
  }
  return nullptr;
}

void Road::claimed(queue::ClaimResult result) {
  const int last = result.submissions.empty() ? INT_MAX : keeper::rankOf(result.submissions.back().severity);
  plan_.answered(result.submissions.size(), last, result.atEnd);
  if (!result.submissions.empty() || result.expired > 0) stall_.moved();
  judge_.claimed(std::move(result.submissions), result.inTheWay);
  if (result.expired > 0) {
    log_.expired(result.expired);
    tally_.noteIgnored("it was older than queue.expire_after");
    tally_.countIgnored(result.expired);
  }
  if (result.nextDue) look_.notLaterThan(timer_.now() + duration(*result.nextDue));
  pump();
}

void Road::adopted(std::vector<queue::Submission> submissions) {
  log_.takenOver(submissions.size());
  const auto questions = judge_.adopted(std::move(submissions));
  for (std::size_t i = 0; i < questions.size(); ++i)
    if (!questions[i].empty()) dispatchers_[i].inquire(questions[i]);
  pump();
}

void Road::settled(const queue::SettleResult& result) {
  stall_.moved();
  tally_.countSent(result.sent);
  tally_.countIgnored(result.ignored);
  if (result.lookAgain) notice();
  finishIfStopped();
}

/// This supervisor has lost its submissions. An attempt in progress goes on, but its outcome is not ours to
/// settle.
void Road::fenced(const queue::QueueError& error) {
  const bool replaced = error.kind() == queue::QueueError::Kind::replaced;
  if (replaced)
    log_.queueReplaced(error.what(), underWay());
  else
    log_.fenced(underWay());
  sms_.clear();
  // The workers hold SMS that they have not begun. These must not leave here, because another supervisor
  // sends them.
  const char* why =
      replaced ? "what it held was in a queue that was replaced" : "what it held is another supervisor's now";
  for (auto* keeper : dispatchers_.withRemoved())
    if (keeper->out() > 0) keeper->letGo(why);
  plan_.sweep();
}

void Road::answered() {
  watchPlaces();
  dispatchPending();
  finishIfStopped();
  changed_();
}

void Road::dispatcherReported(std::size_t dispatcher, std::vector<delivery::AttemptOutcome> outcomes) {
  if (!outcomes.empty()) stall_.moved();
  trials_.reported(outcomes);
  judge_.reported(dispatcher, std::move(outcomes));
  pump();
  finishIfStopped();
  dispatchers_.smsEnded();
}

void Road::dispatcherChanged(std::size_t) {
  watchDispatchers();
  pump();
  changed_();
}

void Road::pump() {
  if (!start_.begun()) return;
  watchPlaces();
  trials_.pump();
  dispatchPending();
  ledger_.work();
  stall_.look();
}

void Road::dispatchPending() {
  if (sms_.none(Stage::pending) || ledger_.away() || ledger_.leaseRanOut() || stopping()) return;
  Allotment turn({sms_, dispatchers_, turns_, start_, timer_.now()},
                 [this](const keeper::Keeper& keeper) { return awaitsLook(keeper); });
  turn.allot();
  for (auto& [item, place] : turn.toRecord()) record(*item, place);
  for (std::size_t place = 0; place < dispatchers_.size(); ++place) handOver(turn.batch(place), place);
  for (Item* item : turn.stranded()) judge_.nobodyTook(*item);
  if (!turn.anyOpen() && outage_.lasts() && sms_.none(Stage::inFlight)) giveBackPending(turn);
}

/// No dispatcher can be used here, but another supervisor's may: gives back the SMS that were certainly not
/// sent.
void Road::giveBackPending(const Allotment& turn) {
  for (auto it = sms_.pending().begin(); it != sms_.pending().end();) {
    Item& item = *(it++)->second;
    if (item.maybeSent || turn.target(item) != nullptr) continue;
    judge_.returnPending(item, "no dispatcher can be used");
    plan_.sweep();
  }
}

void Road::handOver(const std::vector<Item*>& items, std::size_t place) {
  if (items.empty()) return;
  std::vector<const queue::Submission*> batch;
  for (Item* item : items) {
    item->attempt = Item::Attempt::used;
    item->since = timer_.now();
    batch.push_back(&item->submission);
  }
  dispatchers_[place].dispatch(batch);
}

/// Records the next attempt, because an attempt has to be durable before it leaves.
void Road::record(const Item& item, std::size_t place) {
  const queue::Submission& submission = item.submission;
  bool wasOut = item.attempt == Item::Attempt::used;
  const std::string& next = dispatchers_[place].name();
  if (wasOut && submission.dispatcher != next) log_.failedOver(submission, item.last, next);
  ledger_.record(
      {.id = submission.id,
       .outcome = wasOut ? std::string(name(item.last)) : "deferred",
       .reason = wasOut ? item.last.words : "not handed over: the dispatcher was not usable any more",
       .dispatcher = next,
       .rounds = submission.rounds,
       .failing = item.failingFor(timer_.now())});
}

void Road::recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) {
  stall_.moved();
  judge_.recorded(next, attempts);
  pump();
}

/// Nothing is owed while the queue is away or all dispatchers back off: a restart would not help.
Progress::Owed Road::owed() const {
  if (!start_.begun() || stopping() || ledger_.away()) return Progress::Owed::nothing;
  if (!sms_.none(Stage::inFlight) || ledger_.unsettled() > 0) return Progress::Owed::something;
  bool work = plan_.wants() || !sms_.none(Stage::pending) || !sms_.none(Stage::recording);
  return work && dispatchers_.firstUsable() != nullptr ? Progress::Owed::something : Progress::Owed::nothing;
}

/// No SMS is lost: those that a worker held get their outcomes when it ends.
void Road::unstick() {
  for (auto& keeper : dispatchers_) {
    bool overdue = std::any_of(sms_.inFlight().begin(), sms_.inFlight().end(), [&](auto& entry) {
      return entry.second->submission.dispatcher == keeper->name() && stall_.overdue(entry.second->since);
    });
    if (overdue) keeper->letGo("it holds SMS past every deadline");
  }
  for (auto* keeper : dispatchers_.removed()) keeper->letGo("it holds SMS past every deadline");
  plan_.sweepTwice();
  pump();
}

void Road::watchDispatchers() {
  if (!start_.begun()) return;
  const auto outlook = dispatchers_.outlook();
  if (outlook == DispatcherSet::Outlook::allBroken &&
      config_.retry.allBroken == config::WhenAllBroken::shutdown)
    endByItself("every dispatcher is broken (retry.all_broken), the last one: " +
                dispatchers_[dispatchers_.size() - 1].reason());
  if (outage_.look(outlook, timer_.now()) == OutageWatch::News::begins) log_.noDispatcher();
}

void Road::endByItself(const std::string& why) {
  if (std::exchange(ending_, true)) return;
  log_.endsByItself(why);
  limit_.fulfiller->fulfill();
}

std::size_t Road::endWait(const std::string& recipient) {
  const std::size_t ended = judge_.endWait(recipient);
  notice();
  return ended;
}

kj::Promise<std::size_t> Road::stop() {
  poll_.cancel();
  look_.cancel();
  trials_.stop();
  log_.daemonStopping(sms_.count(Stage::inFlight));
  auto pair = kj::newPromiseAndFulfiller<std::size_t>();
  stopped_ = kj::mv(pair.fulfiller);
  auto drained = dispatchers_.drain().then([]() -> kj::Promise<void> { return kj::NEVER_DONE; });
  auto late = timer_.afterDelay(duration(config_.stopTimeout)).then([this]() {
    for (auto* keeper : dispatchers_.withRemoved()) keeper->end();
    return timer_.afterDelay(lastWords).then([this]() { finish(); });
  });
  drains_ = drained.exclusiveJoin(kj::mv(late)).eagerlyEvaluate(nullptr);
  judge_.stop();
  pump();
  finishIfStopped();
  return kj::mv(pair.promise);
}

void Road::finishIfStopped() {
  if (!stopping() || !sms_.none(Stage::inFlight) || !sms_.none(Stage::recording)) return;
  if (ledger_.empty())
    finish();
  else
    ledger_.work();
}

void Road::finish() {
  judge_.flush();
  KJ_IF_MAYBE (fulfiller, stopped_)
    fulfiller->get()->fulfill(judge_.leftUnknown() + sms_.count(Stage::inFlight) +
                              sms_.count(Stage::recording) + ledger_.unsettled());
}

}  // namespace smsd::road
