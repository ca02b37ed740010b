// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/claimer.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>

#include "common/kj/duration.h"
#include "common/text/number-form.h"

namespace smsd::road {
namespace {

queue::Formatter formatterFor(const config::Config& config) {
  return [rules = config.formatting](const std::vector<format::Message>& messages) {
    return format::format(messages, rules);
  };
}

std::optional<queue::PacedClaim> pacingOf(const config::Config& config) {
  if (!config.pacing.on()) return std::nullopt;
  return queue::PacedClaim{
      config.pacing,
      [rules = config.formatting](const std::vector<format::Message>& messages, Milliseconds silence) {
        const auto minutes = std::chrono::ceil<std::chrono::minutes>(silence).count();
        return format::format(messages, rules, fmt::format(" SMS limit reached, next in {} min.", minutes));
      }};
}

/// Returns a function that recognises the numbers of heartbeats however they are spelled; empty if there are
/// none, so that a claim then costs nothing more.
std::function<bool(const std::string&)> numbersOfHeartbeats(const config::Config& config) {
  std::vector<std::string> forms;
  for (const auto& heartbeat : config.heartbeats)
    if (auto form = text::numberForm(heartbeat.recipient); !form.empty()) forms.push_back(std::move(form));
  if (forms.empty()) return {};
  return [forms](const std::string& recipient) {
    return std::find(forms.begin(), forms.end(), text::numberForm(recipient)) != forms.end();
  };
}

}  // namespace

Claimer::Claimer(Dependencies dependencies, kj::Function<void()> notice, kj::Function<void()> pump)
    : timer_(dependencies.timer),
      config_(dependencies.config),
      dispatchers_(dependencies.dispatchers),
      sms_(dependencies.sms),
      ledger_(dependencies.ledger),
      start_(dependencies.start),
      format_(formatterFor(config_)),
      leaveOut_(numbersOfHeartbeats(config_)),
      pacing_(pacingOf(config_)),
      plan_(static_cast<unsigned>(config_.queue.mildShare)),
      notice_(kj::mv(notice)),
      startStep_(timer_, kj::mv(pump)),
      look_(timer_, [this]() { notice_(); }),
      poll_(timer_, [this]() {
        poll_.in(pollEvery());
        notice_();
      }) {}

void Claimer::start() { poll_.in(pollEvery()); }

void Claimer::stop() {
  poll_.cancel();
  look_.cancel();
}

void Claimer::reconfigured() {
  format_ = formatterFor(config_);
  leaveOut_ = numbersOfHeartbeats(config_);
  pacing_ = pacingOf(config_);
  plan_.use(static_cast<unsigned>(config_.queue.mildShare));
  if (start_.begun()) poll_.in(pollEvery());
}

void Claimer::bellChanged() {
  if (poll_.isSet()) poll_.notLaterThan(timer_.now() + duration(pollEvery()));
}

Milliseconds Claimer::pollEvery() const { return ledger_.bell().pollEvery(config_.queue.pollInterval); }

ClaimPlan::InHand Claimer::inHand(const keeper::Keeper& keeper) const {
  return sms_.inHand(std::max<std::size_t>(keeper.room(), keeper.out() > 0 ? keeper.capacity() : 1));
}

bool Claimer::mayClaimFor(std::size_t firstUsable) {
  using Preferred = StartDecision::Preferred;
  start_.look(dispatchers_.undecidedBefore(firstUsable) ? Preferred::undecided : Preferred::decided);
  if (!start_.made()) startStep_.notLaterThan(start_.nextStep(timer_.now()));
  return start_.mayClaim(timer_.now());
}

void Claimer::watchPlaces() {
  for (auto& keeper : dispatchers_) {
    if (places_.size() <= keeper->index()) places_.resize(keeper->index() + 1);
    ScarcePlace& place = places_[keeper->index()];
    const bool probe = keeper->probes() || keeper->triesForSome();
    const bool free = probe || (keeper->traits().window == 1 && keeper->out() == 0 && keeper->usable());
    if (free && !place.free) {
      if (probe) plan_.lookFirst();
      place.news = plan_.news();
    }
    place.free = free;
  }
}

bool Claimer::awaitsLook(const keeper::Keeper& keeper) const {
  if (places_.size() <= keeper.index()) return false;
  const ScarcePlace& place = places_[keeper.index()];
  return place.free && plan_.awaits(place.news, inHand(keeper));
}

kj::Maybe<queue::ClaimRequest> Claimer::next() {
  watchPlaces();
  KJ_IF_MAYBE (first, dispatchers_.firstUsable()) {
    const auto& keeper = dispatchers_[*first];
    if (!mayClaimFor(*first)) return nullptr;
    if (auto plan = plan_.next(inHand(keeper))) return request(*plan, keeper);
    return nullptr;
  }
  KJ_IF_MAYBE (tries, dispatchers_.firstThatTries()) {
    const auto& keeper = dispatchers_[*tries];
    if (auto plan = plan_.nextForOne(keeper.triesAbove())) return request(*plan, keeper);
  }
  return nullptr;
}

queue::ClaimRequest Claimer::request(const ClaimPlan::Plan& plan, const keeper::Keeper& keeper) const {
  return {.limit = plan.limit,
          .look = plan.look,
          .dispatcher = keeper.name(),
          .format = format_,
          .expireAfter = config_.queue.expireAfter,
          .moreSevereThan = plan.moreSevereThan,
          .longestWait = config_.retry.maxDelay,
          .leaveOut = leaveOut_,
          .pacing = pacing_};
}

void Claimer::answered(const queue::ClaimResult& result) {
  const int last = result.submissions.empty() ? INT_MAX : keeper::rankOf(result.submissions.back().severity);
  plan_.answered(result.submissions.size(), last, result.atEnd);
  if (result.nextDue) lookAgain(timer_.now() + duration(*result.nextDue));
  for (const auto& one : result.paced) lookAgain(timer_.now() + duration(one.decision.wait));
}

}  // namespace smsd::road
