// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/test-sms.h"

#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <algorithm>
#include <string_view>

#include "common/text/utf.h"

namespace smsd::road {
namespace {

using namespace std::chrono_literals;

// A dispatcher whose window stays full for this long does not move.
constexpr auto patience = 30 * kj::SECONDS;
// A start ends earlier, at the dispatcher's own start_timeout. This is the largest one that can be
// configured, and the time for which a former worker may delay the start.
constexpr auto longestStart = 10 * kj::MINUTES + 10 * kj::SECONDS;

std::string_view name(keeper::State state) {
  switch (state) {
    case keeper::State::starting:
      return "starting";
    case keeper::State::ready:
      return "ready";
    case keeper::State::resting:
      return "resting";
    case keeper::State::broken:
      return "broken";
    case keeper::State::paused:
      return "paused";
  }
  return "?";
}

std::string whyNot(const keeper::Keeper& keeper) {
  if (keeper.paused()) return keeper.reason();
  std::string why = fmt::format("it is {}", name(keeper.state()));
  if (keeper.untilProbe() > 0ms) why += ", tried again in " + config::roughly(keeper.untilProbe());
  if (!keeper.reason().empty()) why += ": " + keeper.reason();
  return why;
}

}  // namespace

struct TestSms::Test {
  queue::Submission submission;
  std::vector<std::string> left;  // dispatchers to try; the next one is at the back
  bool out = false;
  kj::TimePoint since = kj::origin<kj::TimePoint>();  // since its hand-over, or since its turn came
  TestSmsReport report;
  kj::Own<kj::PromiseFulfiller<TestSmsReport>> done;
};

TestSms::TestSms(kj::Timer& timer, const DispatcherSet& dispatchers, format::FormatRules rules,
                 kj::Function<bool(const keeper::Keeper&)> mayTake)
    : timer_(timer),
      dispatchers_(dispatchers),
      rules_(rules),
      mayTake_(kj::mv(mayTake)),
      next_(firstOf(delivery::AttemptRange::testSms)),
      late_(timer, [this]() { pump(); }) {}

TestSms::~TestSms() noexcept(false) = default;

std::string TestSms::objection(const TestSmsRequest& request) const {
  if (stopping_) return "smsd stops";
  if (tests_.size() >= mostAtOnce)
    return fmt::format("{} tests are under way, and no more are possible; try again later", tests_.size());
  if (request.recipient.empty() || request.recipient.size() > proto::MAX_RECIPIENT ||
      text::printable(request.recipient, proto::MAX_RECIPIENT) != request.recipient)
    return fmt::format("the number: expected 1 to {} printable characters",
                       std::uint32_t(proto::MAX_RECIPIENT));
  if (request.text.empty() || request.text.size() > proto::MAX_TEXT)
    return fmt::format("the text: expected 1 to {} bytes", std::uint32_t(proto::MAX_TEXT));
  if (request.via.empty() || dispatchers_.find(request.via) != nullptr) return {};
  return fmt::format("there is no dispatcher {}, expected one of {}", text::printable(request.via, 40),
                     fmt::join(dispatchers_.names(), ", "));
}

kj::Promise<TestSmsReport> TestSms::run(TestSmsRequest request) {
  if (auto problem = objection(request); !problem.empty()) return TestSmsReport{std::move(problem), {}};
  auto test = std::make_unique<Test>();
  queue::Submission& submission = test->submission;
  submission.key = fmt::format("trial-{:016x}", next_);
  submission.attempt = next_++;
  submission.recipient = std::move(request.recipient);
  submission.sms = format::format({{0, text::repair(request.text), std::nullopt}}, rules_);
  if (request.via.empty())
    test->left = dispatchers_.names();
  else
    test->left.push_back(std::move(request.via));
  std::reverse(test->left.begin(), test->left.end());
  test->since = timer_.now();
  auto pair = kj::newPromiseAndFulfiller<TestSmsReport>();
  test->done = kj::mv(pair.fulfiller);
  tests_.push_back(std::move(test));
  pump();
  return kj::mv(pair.promise);
}

void TestSms::pump() {
  for (auto& test : tests_)
    if (!test->out) advance(*test);
  sweep();
}

/// Goes on as far as possible without waiting.
void TestSms::advance(Test& test) {
  while (!test.out && !test.left.empty()) {
    KJ_IF_MAYBE (at, dispatchers_.find(test.left.back())) {
      if (!handOver(test, dispatchers_[*at])) return;
    } else {
      note(test, std::nullopt, "it is no longer configured");
    }
  }
}

/// Waits up to `longestStart` for a starting dispatcher, and up to `patience` for a full one.
bool TestSms::handOver(Test& test, keeper::Keeper& keeper) {
  if (keeper.room() > 0 && mayTake_(keeper)) {
    test.out = true;
    test.since = timer_.now();
    test.submission.dispatcher = keeper.name();
    keeper.dispatch({&test.submission});
    return true;
  }
  const bool starts = keeper.state() == keeper::State::starting;
  if (keeper.paused() || (!starts && !keeper.usable() && keeper.out() == 0)) {
    note(test, std::nullopt, whyNot(keeper));
    return true;
  }
  const auto bound = starts ? longestStart : patience;
  if (timer_.now() - test.since < bound) {
    late_.notLaterThan(test.since + bound);
    return false;
  }
  note(test, std::nullopt, starts ? "it did not start in time" : "its window was full for too long");
  return true;
}

/// Notes the result at the dispatcher whose turn it was; the next one's turn begins.
void TestSms::note(Test& test, std::optional<delivery::OutcomeKind> outcome, std::string words) {
  test.report.tries.push_back({test.left.back(), outcome, std::move(words),
                               Milliseconds((timer_.now() - test.since) / kj::MILLISECONDS)});
  test.left.pop_back();
  if (outcome == delivery::OutcomeKind::accepted) test.left.clear();
  test.out = false;
  test.since = timer_.now();
  test.submission.attempt = next_++;
}

void TestSms::reported(std::vector<delivery::AttemptOutcome>& outcomes) {
  if (tests_.empty()) {
    std::erase_if(outcomes, [](auto& one) { return isIn(delivery::AttemptRange::testSms, one.attempt); });
    return;
  }
  for (auto& said : outcomes)
    for (auto& test : tests_)
      if (test->out && test->submission.attempt == said.attempt)
        note(*test, said.outcome.kind, said.outcome.words);
  std::erase_if(outcomes, [](auto& one) { return isIn(delivery::AttemptRange::testSms, one.attempt); });
  pump();
}

void TestSms::stop() {
  stopping_ = true;
  for (auto& test : tests_) {
    if (test->out) note(*test, delivery::OutcomeKind::unknown, "smsd stops");
    test->left.clear();
  }
  sweep();
}

/// Reports and removes the test SMS that are decided.
void TestSms::sweep() {
  std::erase_if(tests_, [](auto& test) {
    if (test->out || !test->left.empty()) return false;
    test->done->fulfill(std::move(test->report));
    return true;
  });
}

}  // namespace smsd::road
