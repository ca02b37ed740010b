// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of an end: drain, quit, and a supervisor that goes away.
#include <fmt/format.h>

#include <algorithm>

#include "clients/dispatcher-check/checks.h"

namespace smsd::check {
namespace {

constexpr std::size_t mostDrained = 64;

void checkSpawnedEnd(Bench& bench) {
  auto& connection = bench.start();
  connection.describe();
  const AttemptId attempt = bench.newAttempt();
  connection.dispatch({attempt}, BegunAnswer::holdBack, bench.settings().timeout);
  connection.until([&]() { return connection.watch().announced() > 0; }, CheckedConnection::answerWithin);
  bench.spoil();
  bench.hangUp(connection);
  if (!bench.exits(CheckedConnection::leavesWithin))
    bench.findings().note("vanished-supervisor", "Its process goes on 5 s after the connection was closed.");
  else if (bench.child().crashed())
    bench.findings().note(
        "vanished-supervisor",
        fmt::format("When the connection was closed, its process ended with {}.", bench.child().endWords()));
}

/// Recalls `attempt` until it is not in progress any more.
void recallEnded(Bench& bench, CheckedConnection& connection, AttemptId attempt) {
  auto note = [&](std::string words) { bench.findings().note("vanished-supervisor", std::move(words)); };
  const Milliseconds end = bench.clock().now() + bench.settings().timeout + ReportWatch::margin;
  for (;;) {
    std::vector<Reported> outcomes;
    const auto reports = connection.recall({attempt}, outcomes);
    if (reports.empty())
      return note(
          fmt::format("On the next connection recall() did not return attempt {}, which was begun on the "
                      "former one.",
                      attempt));
    if (reports[0].second != proto::Report::BEGUN) return;
    if (bench.clock().now() > end)
      return note(
          fmt::format("On the next connection recall() goes on to return begun for attempt {} after its "
                      "deadline.",
                      attempt));
    connection.rest();
  }
}

void checkSurvival(Bench& bench) {
  bench.requireOutcomes();
  if (bench.findings().has("recall")) throw Undecided("its recall() is wrong, see `recall`");
  auto& former = bench.start();
  former.describe();
  const AttemptId attempt = bench.newAttempt();
  former.dispatch({attempt}, BegunAnswer::grant, bench.settings().timeout);
  const Attempt& sms = *former.watch().find(attempt);
  former.until([&]() { return sms.answered || sms.ended; }, bench.settings().timeout);
  // Its answer proves that the program has read the answer to report(begun). Not health(), which may be at
  // fault.
  former.describe();
  bench.hangUp(former);
  auto& next = bench.reconnect();
  next.describe("vanished-supervisor");
  recallEnded(bench, next, attempt);
  next.rest();
}

}  // namespace

void checkDrain(Bench& bench) {
  bench.requireObedience();
  bench.requireOutcomes();
  auto& connection = bench.start();
  const Description& said = connection.describe();
  const std::size_t behind = std::min<std::size_t>({said.backlog, said.window, mostDrained});
  const AttemptId sent = bench.newAttempt();
  connection.dispatch({sent}, BegunAnswer::hold, bench.settings().timeout);
  // Not held: the program may announce them only after the first report has returned.
  if (behind > 0)
    connection.dispatch(bench.newAttempts(behind), BegunAnswer::withhold, bench.settings().timeout);
  connection.until([&]() { return connection.watch().announced() > 0; }, CheckedConnection::answerWithin);
  auto draining = connection.drain();
  connection.rest();
  const Milliseconds bound = bench.settings().timeout + ReportWatch::margin + ReportWatch::grace;
  auto held = draining.then([&](CallEnd end) {
    if (end == CallEnd::answered && connection.watch().open() == 0) connection.watch().drained();
    bench.drained();
    return end;
  });
  connection.release();
  const CallEnd end = connection.settle(kj::mv(held), bound);
  auto note = [&](std::string words) { bench.findings().note("drain", std::move(words)); };
  if (end == CallEnd::failed || end == CallEnd::unimplemented) return note("The call drain() failed.");
  const std::size_t open = connection.watch().open();
  if (end == CallEnd::late && open == 0)
    return note(fmt::format("drain() did not return within {} ms, and every SMS had ended.", bound.count()));
  if (open == 0) return connection.rest();
  // Either the outcomes come late, or there are none.
  const bool ended = connection.until([&]() { return connection.watch().open() == 0; }, ReportWatch::grace);
  if (ended && end == CallEnd::answered)
    return note(fmt::format("drain() returned while {} SMS had neither an outcome nor notBegun.", open));
  connection.awaitEnds();
}

void checkQuit(Bench& bench) {
  auto& connection = bench.startToQuit();
  connection.describe();
  bench.spoil();
  bool left = false;
  CallEnd end = CallEnd::lost;
  auto call =
      connection.client().quitRequest().send().then([&](auto) { end = CallEnd::answered; },
                                                    [&](kj::Exception&& e) {
                                                      if (e.getType() == kj::Exception::Type::UNIMPLEMENTED)
                                                        end = CallEnd::unimplemented;
                                                      if (e.getType() == kj::Exception::Type::FAILED)
                                                        end = CallEnd::failed;
                                                    });
  auto asking = call.then([&]() { left = true; }).eagerlyEvaluate(nullptr);
  const bool returned = connection.untilOrEnd([&]() { return left; }, CheckedConnection::answerWithin);
  auto note = [&](std::string words) { bench.findings().note("quit", std::move(words)); };
  if (end == CallEnd::unimplemented) throw NotApplicable("it has no quit(): smsd drains it instead");
  if (!returned && !connection.ended())
    return note("quit() did not return within 5 s, and no SMS was in progress.");
  if (end != CallEnd::answered)
    return note("The connection ended, or the call failed, before quit() had returned.");
  if (!bench.exits(CheckedConnection::leavesWithin))
    return note("Its process goes on 5 s after quit() had returned.");
  if (bench.child().crashed())
    note(fmt::format("After quit() its process ended with {}.", bench.child().endWords()));
}

void checkVanished(Bench& bench) {
  if (bench.activation() == Activation::spawn)
    checkSpawnedEnd(bench);
  else
    checkSurvival(bench);
}

}  // namespace smsd::check
