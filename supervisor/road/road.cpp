// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/road.h"

#include <kj/debug.h>

#include <algorithm>
#include <climits>

#include "common/kj/duration.h"

namespace smsd::road {
namespace {

// Workers are ended after stop_timeout. The outcomes of their SMS arrive, and are settled, within this time.
constexpr auto lastWords = 2 * kj::SECONDS;

}  // namespace

Road::Road(queue::QueueThread& queue, kj::Timer& timer, const kj::MonotonicClock& boot,
           const config::Config& config, std::string name, const events::EventLog& log)
    : timer_(timer),
      config_(config),
      log_(log),
      dispatchers_(timer),
      testSms_(timer, dispatchers_, config.formatting,
               [this](const keeper::Keeper& keeper) {
                 // Many SMS depend on the result of a probe, so a waiting alert goes before a test SMS.
                 return !keeper.probes() || (sms_.none(Stage::pending) && !claimer_.awaitsLook(keeper));
               }),
      ledger_(queue, timer, boot, std::move(name), config.queue.lease, config.queue.keepHistory, log,
              static_cast<LedgerEvents&>(*this)),
      turns_(static_cast<unsigned>(config.queue.mildShare)),
      claimer_(
          {timer, config_, dispatchers_, sms_, ledger_, start_}, [this]() { notice(); },
          [this]() { pump(); }),
      stall_(
          timer, log, config, [this]() { return owed(); }, [this]() { unstick(); }),
      figures_(timer),
      judge_({timer, config_, log, dispatchers_, sms_, ledger_, figures_, meters_},
             {[this]() { pump(); }, [this](kj::TimePoint when) { claimer_.lookAgain(when); },
              [this](const std::string& why) { endByItself(why); }}) {}

/// A reload: another configuration, other dispatchers, with SMS in progress.
void Road::replace(config::Config config, Keepers added) {
  stall_.use(config);
  config_ = std::move(config);
  testSms_.use(config_.formatting);
  turns_.use(static_cast<unsigned>(config_.queue.mildShare));
  claimer_.reconfigured();
  dispatchers_.replace(config_.dispatchers, std::move(added));
  watchDispatchers();
  notice();
  changed_();
}

void Road::start() {
  start_.begin(timer_.now());
  claimer_.start();
  pump();
}

void Road::bellChanged() {
  claimer_.bellChanged();
  changed_();
}

void Road::notice() {
  dispatchers_.wanted();
  claimer_.plan().notice();
  pump();
}

kj::Maybe<queue::ClaimRequest> Road::nextClaim() {
  if (!start_.begun() || stopping()) return nullptr;
  return claimer_.next();
}

void Road::claimed(queue::ClaimResult result) {
  claimer_.answered(result);
  meters_.claimed(result.submissions.size());
  if (!result.submissions.empty() || result.expired > 0) stall_.moved();
  judge_.claimed(std::move(result.submissions), result.inTheWay);
  if (result.expired > 0) {
    log_.expired(result.expired);
    figures_.noteIgnored(Ignored::expired, "it was older than queue.expire_after", result.expired);
    figures_.countIgnored(result.expired);
  }
  if (!result.leftOut.empty()) leftOut_(result.leftOut);
  for (const auto& one : result.paced)
    if (pacedLog_.isNews(one, timer_.now())) log_.paced(one.recipient, one.decision);
  pump();
}

void Road::adopted(std::vector<queue::Submission> submissions) {
  const std::size_t count = submissions.size();
  if (count > 0) log_.takenOver(count);
  const auto questions = judge_.adopted(std::move(submissions));
  for (std::size_t i = 0; i < questions.size(); ++i) dispatchers_[i].inquire(questions[i]);
  if (count > 0) pump();
}

void Road::clockStepped(Milliseconds step) {
  log_.clockStepped(step);
  figures_.noteClockStep(step);
}

void Road::settled(const queue::SettleResult& result) {
  stall_.moved();
  figures_.countSent(result.sent);
  figures_.countIgnored(result.ignored);
  figures_.countReplaced(result.replaced);
  if (result.replaced > 0) log_.rowsReplaced(result.replaced);
  if (result.lookAgain) notice();
  finishIfStopped();
}

/// This supervisor has lost its submissions. An attempt in progress goes on, but its outcome is not ours to
/// settle.
void Road::fenced(const queue::QueueError& error) {
  const bool replaced = error.kind() == queue::QueueError::Kind::replaced;
  if (replaced) {
    log_.queueReplaced(error.what(), underWay());
    figures_.noteFileReplaced(error.what());
  } else {
    log_.fenced(underWay());
  }
  sms_.clear();
  // The workers hold SMS that they have not begun. These must not leave here, because another supervisor
  // sends them.
  const char* why =
      replaced ? "its SMS were in a queue that was replaced" : "another supervisor took over its SMS";
  for (auto* keeper : dispatchers_.withRemoved())
    if (keeper->out() > 0) keeper->restartNow(why);
  claimer_.plan().sweep();
}

void Road::answered() {
  claimer_.watchPlaces();
  dispatchPending();
  finishIfStopped();
  changed_();
}

void Road::dispatcherReported(std::size_t dispatcher, std::vector<delivery::AttemptOutcome> outcomes) {
  if (!outcomes.empty()) stall_.moved();
  testSms_.reported(outcomes);
  judge_.reported(dispatcher, outcomes);
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
  claimer_.watchPlaces();
  testSms_.pump();
  dispatchPending();
  ledger_.work();
  stall_.look();
}

void Road::dispatchPending() {
  if (sms_.none(Stage::pending) || ledger_.away() || ledger_.leaseRanOut() || stopping()) return;
  Allotment turn({sms_, dispatchers_, turns_, start_, timer_.now()},
                 [this](const keeper::Keeper& keeper) { return claimer_.awaitsLook(keeper); });
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
    claimer_.plan().sweep();
  }
}

void Road::handOver(const std::vector<Item*>& items, std::size_t place) {
  if (items.empty()) return;
  std::vector<const queue::Submission*> batch;
  for (Item* item : items) {
    item->attempt = Item::Attempt::used;
    item->since = timer_.now();
    if (item->failedOver) meters_.failedOver(between(*std::exchange(item->failedOver, {}), item->since));
    batch.push_back(&item->submission);
  }
  dispatchers_[place].dispatch(batch);
}

/// Records the next attempt, because an attempt has to be durable before it leaves.
void Road::record(Item& item, std::size_t place) {
  const queue::Submission& submission = item.submission;
  bool wasOut = item.attempt == Item::Attempt::used;
  const std::string& next = dispatchers_[place].name();
  if (wasOut && submission.dispatcher != next) {
    log_.failedOver(submission, item.last, next);
    item.failedOver = item.since;
  }
  ledger_.record({.id = submission.id,
                  .outcome = wasOut ? std::string(name(item.last)) : "deferred",
                  .reason = wasOut ? item.last.words : "not handed over: the dispatcher was no longer usable",
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
/// An SMS that is left without a decision is a fault of the road itself, which only a restart ends.
Progress::Owed Road::owed() const {
  if (!start_.begun() || stopping() || ledger_.away()) return Progress::Owed::nothing;
  if (!sms_.none(Stage::deciding)) return Progress::Owed::something;
  if (!sms_.none(Stage::inFlight) || ledger_.unsettled() > 0) return Progress::Owed::something;
  bool work = claimer_.plan().wants() || !sms_.none(Stage::pending) || !sms_.none(Stage::recording);
  return work && dispatchers_.firstUsable() != nullptr ? Progress::Owed::something : Progress::Owed::nothing;
}

/// No SMS is lost: those that a worker held get their outcomes when it ends.
void Road::unstick() {
  for (auto& keeper : dispatchers_) {
    bool overdue = std::any_of(sms_.inFlight().begin(), sms_.inFlight().end(), [&](auto& entry) {
      return entry.second->submission.dispatcher == keeper->name() && stall_.overdue(entry.second->since);
    });
    if (overdue) keeper->restartNow("it holds SMS past every deadline");
  }
  for (auto* keeper : dispatchers_.removed()) keeper->restartNow("it holds SMS past every deadline");
  claimer_.plan().sweepTwice();
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

std::size_t Road::endWait(const std::optional<std::string>& recipient) {
  const std::size_t ended = judge_.endWait(recipient);
  notice();
  return ended;
}

kj::Promise<std::size_t> Road::stop() {
  claimer_.stop();
  testSms_.stop();
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
