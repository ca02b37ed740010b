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
  if (keeper.untilProbe() > 0ms)
    why += ", tried again in " +
           config::printDuration(std::chrono::ceil<std::chrono::seconds>(keeper.untilProbe()));
  if (!keeper.reason().empty()) why += ": " + keeper.reason();
  return why;
}

}  // namespace

struct Trials::Trial {
  queue::Submission submission;
  std::vector<std::string> left;  // dispatchers to try; the next one is at the back
  bool out = false;
  kj::TimePoint since = kj::origin<kj::TimePoint>();  // since its hand-over, or since its turn came
  TrialReport report;
  kj::Own<kj::PromiseFulfiller<TrialReport>> done;
};

Trials::Trials(kj::Timer& timer, const DispatcherSet& dispatchers, format::FormatRules rules,
               kj::Function<bool(const keeper::Keeper&)> mayTake)
    : timer_(timer),
      dispatchers_(dispatchers),
      rules_(rules),
      mayTake_(kj::mv(mayTake)),
      next_(firstOf(delivery::AttemptRange::trials)),
      late_(timer, [this]() { pump(); }) {}

Trials::~Trials() noexcept(false) = default;

std::string Trials::objection(const TrialRequest& request) const {
  if (stopping_) return "smsd stops";
  if (trials_.size() >= mostAtOnce)
    return fmt::format("{} tests are under way, and no more are possible; try again later", trials_.size());
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

kj::Promise<TrialReport> Trials::run(TrialRequest request) {
  if (auto problem = objection(request); !problem.empty()) return TrialReport{std::move(problem), {}};
  auto trial = std::make_unique<Trial>();
  queue::Submission& submission = trial->submission;
  submission.key = fmt::format("trial-{:016x}", next_);
  submission.attempt = next_++;
  submission.recipient = std::move(request.recipient);
  submission.sms = format::format({{0, text::repair(request.text), std::nullopt}}, rules_);
  if (request.via.empty())
    trial->left = dispatchers_.names();
  else
    trial->left.push_back(std::move(request.via));
  std::reverse(trial->left.begin(), trial->left.end());
  trial->since = timer_.now();
  auto pair = kj::newPromiseAndFulfiller<TrialReport>();
  trial->done = kj::mv(pair.fulfiller);
  trials_.push_back(std::move(trial));
  pump();
  return kj::mv(pair.promise);
}

void Trials::pump() {
  for (auto& trial : trials_)
    if (!trial->out) advance(*trial);
  sweep();
}

/// Goes on as far as possible without waiting.
void Trials::advance(Trial& trial) {
  while (!trial.out && !trial.left.empty()) {
    KJ_IF_MAYBE (at, dispatchers_.find(trial.left.back())) {
      if (!handOver(trial, dispatchers_[*at])) return;
    } else {
      note(trial, std::nullopt, "it is no longer configured");
    }
  }
}

/// Waits up to `longestStart` for a starting dispatcher, and up to `patience` for a full one.
bool Trials::handOver(Trial& trial, keeper::Keeper& keeper) {
  if (keeper.room() > 0 && mayTake_(keeper)) {
    trial.out = true;
    trial.since = timer_.now();
    trial.submission.dispatcher = keeper.name();
    keeper.dispatch({&trial.submission});
    return true;
  }
  const bool starts = keeper.state() == keeper::State::starting;
  if (keeper.paused() || (!starts && !keeper.usable() && keeper.out() == 0)) {
    note(trial, std::nullopt, whyNot(keeper));
    return true;
  }
  const auto bound = starts ? longestStart : patience;
  if (timer_.now() - trial.since < bound) {
    late_.notLaterThan(trial.since + bound);
    return false;
  }
  note(trial, std::nullopt, starts ? "it did not start in time" : "its window was full for too long");
  return true;
}

/// Notes the result at the dispatcher whose turn it was; the next one's turn begins.
void Trials::note(Trial& trial, std::optional<delivery::OutcomeKind> outcome, std::string words) {
  trial.report.tries.push_back({trial.left.back(), outcome, std::move(words),
                                Milliseconds((timer_.now() - trial.since) / kj::MILLISECONDS)});
  trial.left.pop_back();
  if (outcome == delivery::OutcomeKind::accepted) trial.left.clear();
  trial.out = false;
  trial.since = timer_.now();
  trial.submission.attempt = next_++;
}

void Trials::reported(std::vector<delivery::AttemptOutcome>& outcomes) {
  if (trials_.empty()) {
    std::erase_if(outcomes, [](auto& one) { return isIn(delivery::AttemptRange::trials, one.attempt); });
    return;
  }
  for (auto& said : outcomes)
    for (auto& trial : trials_)
      if (trial->out && trial->submission.attempt == said.attempt)
        note(*trial, said.outcome.kind, said.outcome.words);
  std::erase_if(outcomes, [](auto& one) { return isIn(delivery::AttemptRange::trials, one.attempt); });
  pump();
}

void Trials::stop() {
  stopping_ = true;
  for (auto& trial : trials_) {
    if (trial->out) note(*trial, delivery::OutcomeKind::unknown, "smsd stops");
    trial->left.clear();
  }
  sweep();
}

/// Reports and removes the trials that are decided.
void Trials::sweep() {
  std::erase_if(trials_, [](auto& trial) {
    if (trial->out || !trial->left.empty()) return false;
    trial->done->fulfill(std::move(trial->report));
    return true;
  });
}

}  // namespace smsd::road
