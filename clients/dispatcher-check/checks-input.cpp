// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of input that a program does not expect: strange arguments, bytes that are no message, and a
// supervisor of the next version.
#include <capnp/common.h>
#include <dispatcher-check/next.capnp.h>
#include <fmt/format.h>

#include <string>

#include "clients/dispatcher-check/checks.h"
#include "common/kj/view.h"

namespace smsd::check {
namespace {

constexpr std::uint16_t unknownMethod = 200;
constexpr unsigned manyAttempts = 10'000;

capnp::Request<capnp::AnyPointer, capnp::AnyPointer> rawRequest(proto::Dispatcher::Client& client,
                                                                std::uint16_t method) {
#if CAPNP_VERSION >= 1000000
  return client.typelessRequest(capnp::typeId<proto::Dispatcher>(), method, nullptr, {});
#else
  return client.typelessRequest(capnp::typeId<proto::Dispatcher>(), method, nullptr);
#endif
}

void noteUnknownCall(Bench& bench, CallEnd end) {
  if (end == CallEnd::answered)
    bench.findings().note(
        "next-version", fmt::format("It answered a call of method {}, which does not exist.", unknownMethod));
  if (end == CallEnd::failed)
    bench.findings().note("next-version", "A call of an unknown method failed, but not as unimplemented.");
  if (end == CallEnd::late)
    bench.findings().note("next-version", "It did not answer a call of an unknown method within 5 s.");
}

/// Texts at their bounds and with every kind of character, and figures at theirs. Withheld: none is sent.
void dispatchStrange(Bench& bench, CheckedConnection& connection) {
  struct Strange {
    std::string recipient, text, key;
    std::uint32_t deadline;
    std::uint16_t parts;
    AttemptId attempt;
  };
  const std::string all = "\x01\x1b[2J\"'\\\r\n</a>&%s{}\xe2\x82\xac\xf0\x9f\x94\xa5";
  const std::vector<Strange> strange = {
      {"", "", "", 0, 0, bench.newAttempt()},
      {std::string(proto::MAX_RECIPIENT, '9'), std::string(proto::MAX_TEXT, 'x'), std::string(64, 'k'),
       UINT32_MAX, UINT16_MAX, bench.newAttempt()},
      {all, all, all, 1, 1, UINT64_MAX},
  };
  for (const auto& sms : strange) {
    connection.expect(sms.attempt, BegunAnswer::withhold, bench.settings().timeout);
    auto request = connection.client().dispatchRequest();
    auto one = request.initBatch(1)[0];
    one.setAttempt(sms.attempt);
    one.setRecipient(view(sms.recipient));
    one.setText(view(sms.text));
    one.setKey(view(sms.key));
    one.setDeadline(sms.deadline);
    one.setParts(sms.parts);
    request.setSink(connection.sink());
    connection.settle(endOf(request.send()), CheckedConnection::answerWithin, "bad-input");
    // It may refuse such an SMS: what counts is that it goes on.
    connection.untilOrEnd([&]() { return connection.watch().open() == 0; }, CheckedConnection::hold);
  }
}

void recallMany(CheckedConnection& connection) {
  std::vector<AttemptId> many(manyAttempts);
  for (unsigned i = 0; i < manyAttempts; ++i) many[i] = i + 1;
  std::vector<Reported> outcomes;
  connection.recall({}, outcomes);
  connection.recall(many, outcomes);
}

}  // namespace

void checkBadInput(Bench& bench) {
  auto& connection = bench.start();
  connection.describe();
  const auto& findings = bench.findings();
  if (!findings.has("withheld") && !findings.has("begun-first") && !findings.has("stays-alive"))
    dispatchStrange(bench, connection);
  recallMany(connection);
  connection.describe("bad-input");
  if (bench.activation() == Activation::spawn) bench.spoil();
  connection.sendGarbage();
  connection.untilOrEnd([]() { return false; }, CheckedConnection::leavesWithin);
  auto note = [&](std::string words) { bench.findings().note("bad-input", std::move(words)); };
  if (!connection.ended()) return note("It kept the connection open after bytes that are no message.");
  bench.hangUp(connection);
  // An end that is no crash is what `vanished-supervisor` is about.
  if (bench.activation() == Activation::socket) {
    auto& next = bench.reconnect();
    next.describe(bench.child().ended() && !bench.child().crashed() ? "vanished-supervisor" : "bad-input");
  } else if (bench.exits(CheckedConnection::quiet) && bench.child().crashed()) {
    note(fmt::format("After bytes that are no message its process ended with {}.", bench.child().endWords()));
  }
}

void checkNextVersion(Bench& bench) {
  bench.requireOutcomes();
  auto& connection = bench.start();
  connection.describe();
  auto unknown = rawRequest(connection.client(), unknownMethod);
  unknown.initAs<next::Route>().setName("a call of the next version");
  noteUnknownCall(bench,
                  connection.settle(endOf(unknown.send()), CheckedConnection::answerWithin, "next-version"));

  const AttemptId attempt = bench.newAttempt();
  connection.expect(attempt, BegunAnswer::grant, bench.settings().timeout);
  constexpr std::uint16_t dispatchMethod = 1;
  auto request = rawRequest(connection.client(), dispatchMethod);
  auto params = request.initAs<next::DispatchParams>();
  auto sms = params.initBatch(1)[0];
  sms.setAttempt(attempt);
  sms.setRecipient(view(bench.settings().recipient));
  sms.setText(view(connection.textFor(attempt)));
  sms.setKey(view(fmt::format("check-{}", attempt)));
  sms.setDeadline(static_cast<std::uint32_t>(bench.settings().timeout.count()));
  sms.setParts(1);
  sms.setUrgency(UINT64_MAX);
  sms.setCampaign("a field of the next version");
  sms.initRoutes(2)[1].setName("another one");
  params.getSink().setAs<proto::OutcomeSink>(connection.sink());
  params.setNotAfter(UINT64_MAX);
  params.setOrigin("a field of the next version");
  const CallEnd end =
      connection.settle(endOf(request.send()), CheckedConnection::answerWithin, "next-version");
  if (end != CallEnd::answered) {
    bench.findings().note("next-version", "dispatch() failed for an SMS with fields that it does not know.");
    return;
  }
  connection.awaitEnds();
}

}  // namespace smsd::check
