// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/watchkeeping/canary-watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/kj/duration.h"
#include "common/text/utf.h"
#include "supervisor/keeper/quoted-sms.h"

namespace smsd::watchkeeping {
namespace {

// A step of the clock is noticed within this time, and so is the end of a pause.
constexpr std::chrono::seconds longestWait = 60s;
// A dispatcher that could not be tried is tried again after this time.
constexpr Milliseconds untilRetry = 10min;
// The same for a canary that smsd itself could not send.
constexpr Milliseconds untilOwnRetry = 60s;
// Longer than any interval; a dispatcher that comes back within it has no second canary.
constexpr auto keptFor = std::chrono::days(31);

CanarySchedule scheduleOf(const config::CanaryOrder& order) { return {order.at, order.every}; }

std::uint64_t& countOf(CanaryCounts& counts, const std::optional<delivery::OutcomeKind>& outcome) {
  if (!outcome) return counts.notTried;
  switch (*outcome) {
    case delivery::OutcomeKind::accepted:
      return counts.accepted;
    case delivery::OutcomeKind::refused:
      return counts.refused;
    case delivery::OutcomeKind::deferred:
      return counts.deferred;
    case delivery::OutcomeKind::broken:
      return counts.broken;
    case delivery::OutcomeKind::unknown:
      break;
  }
  return counts.unknown;
}

/// Status and journal show the words of a canary also to those who may see no number: without any part of it,
/// in a reference, too.
std::string shownOf(const std::string& words, const config::CanaryOrder& order) {
  return text::printable(keeper::withoutQuotation(words, {order.recipient, order.text}));
}

road::TestSmsReport refusal(std::string why) { return {std::move(why), {}}; }

}  // namespace

CanaryWatch::CanaryWatch(kj::Timer& timer, road::Road& road, const events::EventLog& log,
                         std::filesystem::path file, kj::Function<WallTime()> clock)
    : timer_(timer),
      road_(road),
      log_(log),
      clock_(kj::mv(clock)),
      records_(std::move(file)),
      look_(timer, [this]() { look(); }),
      tasks_(*this) {}

void CanaryWatch::start() {
  stage_ = Stage::running;
  look();
}

void CanaryWatch::stop() {
  stage_ = Stage::stopped;
  look_.cancel();
}

const keeper::Keeper* CanaryWatch::keeperOf(const std::string& name) const {
  KJ_IF_MAYBE (at, road_.dispatchers().find(name)) return &road_.dispatchers()[*at];
  return nullptr;
}

/// Follows the configuration: which dispatchers have canaries, and how.
void CanaryWatch::follow() {
  const config::Config& config = road_.config();
  quota_.configure({config.canary.maxPerDay, 0, 1});
  std::set<std::string> names;
  for (const auto& dispatcher : config.dispatchers)
    if (auto order = config::canaryOf(config, dispatcher)) {
      names.insert(dispatcher.name);
      auto [at, isNew] = watched_.try_emplace(dispatcher.name);
      if (isNew) at->second.since = now();
      at->second.order = std::move(*order);
    }
  std::erase_if(watched_,
                [&names](const auto& one) { return !names.contains(one.first) && !one.second.out; });
  if (read_ || watched_.empty()) return;
  try {
    records_.read();
    quota_.goOn(records_.today);
    read_ = true;
  } catch (const std::system_error& e) {
    if (!notKept_) log_.canariesNotKept(e.what());
    notKept_ = true;
  }
}

WallTime CanaryWatch::next(const std::string& name, const Watched& one, WallTime now) const {
  const CanaryRecord* record = records_.find(name);
  return nextCanary(scheduleOf(one.order), {record != nullptr ? record->ran : std::nullopt, one.since}, now);
}

bool CanaryWatch::mayLeave(const keeper::Keeper& keeper, const Watched& one, WallTime now) const {
  return !one.out && out_ < mostAtOnce && timer_.now() >= one.notBefore && !keeper.paused() &&
         keeper.allowance(std::nullopt) > 0 && next(keeper.name(), one, now) <= now;
}

bool CanaryWatch::dayUsedUp(WallTime now) { return quota_.left(std::nullopt, 0, dayOf(now)) == 0; }

/// Sends the canaries that are due, and sets the time of the next look.
void CanaryWatch::look() {
  if (stage_ != Stage::running) return;
  follow();
  const WallTime time = now();
  std::chrono::seconds wait = longestWait;
  for (auto& [name, one] : watched_) {
    const keeper::Keeper* keeper = keeperOf(name);
    if (keeper == nullptr) continue;
    if (mayLeave(*keeper, one, time)) {
      if (!dayUsedUp(time)) {
        tasks_.add(send(name, one, *keeper).ignoreResult());
      } else if (limited_ != dayOf(time)) {
        limited_ = dayOf(time);
        log_.canariesUsedUp(road_.config().canary.maxPerDay);
      }
    }
    if (const auto due = next(name, one, time); due > time) wait = std::min(wait, due - time);
  }
  if (!watched_.empty()) look_.in(wait);
}

/// Makes the records durable. Returns false, and logs it once, if that is not possible.
bool CanaryWatch::keep() {
  std::set<std::string> names;
  for (const auto& [name, one] : watched_) names.insert(name);
  records_.today = quota_.used();
  try {
    if (!read_) return false;
    records_.write(names, now() - keptFor);
    notKept_ = false;
    return true;
  } catch (const std::system_error& e) {
    if (!notKept_) log_.canariesNotKept(e.what());
    notKept_ = true;
    return false;
  }
}

/// The canary has not left: it costs nothing, and remains due. A later day does not count it.
void CanaryWatch::takeBack(const std::string& name, const Before& before) {
  records_[name].ran = before.ran;
  if (auto used = quota_.used(); used.day == before.counted && used.count > 0) {
    --used.count;
    quota_.goOn(used);
  }
}

CanaryWatch::Sent CanaryWatch::send(const std::string& name, Watched& one, const keeper::Keeper& keeper) {
  const WallTime leaves = now();
  quota_.count(dayOf(leaves));
  const Before before{std::exchange(records_[name].ran, leaves), quota_.used().day};
  if (!keep()) {
    takeBack(name, before);
    one.notBefore = timer_.now() + duration(untilOwnRetry);
    return refusal("no canary is sent, because its record cannot be stored in the state directory");
  }
  one.out = true;
  ++out_;
  return road_.testSms()
      .run({one.order.recipient, one.order.text, name})
      .then([this, name, before, accepted = keeper.counts().accepted](road::TestSmsReport report) {
        ended(name, before, accepted, report);
        return report;
      });
}

void CanaryWatch::ended(const std::string& name, const Before& before, std::uint64_t acceptedBefore,
                        const road::TestSmsReport& report) {
  if (stage_ == Stage::stopped) return;
  auto& one = watched_.at(name);
  one.out = false;
  --out_;
  const bool tried = !report.tries.empty() && report.tries.back().outcome;
  if (!tried) takeBack(name, before);
  const keeper::Keeper* keeper = keeperOf(name);
  const bool worksMeanwhile = keeper != nullptr && keeper->counts().accepted > acceptedBefore;
  if (!report.problem.empty() || keeper == nullptr || (!tried && keeper->paused())) {
    one.notBefore = timer_.now() + duration(untilOwnRetry);
  } else {
    if (!tried) one.notBefore = timer_.now() + std::min(duration(untilRetry), duration(one.order.every));
    const auto& last = report.tries.back();
    // A window that was full of SMS which were accepted proves as much as a canary.
    if (tried || !worksMeanwhile)
      note(name, one, {now(), last.outcome, last.took, shownOf(last.words, one.order)});
  }
  keep();
  changed_();
  look();
}

void CanaryWatch::note(const std::string& name, Watched& one, CanaryResult result) {
  if (const auto* keeper = keeperOf(name)) one.acceptedWithLast = keeper->counts().accepted;
  const WallTime slot = slotBefore(scheduleOf(one.order), now());
  if (result.outcome || one.toldSlot != slot) {
    ++countOf(one.counts, result.outcome);
    if (result.accepted())
      log_.canaryAccepted(name, result.words, result.took);
    else
      log_.canaryFailed(name, std::string(nameOf(result)), result.words, result.took);
  }
  one.toldSlot = slot;
  records_[name].last = std::move(result);
}

kj::Promise<road::TestSmsReport> CanaryWatch::runNow(const std::string& dispatcher) {
  if (stage_ != Stage::running) return refusal("smsd starts or stops");
  look();
  std::vector<std::string> names;
  for (const auto& name : road_.dispatchers().names())
    if (watched_.contains(name) && (dispatcher.empty() || name == dispatcher)) names.push_back(name);
  if (names.empty() && !dispatcher.empty() && keeperOf(dispatcher) == nullptr)
    return refusal(fmt::format("there is no dispatcher {}, expected one of {}",
                               text::printable(dispatcher, 40),
                               fmt::join(road_.dispatchers().names(), ", ")));
  if (names.empty())
    return refusal(
        fmt::format("{} no canaries: set canary.recipient in smsd.yaml, for all or for one dispatcher",
                    dispatcher.empty() ? "there are" : "there are for " + dispatcher));
  auto runs = kj::heapArrayBuilder<Sent>(names.size());
  for (const auto& name : names) {
    auto& one = watched_.at(name);
    if (one.out || dayUsedUp(now())) {
      runs.add(refusal(one.out ? fmt::format("a canary of {} is under way", name)
                               : fmt::format("today's {} canaries are used up: see canary.max_per_day",
                                             road_.config().canary.maxPerDay)));
      continue;
    }
    // An operator who goes away does not end the canary.
    auto sent = send(name, one, *keeperOf(name)).fork();
    runs.add(sent.addBranch());
    tasks_.add(sent.addBranch().ignoreResult());
  }
  return kj::joinPromises(runs.finish()).then([](kj::Array<road::TestSmsReport> reports) {
    road::TestSmsReport all;
    for (auto& report : reports) {
      if (all.problem.empty()) all.problem = report.problem;
      all.tries.insert(all.tries.end(), report.tries.begin(), report.tries.end());
    }
    return all;
  });
}

std::optional<CanaryView> CanaryWatch::of(const std::string& dispatcher) const {
  const auto found = watched_.find(dispatcher);
  if (found == watched_.end()) return std::nullopt;
  const Watched& one = found->second;
  const WallTime time = now();
  CanaryView view{
      .last = {}, .nextIn = std::max(next(dispatcher, one, time) - time, 0s), .counts = one.counts};
  if (const auto* record = records_.find(dispatcher); record != nullptr && record->last) {
    view.last = record->last;
    view.ago = std::max(time - record->last->at, 0s);
    const auto* keeper = keeperOf(dispatcher);
    view.failing =
        !record->last->accepted() && (keeper == nullptr || keeper->counts().accepted <= one.acceptedWithLast);
  }
  return view;
}

void CanaryWatch::taskFailed(kj::Exception&& exception) {
  journal::Entry(journal::Level::warning, "canary: " + faultOf(exception)).write();
}

}  // namespace smsd::watchkeeping
