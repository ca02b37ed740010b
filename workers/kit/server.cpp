#include "workers/kit/server.h"

#include <fmt/format.h>
#include <kj/debug.h>

#include "common/journal/journal.h"
#include "common/text/utf.h"
#include "version.h"

namespace smsd::kit {
namespace {

// A kind keeps its own deadline (a time-out of the transfer); this is the margin after which the kit does not
// believe in it.
constexpr auto grace = 500 * kj::MILLISECONDS;

kj::StringPtr view(const std::string& text) { return kj::StringPtr(text.c_str(), text.size()); }

void write(proto::Outcome::Builder builder, const Outcome& outcome) {
  auto reason = [](const std::string& text) { return text::printable(text, proto::MAX_REASON); };
  if (auto* accepted = std::get_if<Accepted>(&outcome))
    builder.setAccepted(view(reason(accepted->reference)));
  if (auto* refused = std::get_if<Refused>(&outcome)) builder.setRefused(view(reason(refused->reason)));
  if (auto* broken = std::get_if<Broken>(&outcome)) builder.setBroken(view(reason(broken->reason)));
  if (auto* unknown = std::get_if<Unknown>(&outcome)) builder.setUnknown(view(reason(unknown->reason)));
  if (auto* deferred = std::get_if<Deferred>(&outcome)) {
    auto group = builder.initDeferred();
    group.setReason(view(reason(deferred->reason)));
    group.setAfter(static_cast<std::uint32_t>(deferred->after.count()));
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
      tasks_(*this) {
  dispatcher_.attach(*this);
}

kj::Promise<void> Server::describe(DescribeContext context) {
  return started_.addBranch().then([this, context]() mutable {
    auto description = context.getResults().initDescription();
    description.setVersion(proto::VERSION);
    description.setKind(view(traits_.kind));
    description.setWindow(traits_.window);
    description.setBacklog(traits_.backlog);
    description.setKnowsKeys(traits_.knowsKeys);
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
  for (auto sms : batch) queue_.push_back(readJob(sms));
  context.releaseParams();
  if (givingUp_) defer(std::exchange(queue_, {}), "the worker is about to restart");
  admit();
  return kj::READY_NOW;
}

kj::Promise<void> Server::recall(RecallContext context) {
  auto attempts = context.getParams().getAttempts();
  std::vector<std::uint64_t> known;
  for (auto attempt : attempts)
    if (recall_.find(attempt) != nullptr || active_.count(attempt) != 0) known.push_back(attempt);
  auto reports = context.getResults().initReports(known.size());
  for (unsigned i = 0; i < known.size(); ++i) {
    reports[i].setAttempt(known[i]);
    if (const Outcome* outcome = recall_.find(known[i]))
      write(reports[i].initOutcome(), *outcome);
    else
      reports[i].setBegun();
  }
  return kj::READY_NOW;
}

kj::Promise<void> Server::health(HealthContext context) {
  auto health = context.getResults().initHealth();
  Condition condition = dispatcher_.condition();
  if (condition.broken.empty())
    health.setReady();
  else
    health.setBroken(view(text::printable(condition.broken, proto::MAX_REASON)));
  health.setActive(static_cast<std::uint32_t>(active_.size()));
  auto details = health.initDetails(condition.details.size());
  for (unsigned i = 0; i < condition.details.size(); ++i) {
    details[i].setName(view(condition.details[i].first));
    details[i].setValue(view(condition.details[i].second));
  }
  return kj::READY_NOW;
}

kj::Promise<void> Server::drain(DrainContext) {
  defer(std::exchange(queue_, {}), "not begun when the worker was drained");
  auto pair = kj::newPromiseAndFulfiller<void>();
  drained_.push_back(kj::mv(pair.fulfiller));
  delivered();
  return kj::mv(pair.promise);
}

void Server::report(std::uint64_t attempt, Outcome outcome) {
  outbox_.push_back({attempt, std::move(outcome)});
  flushSoon();
}

/// Announces as many as the window has room for; they begin when the supervisor has heard of it.
void Server::admit() {
  while (!queue_.empty() && announced_.size() + active_.size() < traits_.window) {
    std::uint64_t attempt = queue_.front().attempt;
    announced_.emplace(attempt, std::move(queue_.front()));
    queue_.pop_front();
    outbox_.push_back({attempt, nullptr});
  }
  flushSoon();
}

void Server::begin(Job job) {
  std::uint64_t attempt = job.attempt;
  auto deadline = static_cast<std::uint64_t>(job.deadline.count()) * kj::MILLISECONDS;
  active_.insert(attempt);
  tasks_.add(kj::evalNow([&]() { return dispatcher_.send(std::move(job)); })
                 .then([](Outcome outcome) { return outcome; },
                       [](kj::Exception&& e) -> Outcome { return Unknown{e.getDescription().cStr()}; })
                 .exclusiveJoin(timer_.afterDelay(deadline + grace).then([this]() -> Outcome {
                   givingUp_ = true;
                   return Unknown{"no outcome within the deadline"};
                 }))
                 .then([this, attempt](Outcome outcome) {
                   finish(attempt, std::move(outcome));
                   if (givingUp_) giveUp();
                 }));
}

void Server::finish(std::uint64_t attempt, Outcome outcome) {
  if (active_.erase(attempt) == 0) return;  // given up meanwhile
  recall_.remember(attempt, outcome);
  outbox_.push_back({attempt, std::move(outcome)});
  admit();
}

void Server::defer(std::deque<Job> jobs, const char* reason) {
  for (auto& job : jobs) {
    recall_.remember(job.attempt, Deferred{reason});
    outbox_.push_back({job.attempt, Outcome(Deferred{reason})});
  }
  flushSoon();
}

/// A deadline was passed: whatever hangs may hang for good, so all that is out is said to be so and a fresh
/// process follows.
void Server::giveUp() {
  defer(std::exchange(queue_, {}), "the worker is about to restart");
  std::vector<std::uint64_t> left(active_.begin(), active_.end());
  for (auto attempt : left) finish(attempt, Unknown{"the worker gave up: another SMS passed its deadline"});
}

void Server::flushSoon() {
  if (flushScheduled_ || flushing_) return;
  flushScheduled_ = true;
  // At the end of the turn: what finished in the same turn goes in one call.
  tasks_.add(kj::evalLast([this]() {
    flushScheduled_ = false;
    flush();
  }));
}

void Server::flush() {
  if (flushing_ || outbox_.empty()) return;
  KJ_IF_MAYBE (sink, sink_) {
    auto batch = std::exchange(outbox_, {});
    auto request = sink->reportRequest();
    auto reports = request.initReports(batch.size());
    kj::Vector<std::uint64_t> begun;
    for (unsigned i = 0; i < batch.size(); ++i) {
      reports[i].setAttempt(batch[i].attempt);
      KJ_IF_MAYBE (outcome, batch[i].outcome)
        write(reports[i].initOutcome(), *outcome);
      else {
        reports[i].setBegun();
        begun.add(batch[i].attempt);
      }
    }
    flushing_ = true;
    tasks_.add(request.send().ignoreResult().then([this, begun = kj::mv(begun)]() {
      flushing_ = false;
      for (auto attempt : begun) {
        auto job = announced_.extract(attempt);
        if (givingUp_)
          defer({std::move(job.mapped())}, "the worker is about to restart");
        else
          begin(std::move(job.mapped()));
      }
      flush();
      delivered();
    }));
  }
}

/// Something was taken by the supervisor, or there was nothing to take: is that all there was?
void Server::delivered() {
  if (!queue_.empty() || !announced_.empty() || !active_.empty() || !outbox_.empty() || flushing_) return;
  for (auto& fulfiller : std::exchange(drained_, {})) fulfiller->fulfill();
  if (givingUp_) hung_.fulfiller->fulfill();
}

void Server::taskFailed(kj::Exception&& exception) {
  // The supervisor has gone or refused a report: the connection's end will end this process.
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  journal::Entry(journal::Level::error, fmt::format("contract: {}", exception.getDescription().cStr()))
      .write();
}

}  // namespace smsd::kit
