// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/questions.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "common/fault.h"
#include "common/journal/journal.h"

namespace smsd::control {
namespace {

constexpr auto keptFor = 5 * kj::SECONDS;  // the connection, without calls

}  // namespace

Questions::Questions(queue::QueueThread& queue, Connection connection, kj::Timer& timer,
                     std::function<std::string()> awayBecause)
    : queue_(queue),
      connection_(connection),
      timer_(timer),
      awayBecause_(std::move(awayBecause)),
      turns_(geteuid()),
      begun_(timer.now()),
      tasks_(*this) {}

std::string Questions::refused(UserTurns::User user, Ticket ticket) {
  if (auto why = awayBecause_(); !why.empty()) return why;
  const auto wait = std::max(1.0, std::ceil(static_cast<double>(turns_.ahead(user)) * usual_));
  switch (turns_.enter(user, ticket)) {
    case UserTurns::Place::taken:
      return "";
    case UserTurns::Place::userHasItsShare:
      return fmt::format("{} requests of this user wait for the queue already: try again in {:.0f} s",
                         UserTurns::forOne, wait);
    case UserTurns::Place::allAreTaken:
      break;
  }
  return fmt::format("{} requests wait for the queue already: try again in {:.0f} s", UserTurns::forOthers,
                     wait);
}

kj::Promise<Questions::Turn> Questions::turnOf(Ticket ticket, Room room) {
  auto turn = kj::newPromiseAndFulfiller<Turn>();
  waiting_.emplace(ticket, Waiting{std::move(room), kj::mv(turn.fulfiller)});
  beginNext();
  return kj::mv(turn.promise);
}

void Questions::beginNext() {
  if (running_) return;
  const auto next = turns_.next([this](Ticket ticket) { return waiting_.at(ticket).room->mayBeMade(); });
  if (!next) return;
  auto begins = std::move(waiting_.extract(*next).mapped());
  begins.room->make();
  running_ = true;
  begun_ = timer_.now();
  begins.turn->fulfill(Turn::come);
}

/// A question has ended.
void Questions::over() {
  constexpr double weight = 0.2;  // of the last question
  const auto took = static_cast<double>((timer_.now() - begun_) / kj::MILLISECONDS) / 1000;
  usual_ += weight * (took - usual_);
  running_ = false;
  beginNext();
  if (running_) return;
  closing_ = timer_.afterDelay(keptFor)
                 .then([this]() {
                   if (!running_) close();
                 })
                 .eagerlyEvaluate([](kj::Exception&&) {});
}

/// Returns what the client is told when its patience is over.
std::string Questions::givesUp(Ticket ticket) {
  if (turns_.leave(ticket)) {
    waiting_.extract(ticket).mapped().turn->fulfill(Turn::withdrawn);
    return notBegun;
  }
  if (connection_ == Connection::ofItsOwn) queue_.hangUp();
  return "the queue does not answer; it may still carry the request out";
}

void Questions::close() {
  if (connection_ == Connection::ofItsOwn) tasks_.add(queue_.close());
}

void Questions::taskFailed(kj::Exception&& exception) {
  journal::Entry(journal::Level::warning, fmt::format("control: {}", faultOf(exception))).write();
}

}  // namespace smsd::control
