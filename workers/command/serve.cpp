// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"

namespace smsd::command {
namespace {

// The supervisor waits 5 s for the health of a worker.
constexpr auto patienceWithBusy = 2 * kj::SECONDS;
constexpr auto patienceWithIdle = 4 * kj::SECONDS;
/// From the end of the program's output to the program's end.
constexpr auto patienceWithEnd = 1 * kj::SECONDS;

/// SMS without an outcome that a program with a small window may keep beyond their deadlines.
constexpr std::size_t leastLate = 4;

/// Removes secrets from the words of an outcome.
void hideIn(const net::Hiding& hiding, kit::Outcome& outcome) {
  std::visit(
      [&hiding](auto& one) {
        if constexpr (requires { one.reference; })
          hiding.hideIn(one.reference);
        else
          hiding.hideIn(one.reason);
      },
      outcome);
}

}  // namespace

ServeMode::ServeMode(kj::AsyncIoContext& io, StarterClient& starter, const net::Hiding& hiding,
                     unsigned window)
    : timer_(io.provider->getTimer()),
      starter_(starter),
      hiding_(hiding),
      remarks_(timer_, hiding),
      window_(window),
      tasks_(*this) {}

kj::Promise<void> ServeMode::start() {
  program_ = starter_.start({});
  tasks_.add(remarks_.read(kj::mv(program_.errors)));
  tasks_.add(read().then([this]() { return ended(); }));
  return kj::mv(started_.promise);
}

void ServeMode::describe(kit::Traits& traits) const {
  traits.window = window_;
  traits.knowsKeys = knowsKeys_;
}

/// Resolves at the end of the program's output, or when a line did not fit.
kj::Promise<void> ServeMode::read() {
  return program_.output->tryRead(buffer_, 1, sizeof buffer_)
      .then([this](std::size_t got) -> kj::Promise<void> {
        if (got == 0) return kj::READY_NOW;
        if (!lines_.feed({buffer_, got}, [this](const std::string& line) { take(line); }))
          giveUp(fmt::format("a line of the program does not fit: it has more than {} bytes", mostLine));
        return over_ ? kj::Promise<void>(kj::READY_NOW) : read();
      });
}

kj::Promise<void> ServeMode::ended() {
  if (over_) return kj::READY_NOW;
  return program_.ended
      .then([this](const ProgramEnd& end) {
        lastEnd_ = command::describe(end);
        giveUp(lastEnd_);
      })
      .exclusiveJoin(
          timer_.afterDelay(patienceWithEnd).then([this]() { giveUp("the program has closed its output"); }));
}

void ServeMode::take(const std::string& line) {
  if (over_) return;
  if (!greeted_) {
    auto read = readGreeting(line);
    if (auto* misfit = std::get_if<Misfit>(&read))
      return giveUp("the first line of the program does not fit: it " + misfit->reason);
    auto& greeting = std::get<Greeting>(read);
    greeted_ = true;
    window_ = std::min(window_, greeting.window);
    knowsKeys_ = greeting.knowsKeys;
    return started_.fulfiller->fulfill();
  }
  auto read = readLine(line);
  if (auto* misfit = std::get_if<Misfit>(&read))
    giveUp("a line of the program does not fit: it " + misfit->reason);
  if (auto* outcome = std::get_if<OutcomeLine>(&read)) take(std::move(*outcome));
  if (auto* health = std::get_if<HealthLine>(&read)) take(std::move(*health));
}

void ServeMode::take(OutcomeLine line) {
  auto found = underWay_.extract(line.id);
  if (found.empty()) {
    if (late_.erase(line.id) == 0)
      giveUp(
          "a line of the program does not fit: it has an outcome of an SMS that the program does not have");
    return;
  }
  hideIn(hiding_, line.outcome);
  found.mapped()->fulfill(std::move(line.outcome));
}

void ServeMode::take(HealthLine line) {
  if (!asked_) return giveUp("a line of the program does not fit: it has a `health` without a query");
  asked_ = false;
  hiding_.hideIn(line.broken);
  broken_ = std::move(line.broken);
  for (auto& waiting : std::exchange(waitForHealth_, {})) waiting->fulfill(kit::Condition{broken_, {}});
}

kj::Promise<kit::Outcome> ServeMode::send(kit::Job job) {
  if (over_) return kit::Outcome(kit::Deferred{"the program has ended"});
  std::string id = std::to_string(job.attempt);
  auto outcome = kj::newPromiseAndFulfiller<kit::Outcome>();
  underWay_.insert_or_assign(id, kj::mv(outcome.fulfiller));
  busySince_ = true;
  write(smsLine(job));
  const auto deadline = static_cast<std::uint64_t>(job.deadline.count()) * kj::MILLISECONDS;
  return outcome.promise.exclusiveJoin(timer_.afterDelay(deadline).then([this, id = std::move(id)]() {
    expire(id);
    return kit::Outcome(kit::Unknown{"the program gave no outcome by the deadline"});
  }));
}

/// The program may still send the outcome, which then comes too late. It may not keep more such SMS than its
/// window, because nothing bounds what else it has.
void ServeMode::expire(const std::string& id) {
  underWay_.erase(id);
  late_.insert(id);
  if (late_.size() >= std::max<std::size_t>(window_, leastLate) && !over_)
    giveUp(fmt::format("the program has given no outcome for {} SMS", late_.size()));
}

/// A program that has an SMS may be busy with it, and counts as it was before. An idle program has to answer.
kj::Promise<kit::Condition> ServeMode::health() {
  if (!asked_) write(healthLine());
  // A program that was busy and did not answer has to do so when it is idle.
  if (!std::exchange(asked_, true) || busySince_) {
    busySince_ = !underWay_.empty();
    tasks_.add(timer_.afterDelay(patienceWithIdle).then([this, query = ++query_]() {
      if (asked_ && query == query_ && !busySince_ && !over_)
        giveUp("the program did not answer a health query within 4 s");
    }));
  }
  auto answer = kj::newPromiseAndFulfiller<kit::Condition>();
  std::erase_if(waitForHealth_, [](auto& former) { return !former->isWaiting(); });
  waitForHealth_.push_back(kj::mv(answer.fulfiller));
  return answer.promise.exclusiveJoin(
      timer_.afterDelay(patienceWithBusy).then([this]() -> kj::Promise<kit::Condition> {
        if (busySince_ || over_) return kit::Condition{broken_, {}};
        return timer_.afterDelay(patienceWithIdle).then([this]() { return kit::Condition{broken_, {}}; });
      }));
}

void ServeMode::write(const std::string& line) {
  unwritten_ += line;
  if (writing_) return;
  writing_ = true;
  // At the end of the turn, so that all lines of one turn share a call.
  tasks_.add(kj::evalLast([this]() { return flush(); }));
}

kj::Promise<void> ServeMode::flush() {
  if (unwritten_.empty() || over_) {
    writing_ = false;
    return kj::READY_NOW;
  }
  auto bytes = kj::heap(std::exchange(unwritten_, {}));
  auto written = program_.input->write(bytes->data(), bytes->size());
  return written.attach(kj::mv(bytes))
      .then([this]() { return flush(); },
            [](kj::Exception&&) {});  // the program has ended, or will: ended() finds out how
}

void ServeMode::giveUp(const std::string& reason) {
  if (std::exchange(over_, true)) return;
  if (greeted_) return spent_.fulfiller->fulfill(std::string(reason));
  started_.fulfiller->reject(explained(reason));
}

void ServeMode::taskFailed(kj::Exception&& exception) {
  giveUp("the program cannot be read from: " + faultOf(exception));
}

}  // namespace smsd::command
