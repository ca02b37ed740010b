// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of SMS in progress. The ReportWatch of the connection notes most faults.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "clients/dispatcher-check/checks.h"

namespace smsd::check {
namespace {

constexpr Milliseconds shortDeadline{500};

std::size_t roomOf(const Description& said) {
  return std::size_t{said.window} + std::min<std::size_t>(said.backlog, proto::MAX_BATCH);
}

/// Throws unless the window is one that the check can fill.
const Description& described(CheckedConnection& connection, const Bench& bench) {
  const Description& said = connection.describe();
  if (said.window < 1 || said.window > bench.settings().window)
    throw Undecided("its window is out of bounds, see `description`");
  return said;
}

}  // namespace

void checkOneOutcome(Bench& bench) {
  auto& connection = bench.start();
  const std::size_t count =
      std::min<std::size_t>(bench.settings().batch, roomOf(described(connection, bench)));
  connection.dispatch(bench.newAttempts(count), BegunAnswer::grant, bench.settings().timeout);
  connection.awaitEnds();
  connection.rest();
}

void checkBegunFirst(Bench& bench) {
  bench.requireOutcomes();
  auto& connection = bench.start();
  described(connection, bench);
  const std::string before = bench.witness();
  const AttemptId attempt = bench.newAttempt();
  connection.dispatch({attempt}, BegunAnswer::hold, bench.settings().timeout);
  const Attempt& sms = *connection.watch().find(attempt);
  connection.until([&]() { return sms.begun || sms.ended; }, bench.settings().timeout);
  connection.until([&]() { return sms.ended.has_value(); }, CheckedConnection::hold);
  if (bench.witness() != before)
    bench.findings().note("begun-first",
                          fmt::format("{} has changed while the report of begun was not answered yet.",
                                      bench.settings().witness.string()));
  connection.release();
  connection.awaitEnds();
}

void checkDeadline(Bench& bench) {
  bench.requireOutcomes();
  auto& connection = bench.start();
  described(connection, bench);
  const AttemptId attempt = bench.newAttempt();
  const Attempt* sms = nullptr;
  try {
    connection.dispatch({attempt}, BegunAnswer::grant, std::min(shortDeadline, bench.settings().timeout));
    sms = connection.watch().find(attempt);
    while (!sms->ended && !connection.watch().overdue(bench.clock().now()))
      if (!connection.untilOrEnd([&]() { return sms->ended.has_value(); }, CheckedConnection::quiet) &&
          connection.ended())
        connection.lost("stays-alive");
  } catch (const Undecided&) {
    // It may end by itself after this outcome: a deadline that passes makes the process useless (spent).
    if (sms == nullptr || !sms->ended) throw;
  }
  // Such a process has become useless, and may end at any moment.
  if (!sms->outcome || sms->outcome->kind != outcome::OutcomeKind::accepted) bench.spoil();
  if (!sms->ended)
    bench.findings().note(
        "deadline",
        fmt::format("It reported no outcome for attempt {} within {} ms, with a "
                    "deadline of {} ms.",
                    attempt, (bench.clock().now() - sms->handedOver).count(), sms->deadline.count()));
}

void checkWithheld(Bench& bench) {
  auto& connection = bench.start();
  described(connection, bench);
  const std::string before = bench.witness();
  connection.dispatch({bench.newAttempt()}, BegunAnswer::withhold, bench.settings().timeout);
  connection.awaitEnds();
  connection.rest();
  // A program that does not wait for the answer cannot know what is withheld.
  if (bench.witness() != before && !bench.findings().has("begun-first"))
    bench.findings().note("withheld", fmt::format("{} has changed although the SMS was withheld.",
                                                  bench.settings().witness.string()));
}

void checkWindow(Bench& bench) {
  bench.requireObedience();
  auto& connection = bench.start();
  const Description& said = described(connection, bench);
  // More than the window, as far as the backlog permits. None of them is sent.
  const std::size_t count = std::min<std::size_t>(roomOf(said), std::size_t{said.window} + 2);
  connection.dispatch(bench.newAttempts(count), BegunAnswer::holdBack, bench.settings().timeout);
  connection.until([&]() { return connection.watch().announced() > said.window; }, CheckedConnection::hold);
  connection.release();
  // Those behind the window are announced afterwards, and held again.
  while (connection.watch().open() > 0 && !connection.watch().overdue(bench.clock().now())) {
    connection.until([&]() { return connection.watch().open() == 0; }, Milliseconds(20));
    connection.release();
  }
  connection.awaitEnds();
}

void checkLimits(Bench& bench) {
  bench.requireObedience();
  auto& connection = bench.start();
  const Description& said = described(connection, bench);
  const CallEnd end = connection.dispatchOverfull(bench.newAttempts(roomOf(said) + 1));
  if (end == CallEnd::answered)
    bench.findings().note("limits", fmt::format("It took a batch of {} SMS, and window + backlog is {}.",
                                                roomOf(said) + 1, roomOf(said)));
  else if (end == CallEnd::late)
    bench.findings().note("limits",
                          "It did not return from dispatch() within 5 s for a batch above its limits.");
  connection.rest();
  if (end == CallEnd::answered) return;
  connection.dispatch({bench.newAttempt()}, BegunAnswer::withhold, bench.settings().timeout);
  connection.awaitEnds();
}

void checkRecall(Bench& bench) {
  bench.requireOutcomes();
  auto& connection = bench.start();
  described(connection, bench);
  const AttemptId sent = bench.newAttempt(), withheld = bench.newAttempt();
  connection.dispatch({sent}, BegunAnswer::grant, bench.settings().timeout);
  connection.awaitEnds();
  connection.dispatch({withheld}, BegunAnswer::withhold, bench.settings().timeout);
  connection.awaitEnds();
  std::vector<Reported> outcomes;
  const auto reports = connection.recall({sent, withheld, Bench::stranger}, outcomes);
  auto note = [&](std::string words) { bench.findings().note("recall", std::move(words)); };
  std::map<AttemptId, unsigned> seen;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const auto& [id, which] = reports[i];
    if (++seen[id] > 1) note(fmt::format("recall() returned attempt {} twice.", id));
    const Attempt* attempt = connection.watch().find(id);
    if (attempt == nullptr) {
      note(fmt::format("recall() returned attempt {}, which it was never given.", id));
      continue;
    }
    const std::string was = attempt->outcome ? attempt->outcome->shown() : "notBegun";
    const std::string is = which == proto::Report::OUTCOME ? outcomes[i].shown()
                           : which == proto::Report::BEGUN ? "begun"
                                                           : "notBegun";
    if (was != is)
      note(fmt::format("It had reported {} for attempt {}, and recall() returned {}.", was, id, is));
  }
  for (auto id : {sent, withheld})
    if (seen[id] == 0 && !(id == withheld && bench.findings().has("withheld")))
      note(fmt::format("recall() did not return attempt {}, which has ended a moment ago.", id));
}

}  // namespace smsd::check
