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
Server::Server(Dispatcher& dispatcher, kj::Timer& timer, std::vector<std::string> lock,
               kj::Promise<void> started)
    : dispatcher_(dispatcher),
      timer_(timer),
      lock_(std::move(lock)),
      started_(started.fork()),
      traits_(dispatcher.traits()),
      spacing_(traits_.spacing, timer.now()),
      tasks_(*this) {
  dispatcher_.attach(*this);
  auto spent = started_.addBranch().then(
      [this]() {
        traits_ = dispatcher_.traits();  // the first branch: before describe() returns them
        return dispatcher_.spent();
      },
      [](kj::Exception&&) -> kj::Promise<std::string> {
        return kj::NEVER_DONE;  // cannotStart() ends this process
      });
  tasks_.add(spent.then([this](const std::string& why) {
    journal::Entry(journal::Level::notice, "this worker ends: " + why).write();
    givingUp_ = true;
    sayLastWords(proto::Cause::SPENT, "the worker gave up: " + why);
    giveUp("the worker gave up: " + why);
    delivered();
  }));
}

kj::Promise<void> Server::describe(DescribeContext context) {
  return started_.addBranch().then(
      [this, context]() mutable -> kj::Promise<void> {
        auto description = context.getResults().initDescription();
        description.setVersion(proto::VERSION);
        description.setOldest(proto::OLDEST_VERSION);
        description.setKind(view(traits_.kind));
        description.setWindow(traits_.window);
        description.setBacklog(traits_.backlog);
        description.setKnowsKeys(traits_.knowsKeys);
        description.setSpacing(
            static_cast<std::uint32_t>(std::chrono::duration_cast<Milliseconds>(traits_.spacing).count()));
        description.setVisits(visits_);
        description.setSoftware(SMSD_WORKER_SOFTWARE);
        auto lock = description.initLock(lock_.size());
        for (unsigned i = 0; i < lock_.size(); ++i) lock.set(i, view(lock_[i]));
        return kj::READY_NOW;
      },
      // A kind that cannot start gives its reason by lastWords(). A failed call would end this process
      // before.
      [](kj::Exception&&) -> kj::Promise<void> { return kj::NEVER_DONE; });
}

kj::Promise<void> Server::dispatch(DispatchContext context) {
  auto batch = context.getParams().getBatch();
  KJ_REQUIRE(queue_.size() + announced_.size() + deadlines_.size() + batch.size() <=
                 traits_.window + traits_.backlog,
             "more SMS than window and backlog allow");
  sink_ = context.getParams().getSink();
  for (auto sms : batch) {
    queue_.push_back(readJob(sms));
    deadlines_.handedOver(queue_.back().deadline);
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
    if (remembered.contains(attempt) || deadlines_.contains(attempt)) known.push_back(attempt);
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
  return dispatcher_.health().then([this, context](const Condition& condition) mutable {
    write(context.getResults().initHealth(), condition, static_cast<std::uint32_t>(deadlines_.size()));
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
    context.getResults().setWords(view(lastWords_.words().words));
    context.getResults().setCause(lastWords_.words().cause);
    tasks_.add(timer_.afterDelay(onItsWay).then([this]() { lastWords_.sent(); }));
  };
  if (lastWords_.said()) return answer(), kj::READY_NOW;
  return lastWords_.whenSaid().then(kj::mv(answer));
}

void Server::sayLastWords(proto::Cause cause, const std::string& words) {
  lastWords_.say({cause, text::printable(words, proto::MAX_REASON)});
}

kj::Promise<void> Server::lastWordsTaken(kj::Duration patience) {
  return lastWords_.whenSent().exclusiveJoin(timer_.afterDelay(patience));
}

void Server::report(std::uint64_t attempt, Outcome outcome) {
  outbox_.outcome(attempt, std::move(outcome), Outbox::Source::raw);
  flushSoon();
}

void Server::reportBegun(std::uint64_t attempt) {
  outbox_.begun(attempt, Outbox::Source::raw);
  flushSoon();
}

void Server::reportNotBegun(std::uint64_t attempt) {
  deadlines_.end(attempt);  // so that the outcome of its send() is dropped
  outbox_.notBegun(attempt, Outbox::Source::raw);
  admit();
}

void Server::reportNothing() {
  KJ_IF_MAYBE (sink, sink_) tasks_.add(sink->reportRequest().send().ignoreResult());
}

/// Reports `begun` for as many SMS as fit into the window. They begin when the supervisor has taken the
/// report.
void Server::admit() {
  while (!givingUp_ && !queue_.empty() && announced_.size() + deadlines_.size() < traits_.window &&
         mayAdmit()) {
    announced_.push_back(std::move(queue_.front()));
    queue_.pop_front();
    outbox_.begun(announced_.back().attempt, Outbox::Source::kit);
  }
  flushSoon();
}

bool Server::mayAdmit() {
  if (spacing_.admits(timer_.now())) return true;
  KJ_IF_MAYBE (when, spacing_.timer())
    tasks_.add(timer_.atTime(*when).then([this]() {
      spacing_.rang();
      admit();
    }));
  return false;
}

void Server::begin(Job job) {
  std::uint64_t attempt = job.attempt;
  watch(deadlines_.begin(attempt, connection_, job.deadline, timer_.now()));
  changed_();
  tasks_.add(kj::evalNow([&]() { return dispatcher_.send(std::move(job)); })
                 .then([this, attempt](Outcome outcome) { finish(attempt, std::move(outcome)); },
                       [this, attempt](kj::Exception&& e) {
                         finish(attempt, Unknown{"the worker failed: " + faultOf(e)});
                       }));
}

void Server::watch(kj::Maybe<kj::TimePoint> timer) {
  KJ_IF_MAYBE (when, timer)
    tasks_.add(timer_.atTime(*when).then([this, due = *when]() { lookAtDeadlines(due); }));
}

void Server::lookAtDeadlines(kj::TimePoint timer) {
  auto passed = deadlines_.rang(timer, timer_.now());
  watch(passed.timer);
  if (passed.overdue.empty()) return;
  givingUp_ = true;
  sayLastWords(proto::Cause::SPENT, "the worker gave up: an SMS passed its deadline");
  for (auto attempt : passed.overdue) finish(attempt, Unknown{"no outcome within the deadline"});
  giveUp("the worker gave up: another SMS passed its deadline");
}

void Server::finish(std::uint64_t attempt, Outcome outcome) {
  KJ_IF_MAYBE (connection, deadlines_.end(attempt)) {
    if (std::holds_alternative<Accepted>(outcome)) ++accepted_;
    shorten(outcome);
    recall_.remember(attempt, outcome);
    // The outcome of an SMS from an earlier connection is not reported: the supervisor may recall() it.
    if (*connection == connection_ && sink_ != nullptr)
      outbox_.outcome(attempt, std::move(outcome), Outbox::Source::kit);
    admit();
    delivered();
    changed_();
  }  // otherwise giveUp() or reportNotBegun() has finished it already
}

void Server::supervisorGone() {
  ++connection_;
  lastWords_.supervisorGone();
  sink_ = nullptr;
  flushing_ = draining_ = false;
  std::deque<Job> notBegun = std::exchange(queue_, {});
  for (auto& job : std::exchange(announced_, {})) notBegun.push_back(std::move(job));
  giveBack(notBegun);
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

void Server::giveBack(const std::deque<Job>& jobs) {
  for (const auto& job : jobs) {
    recall_.remember(job.attempt, std::nullopt);
    outbox_.notBegun(job.attempt, Outbox::Source::kit);
  }
  flushSoon();
}

/// Gives back all SMS not begun and finishes those under way as `unknown`, so that a fresh process can take
/// over. Called when a deadline has passed, because the call may hang for ever, or when the kind is spent.
void Server::giveUp(const std::string& why) {
  giveBack(std::exchange(queue_, {}));
  for (auto attempt : deadlines_.attempts()) finish(attempt, Unknown{why});
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
    const std::size_t begun = outbox_.write(request.initReports(outbox_.size()));
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
  if (!queue_.empty() || !announced_.empty() || deadlines_.size() > 0 || !outbox_.empty() || flushing_)
    return;
  for (auto& fulfiller : std::exchange(drained_, {})) fulfiller->fulfill();
  if (givingUp_) hung_.fulfiller->fulfill();
}

void Server::taskFailed(kj::Exception&& exception) {
  // The supervisor has disconnected: supervisorGone() or the end of the connection handles it.
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::error, fmt::format("contract: {}", faultOf(exception))).write();
}

}  // namespace smsd::kit
