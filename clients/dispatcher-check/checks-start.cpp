// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of a start: readiness, description, health, last words, one supervisor at a time.
#include <fmt/format.h>
#include <kj/common.h>
#include <sysexits.h>

#include <algorithm>

#include "clients/dispatcher-check/checks.h"

namespace smsd::check {
namespace {

constexpr unsigned largestWindow = 4096;  // no entry of smsd.yaml permits more
constexpr std::string_view noConfiguration = "this is: [no configuration\n";

/// A program that reports that it cannot serve with this configuration breaks no rule, but the run ends.
void requireStart(CheckedConnection& connection, const Child& child) {
  KJ_IF_MAYBE (last, connection.lastWord())
    if (last->cause == proto::Cause::CANNOT_START)
      throw Hopeless(EX_CONFIG,
                     fmt::format("the program cannot start with this configuration: {}", last->words));
  if (child.ended() && child.exitStatus() == EX_CONFIG)
    throw Hopeless(EX_CONFIG,
                   fmt::format("the program ended with {}: {}", child.endWords(),
                               child.lastLine().empty() ? "it wrote no reason" : child.lastLine()));
}

void noteHealth(Bench& bench, CallEnd end, std::string_view when) {
  if (end == CallEnd::late)
    bench.findings().note("health", fmt::format("It did not answer health() within 5 s {}.", when));
  else if (end != CallEnd::answered)
    bench.findings().note("health", fmt::format("The call health() failed {}.", when));
}

bool isKind(std::string_view kind) {
  return !kind.empty() && kind[0] >= 'a' && kind[0] <= 'z' &&
         std::all_of(kind.begin(), kind.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace

void checkReady(Bench& bench) {
  auto& connection = bench.start();
  try {
    connection.describe("ready");
  } catch (const Undecided&) {
    requireStart(connection, bench.child());
    throw;
  }
  auto which = proto::Health::READY;
  std::string broken;
  if (!bench.findings().has("health"))
    noteHealth(bench, connection.health(which, broken), "before the first SMS");
  if (which == proto::Health::BROKEN)
    throw Hopeless(EX_UNAVAILABLE, fmt::format("the dispatcher reports that it cannot send: {}", broken));
  if (!connection.untilOrEnd([]() { return false; }, CheckedConnection::quiet) && connection.ended())
    connection.lost("ready");
  if (connection.lastWord() != nullptr)
    bench.findings().note("last-words", "It answered lastWords(), and its process goes on.");
}

void checkDescription(Bench& bench) {
  const Description said = bench.start().describe();
  const RunSettings& settings = bench.settings();
  auto note = [&](std::string words) { bench.findings().note("description", std::move(words)); };
  if (said.version < proto::OLDEST_VERSION)
    note(fmt::format("Its version is {}, expected {} or newer.", said.version, proto::OLDEST_VERSION));
  if (said.oldest > proto::VERSION || said.oldest > said.version)
    note(fmt::format("The oldest version that it works with is {}, expected at most {}.", said.oldest,
                     std::min(said.version, proto::VERSION)));
  if (said.version > proto::VERSION && said.oldest == 0)
    note(fmt::format("Its version is {} and `oldest` is 0, so that it works with no smsd of version {}.",
                     said.version, proto::VERSION));
  if (!isKind(said.kind))
    note(fmt::format("Its kind is '{}', expected small letters, digits and dashes.", said.kind));
  else if (!settings.kind.empty() && said.kind != settings.kind)
    note(fmt::format("Its kind is {}, expected {}.", said.kind, settings.kind));
  if (said.window < 1 || said.window > settings.window)
    note(fmt::format("Its window is {}, expected 1 to {} (--window).", said.window, settings.window));
  if (said.backlog > largestWindow)
    note(fmt::format("Its backlog is {}, expected at most {}.", said.backlog, largestWindow));
  if (bench.activation() == Activation::spawn && said.visits > 1)
    note(fmt::format("It counts {} connections, and has served one.", said.visits));
}

void checkHealth(Bench& bench) {
  if (bench.findings().has("health")) return;
  auto& connection = bench.start();
  connection.describe();
  const AttemptId attempt = bench.newAttempt();
  connection.dispatch({attempt}, BegunAnswer::holdBack, bench.settings().timeout);
  connection.until([&]() { return connection.watch().announced() > 0; }, CheckedConnection::answerWithin);
  auto which = proto::Health::READY;
  std::string broken;
  noteHealth(bench, connection.health(which, broken), "while an SMS was announced");
  connection.release();
  connection.awaitEnds();
}

void checkLastWords(Bench& bench) {
  if (bench.settings().config.empty())
    throw NotApplicable("without --config there is no wrong file to give it");
  auto& connection = bench.startWith(std::string(noConfiguration));
  if (connection.answersDescribe(CheckedConnection::answerWithin))
    throw NotApplicable("it serves with any content of its file");
  connection.awaitLastWords();
  auto note = [&](std::string words) { bench.findings().note("last-words", std::move(words)); };
  KJ_IF_MAYBE (last, connection.lastWord()) {
    if (last->cause != proto::Cause::CANNOT_START)
      note(fmt::format("With a wrong file it gave another cause than cannotStart, and the words: {}.",
                       last->words));
    if (last->words.empty()) note("With a wrong file its last words are empty, expected the reason.");
  } else if (!connection.hasNoLastWords()) {
    note("With a wrong file it did not answer lastWords() before its connection ended.");
  }
  if (!bench.exits(CheckedConnection::leavesWithin))
    note("With a wrong file it neither serves nor ends within 5 s.");
  else if (bench.child().crashed())
    note(fmt::format("With a wrong file its process ended with {}.", bench.child().endWords()));
}

void checkSecondConnection(Bench& bench) {
  auto& first = bench.start();
  first.describe();
  auto& second = bench.connect();
  KJ_DEFER(bench.hangUp(second));
  if (second.answersDescribe(CheckedConnection::hold))
    bench.findings().note("second-connection",
                          "It answered describe() on a second connection while the first one was open.");
  first.describe();
}

}  // namespace smsd::check
