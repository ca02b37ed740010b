// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/server.h"

#include <fmt/format.h>
#include <kj/debug.h>

#include <algorithm>
#include <unordered_set>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/kj/view.h"
#include "common/text/utf.h"
#include "version.h"

namespace smsd::kit {
namespace {

// A kind keeps the deadline itself (for example, as a time-out of the transfer). The kit waits this much
// longer before it gives up.
constexpr auto grace = 500 * kj::MILLISECONDS;
// Time allowed for an answer to reach the supervisor's socket before this process ends.
constexpr auto onItsWay = 50 * kj::MILLISECONDS;

void write(proto::Outcome::Builder builder, const Outcome& outcome, std::size_t most = proto::MAX_REASON) {
  auto reason = [most](const std::string& text) { return text::printable(text, most); };
  if (auto* accepted = std::get_if<Accepted>(&outcome))
    builder.setAccepted(view(reason(accepted->reference)));
  if (auto* refused = std::get_if<Refused>(&outcome)) builder.setRefused(view(reason(refused->reason)));
  if (auto* broken = std::get_if<Broken>(&outcome)) builder.setBroken(view(reason(broken->reason)));
  if (auto* unknown = std::get_if<Unknown>(&outcome)) {
    builder.setUnknown(view(reason(unknown->reason)));
    builder.setNotUnderstood(unknown->reply == Reply::notUnderstood);
  }
  if (auto* deferred = std::get_if<Deferred>(&outcome)) {
    auto group = builder.initDeferred();
    group.setReason(view(reason(deferred->reason)));
    group.setAfter(static_cast<std::uint32_t>(deferred->after.count()));
    group.setNotReached(deferred->farEnd == FarEnd::notReached);
  }
}

void write(proto::Health::Builder health, const Condition& condition, std::uint32_t active) {
  if (condition.broken.empty())
    health.setReady();
  else
    health.setBroken(view(text::printable(condition.broken, proto::MAX_REASON)));
  health.setActive(active);
  auto details = health.initDetails(condition.details.size());
  for (unsigned i = 0; i < condition.details.size(); ++i) {
    details[i].setName(view(condition.details[i].first));
    details[i].setValue(view(condition.details[i].second));
  }
}

Job readJob(proto::Sms::Reader sms) {
  return Job{.attempt = sms.getAttempt(),
             .recipient = sms.getRecipient().cStr(),
             .text = sms.getText().cStr(),
             .key = sms.getKey().cStr(),
             .deadline = Milliseconds(sms.getDeadline())};
}

}  // namespace

Server::Server(Dispatcher& dispatcher, kj::Timer& timer, std::vector<std::string> lock,
               kj::Promise<void> started)
    : dispatcher_(dispatcher),
      timer_(timer),
      lock_(std::move(lock)),
      started_(started.fork()),
      traits_(dispatcher.traits()),
      next_(timer.now()),
      tasks_(*this) {
  dispatcher_.attach(*this);
  auto spent = started_.addBranch().then([this]() { return dispatcher_.spent(); },
                                         [](kj::Exception&&) -> kj::Promise<std::string> {
                                           return kj::NEVER_DONE;  // cannotStart() ends this process
                                         });
  tasks_.add(spent.then([this](std::string why) {
    journal::Entry(journal::Level::notice, "this worker ends: " + why).write();
    givingUp_ = true;
    sayLastWords(proto::Cause::SPENT, "the worker gave up: " + why);
    giveUp("the worker gave up: " + why);
    delivered();
  }));
}

kj::Promise<void> Server::describe(DescribeContext context) {
  return started_.addBranch().then([this, context]() mutable {
    auto description = context.getResults().initDescription();
    description.setVersion(proto::VERSION);
    description.setKind(view(traits_.kind));
    description.setWindow(traits_.window);
    description.setBacklog(traits_.backlog);
    description.setKnowsKeys(traits_.knowsKeys);
    description.setSpacing(
        static_cast<std::uint32_t>(std::chrono::duration_cast<Milliseconds>(traits_.spacing).count()));
    description.setVisits(visits_);
    description.setSoftware("smsd-worker " SMSD_VERSION);
    auto lock = description.initLock(lock_.size());
    for (unsigned i = 0; i < lock_.size(); ++i) lock.set(i, view(lock_[i]));
  });
}

kj::Promise<void> Server::dispatch(DispatchContext context) {
  auto batch = context.getParams().getBatch();
  KJ_REQUIRE(
      queue_.size() + announced_.size() + active_.size() + batch.size() <= traits_.window + traits_.backlog,
      "more SMS than window and backlog allow");
  sink_ = context.getParams().getSink();
  for (auto sms : batch) {
    queue_.push_back(readJob(sms));
    longestDeadline_ = std::max(longestDeadline_, queue_.back().deadline);
  }
  context.releaseParams();
  if (givingUp_ || closing_ || draining_) giveBack(std::exchange(queue_, {}));
  admit();
  return kj::READY_NOW;
}

kj::Promise<void> Server::recall(RecallContext context) {
  std::vector<std::uint64_t> asked;
  for (auto attempt : context.getParams().getAttempts()) asked.push_back(attempt);
  auto remembered = recall_.find(asked);
  std::vector<std::uint64_t> known;
  for (auto attempt : asked)
    if (remembered.contains(attempt) || active_.contains(attempt)) known.push_back(attempt);
  auto reports = context.getResults().initReports(known.size());
  for (unsigned i = 0; i < known.size(); ++i) {
    reports[i].setAttempt(known[i]);
    auto found = remembered.find(known[i]);
    if (found == remembered.end())
      reports[i].setBegun();
    else if (found->second->has_value())
      write(reports[i].initOutcome(), **found->second);
    else
      reports[i].setNotBegun();
  }
  return kj::READY_NOW;
}

kj::Promise<void> Server::health(HealthContext context) {
  return dispatcher_.health().then([this, context](Condition condition) mutable {
    write(context.getResults().initHealth(), condition, static_cast<std::uint32_t>(active_.size()));
  });
}

kj::Promise<void> Server::drain(DrainContext) {
  draining_ = true;
  return idle();
}

kj::Promise<void> Server::quit(QuitContext) {
  closing_ = true;
  // The process ends even if the supervisor disconnects before the answer.
  auto finished = idle().fork();
  tasks_.add(finished.addBranch().then([this]() { return timer_.afterDelay(onItsWay); }).then([this]() {
    quit_.fulfiller->fulfill();
  }));
  return finished.addBranch();
}

kj::Promise<void> Server::lastWords(LastWordsContext context) {
  auto answer = [this, context]() mutable {
    KJ_IF_MAYBE (last, lastWords_) {
      context.getResults().setWords(view(last->words));
      context.getResults().setCause(last->cause);
      tasks_.add(timer_.afterDelay(onItsWay).then([this]() { heardOut_.fulfiller->fulfill(); }));
    }
  };
  if (lastWords_ != nullptr) return answer(), kj::READY_NOW;
  auto pair = kj::newPromiseAndFulfiller<void>();
  listeners_.push_back(kj::mv(pair.fulfiller));
  return pair.promise.then(kj::mv(answer));
}

void Server::sayLastWords(proto::Cause cause, const std::string& words) {
  if (lastWords_ != nullptr) return;
  lastWords_ = LastWords{cause, text::printable(words, proto::MAX_REASON)};
  for (auto& listener : std::exchange(listeners_, {})) listener->fulfill();
}

kj::Promise<void> Server::lastWordsTaken(kj::Duration patience) {
  return taken_.addBranch().exclusiveJoin(timer_.afterDelay(patience));
}

void Server::report(std::uint64_t attempt, Outcome outcome) {
  outbox_.push_back({attempt, What::outcome, std::move(outcome), Source::raw});
  flushSoon();
}

void Server::reportBegun(std::uint64_t attempt) {
  outbox_.push_back({attempt, What::begun, {}, Source::raw});
  flushSoon();
}

void Server::reportNotBegun(std::uint64_t attempt) {
  active_.erase(attempt);  // so that the outcome of its send() is dropped
  outbox_.push_back({attempt, What::notBegun, {}, Source::raw});
  admit();
}

void Server::reportNothing() {
  KJ_IF_MAYBE (sink, sink_) tasks_.add(sink->reportRequest().send().ignoreResult());
}

/// Reports `begun` for as many SMS as fit into the window. They begin when the supervisor has taken the
/// report.
void Server::admit() {
  while (!givingUp_ && !queue_.empty() && announced_.size() + active_.size() < traits_.window && mayAdmit()) {
    announced_.push_back(std::move(queue_.front()));
    queue_.pop_front();
    outbox_.push_back({announced_.back().attempt, What::begun, {}});
  }
  flushSoon();
}

/// Whether the spacing allows the next SMS now. A spacing below 10 ms is kept on average over `burst` only,
/// so that late timers do not lower the rate.
bool Server::mayAdmit() {
  if (traits_.spacing.count() == 0) return true;
  kj::Duration spacing = traits_.spacing.count() * kj::NANOSECONDS;
  kj::Duration burst = spacing < 10 * kj::MILLISECONDS ? 10 * kj::MILLISECONDS : 0 * kj::MILLISECONDS;
  kj::TimePoint now = timer_.now();
  if (now + burst >= next_) {
    next_ = kj::max(next_, now) + spacing;
    return true;
  }
  if (!std::exchange(waiting_, true))
    tasks_.add(timer_.atTime(next_ - burst).then([this]() {
      waiting_ = false;
      admit();
    }));
  return false;
}

void Server::begin(Job job) {
  std::uint64_t attempt = job.attempt;
  auto deadline = static_cast<std::uint64_t>(job.deadline.count()) * kj::MILLISECONDS;
  kj::TimePoint due = timer_.now() + deadline + grace;
  active_.emplace(attempt, Active{connection_, due});
  watch(due);
  changed_();
  tasks_.add(kj::evalNow([&]() { return dispatcher_.send(std::move(job)); })
                 .then([this, attempt](Outcome outcome) { finish(attempt, std::move(outcome)); },
                       [this, attempt](kj::Exception&& e) {
                         finish(attempt, Unknown{"the worker met " + faultOf(e)});
                       }));
}

/// Sets one timer for all deadlines. Hardly any deadline ever passes, and a timer for each would be the most
/// expensive part of an SMS.
void Server::watch(kj::TimePoint due) {
  if (watching_ && look_ <= due) return;
  watching_ = true;
  look_ = due;
  tasks_.add(timer_.atTime(due).then([this, due]() {
    if (watching_ && look_ == due) lookAtDeadlines();
  }));
}

void Server::lookAtDeadlines() {
  watching_ = false;
  kj::TimePoint now = timer_.now();
  std::vector<std::uint64_t> overdue;
  kj::Maybe<kj::TimePoint> soonest;
  for (auto& [attempt, active] : active_) {
    if (active.due <= now)
      overdue.push_back(attempt);
    else
      soonest = kj::min(soonest.orDefault(active.due), active.due);
  }
  KJ_IF_MAYBE (due, soonest) watch(*due);
  if (overdue.empty()) return;
  givingUp_ = true;
  sayLastWords(proto::Cause::SPENT, "the worker gave up: an SMS passed its deadline");
  for (auto attempt : overdue) finish(attempt, Unknown{"no outcome within the deadline"});
  giveUp("the worker gave up: another SMS passed its deadline");
}

void Server::finish(std::uint64_t attempt, Outcome outcome) {
  auto found = active_.find(attempt);
  if (found == active_.end()) return;  // already finished, by giveUp() or reportNotBegun()
  bool ours = found->second.connection == connection_;
  active_.erase(found);
  if (std::holds_alternative<Accepted>(outcome)) ++accepted_;
  recall_.remember(attempt, outcome);
  // The outcome of an SMS from an earlier connection is not reported: the supervisor may recall() it.
  if (ours && sink_ != nullptr) outbox_.push_back({attempt, What::outcome, std::move(outcome)});
  admit();
  delivered();
  changed_();
}

Milliseconds Server::longestEnd() const { return longestDeadline_ + Milliseconds(grace / kj::MILLISECONDS); }

void Server::supervisorGone() {
  ++connection_;
  listeners_.clear();
  sink_ = nullptr;
  flushing_ = draining_ = false;
  std::deque<Job> notBegun = std::exchange(queue_, {});
  for (auto& job : std::exchange(announced_, {})) notBegun.push_back(std::move(job));
  giveBack(std::move(notBegun));
  outbox_.clear();  // recall_ holds all of it
  delivered();
}

kj::Promise<void> Server::finishUp() {
  closing_ = true;
  return idle();
}

kj::Promise<void> Server::idle() {
  giveBack(std::exchange(queue_, {}));
  auto pair = kj::newPromiseAndFulfiller<void>();
  drained_.push_back(kj::mv(pair.fulfiller));
  delivered();
  return kj::mv(pair.promise);
}

void Server::giveBack(std::deque<Job> jobs) {
  for (auto& job : jobs) {
    recall_.remember(job.attempt, std::nullopt);
    outbox_.push_back({job.attempt, What::notBegun, {}});
  }
  flushSoon();
}

/// Gives back all SMS not begun and finishes those under way as `unknown`, so that a fresh process can take
/// over. Called when a deadline has passed, because the call may hang for ever, or when the kind is spent.
void Server::giveUp(const std::string& why) {
  giveBack(std::exchange(queue_, {}));
  std::vector<std::uint64_t> left;
  for (auto& [attempt, active] : active_) left.push_back(attempt);
  for (auto attempt : left) finish(attempt, Unknown{why});
}

void Server::flushSoon() {
  if (flushScheduled_ || flushing_) return;
  flushScheduled_ = true;
  // At the end of the turn, so that all outcomes of one turn share a call.
  tasks_.add(kj::evalLast([this]() {
    flushScheduled_ = false;
    flush();
  }));
}

void Server::flush() {
  if (flushing_ || outbox_.empty()) return;
  KJ_IF_MAYBE (sink, sink_) {
    auto request = sink->reportRequest();
    auto reports = request.initReports(outbox_.size());
    std::size_t begun = 0;  // this many from the front of announced_
    for (unsigned i = 0; i < outbox_.size(); ++i) {
      const Reported& reported = outbox_[i];
      reports[i].setAttempt(reported.attempt);
      bool raw = reported.source == Source::raw;
      switch (reported.what) {
        case What::begun:
          reports[i].setBegun();
          if (!raw) ++begun;
          break;
        case What::outcome:
          write(reports[i].initOutcome(), reported.outcome, raw ? SIZE_MAX : std::size_t(proto::MAX_REASON));
          break;
        case What::notBegun:
          reports[i].setNotBegun();
          break;
      }
    }
    outbox_.clear();
    flushing_ = true;
    tasks_.add(request.send().then(
        [this, begun, on = connection_](auto response) {
          if (on != connection_) return;  // supervisorGone() has given these jobs back
          std::unordered_set<std::uint64_t> withheld;
          for (auto attempt : response.getWithheld()) withheld.insert(attempt);
          reported(begun, [&](const Job& job) { return !givingUp_ && !withheld.contains(job.attempt); });
        },
        [this, begun, on = connection_](kj::Exception&& e) {
          // After a disconnection supervisorGone() follows, and gives these jobs back.
          if (on == connection_ && e.getType() != kj::Exception::Type::DISCONNECTED)
            reported(begun, [](const Job&) { return false; });
          taskFailed(kj::mv(e));
        }));
  }
}

/// Called when a report has returned or failed. Of the first `begun` announced SMS begins those that `may`,
/// and gives back the others. After a failure that is all of them, because the supervisor may not know that
/// they were announced. The outcomes of a failed report are not repeated, because the supervisor may have
/// taken them: they stay in recall_.
void Server::reported(std::size_t begun, kj::FunctionParam<bool(const Job&)> may) {
  flushing_ = false;
  for (std::size_t i = 0; i < begun; ++i) {
    Job job = std::move(announced_.front());
    announced_.pop_front();
    if (may(job))
      begin(std::move(job));
    else
      giveBack({std::move(job)});
  }
  admit();  // the SMS given back have left room in the window
  flush();
  delivered();
}

/// Resolves drain(), quit() and hung() once no SMS is here and the supervisor has taken every report. Called
/// whenever that may have become true.
void Server::delivered() {
  if (!queue_.empty() || !announced_.empty() || !active_.empty() || !outbox_.empty() || flushing_) return;
  for (auto& fulfiller : std::exchange(drained_, {})) fulfiller->fulfill();
  if (givingUp_) hung_.fulfiller->fulfill();
}

void Server::taskFailed(kj::Exception&& exception) {
  // The supervisor has disconnected: supervisorGone() or the end of the connection handles it.
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::error, fmt::format("contract: {}", faultOf(exception))).write();
}

}  // namespace smsd::kit
