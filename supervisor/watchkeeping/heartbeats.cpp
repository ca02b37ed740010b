// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/watchkeeping/heartbeats.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "common/fault.h"
#include "common/text/number-form.h"
#include "supervisor/queue/clock-watch.h"

namespace smsd::watchkeeping {
namespace {

using queue::QueueError;
using Offer = queue::HeartbeatsSeen::Offer;

constexpr Milliseconds whileAway = 1s;
constexpr Milliseconds contended = 300ms;  // another supervisor looks at the same time
constexpr Milliseconds afterRefusal = 60s;
constexpr std::size_t mostSpellings = 16;  // of one number, because other programs write the messages

std::int64_t wallClock() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<Milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string localTime(std::int64_t milliseconds) {
  const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  char text[32];
  if (localtime_r(&seconds, &parts) == nullptr) return "an unknown time";
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts));
}

/// Returns how the number of a heartbeat may be written in messages.
std::vector<std::string> spellingsOf(const std::string& number) {
  const std::string form = text::numberForm(number);
  if (form.empty()) return {};
  std::vector<std::string> all = {number};
  for (const auto& one : {"+" + form, "00" + form, form})
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  return all;
}

}  // namespace

std::string missingWords(const queue::HeartbeatRecord& record) {
  return record.last ? "is missing since " + localTime(*record.last) : "has not come yet";
}

std::string alertText(const config::HeartbeatConfig& heartbeat, const queue::HeartbeatRecord& record) {
  const std::string every = config::roughly(heartbeat.every);
  if (!record.last)
    return fmt::format(
        "smsd: no heartbeat {} yet (expected every {}, waited {}): check the program that sends it",
        heartbeat.name, every, config::roughly(heartbeat.every + heartbeat.grace));
  return fmt::format("smsd: no heartbeat {} since {}, expected every {}: check that monitoring works",
                     heartbeat.name, localTime(*record.last), every);
}

std::string allClearText(const config::HeartbeatConfig& heartbeat) {
  return fmt::format("smsd: heartbeat {} is back", heartbeat.name);
}

Heartbeats::Heartbeats(queue::QueueThread& queue, kj::Timer& timer, road::Road& road,
                       const events::EventLog& log)
    : queue_(queue), road_(road), log_(log), next_(timer, [this]() { lookNow(); }), tasks_(*this) {}

void Heartbeats::start() {
  running_ = true;
  road_.whenLeftOut([this](const std::vector<std::string>& numbers) { leftOut(numbers); });
  reconfigured();
}

void Heartbeats::stop() {
  running_ = false;
  next_.cancel();
  road_.whenLeftOut([](const std::vector<std::string>&) {});
}

void Heartbeats::reconfigured() {
  spellings_.clear();
  for (const auto& one : expected()) spellings_[one.name] = spellingsOf(one.recipient);
  std::erase_if(memory_, [this](const auto& one) { return !expects(one.first); });
  for (const auto& one : expected())
    if (auto [at, isNew] = memory_.try_emplace(one.name); isNew) at->second.watched = queue::sinceBoot();
  if (expected().empty()) problem_.clear();
  look();
}

bool Heartbeats::expects(const std::string& name) const {
  return std::any_of(expected().begin(), expected().end(), [&](const auto& one) { return one.name == name; });
}

/// Messages were written to the number of a heartbeat, perhaps in a spelling that is not known yet.
void Heartbeats::leftOut(const std::vector<std::string>& numbers) {
  for (const auto& number : numbers)
    for (const auto& one : expected()) {
      auto& known = spellings_[one.name];
      if (text::numberForm(number) != text::numberForm(one.recipient)) continue;
      if (std::find(known.begin(), known.end(), number) != known.end()) continue;
      // Those of the configuration are first, and stay.
      if (known.size() >= mostSpellings) known.erase(known.begin() + mostSpellings / 2);
      known.push_back(number);
    }
  if (problem_.empty()) look();  // otherwise the next one is due by itself, and would fail again
}

void Heartbeats::look() {
  if (looking_)
    again_ = true;
  else
    lookNow();
}

/// Called on the supervisor's loop; the judge runs on the queue's thread and has copies of all that it needs.
queue::HeartbeatLook Heartbeats::request(std::shared_ptr<Notes> notes) const {
  queue::HeartbeatLook look;
  for (const auto& one : expected()) look.heartbeats.push_back({one.name, spellings_.at(one.name)});
  std::map<std::string, Own> own;
  for (const auto& [name, memory] : memory_)
    if (memory.own) own.emplace(name, *memory.own);
  look.judge = [notes = std::move(notes), own = std::move(own),
                configs = expected()](const queue::HeartbeatRecord& record) -> queue::HeartbeatVerdict {
    const auto heartbeat = std::find_if(configs.begin(), configs.end(),
                                        [&](const auto& config) { return config.name == record.name; });
    const auto now = queue::sinceBoot();
    std::optional<OwnLook> mine;
    if (const auto last = own.find(record.name); last != own.end())
      mine = OwnLook{last->second.looks, now - last->second.at};
    const auto judged = watchkeeping::judge(record, mine, heartbeat->every, heartbeat->grace);
    (*notes)[record.name] = {now, judged.change};
    queue::HeartbeatVerdict verdict{.change = judged.change, .waited = judged.waited};
    if (judged.change == Change::missing)
      verdict.message = {{}, heartbeat->alertTo, alertText(*heartbeat, record), heartbeat->severity};
    if (judged.change == Change::back && heartbeat->allClear)
      verdict.message = {{}, heartbeat->alertTo, allClearText(*heartbeat), heartbeat->severity};
    return verdict;
  };
  return look;
}

void Heartbeats::lookNow() {
  if (!running_ || looking_ || expected().empty()) return;
  again_ = false;
  if (road_.ledger().away()) {
    for (auto& [name, memory] : memory_) {
      memory.own.reset();
      memory.watched = queue::sinceBoot();  // status shows that the queue is away
    }
    return nextLook(whileAway);
  }
  looking_ = true;
  auto notes = std::make_shared<Notes>();
  tasks_.add(queue_.run([look = request(notes)](queue::Queue& queue) { return queue.lookAtHeartbeats(look); })
                 .then([this, notes](queue::Answer<queue::HeartbeatsSeen> answer) {
                   looking_ = false;
                   if (const auto* error = std::get_if<QueueError>(&answer)) return failed(*error, *notes);
                   looked(std::get<queue::HeartbeatsSeen>(answer), *notes);
                 }));
}

void Heartbeats::looked(const queue::HeartbeatsSeen& seen, const Notes& notes) {
  Milliseconds next = step();
  if (seen.offer == Offer::watched) {
    if (seen.seen.size() < expected().size()) next = std::min(next, contended);
    for (const auto& one : seen.seen)
      for (const auto& heartbeat : expected()) {
        if (heartbeat.name != one.before.name) continue;
        note(heartbeat, one, notes.at(heartbeat.name));
        const bool missing = one.verdict.change == Change::missing ||
                             (one.before.missing && one.verdict.change != Change::back);
        if (!missing) next = std::min(next, heartbeat.every + heartbeat.grace - one.verdict.waited + 1ms);
      }
    unwatched(late() ? "another session holds a lock on the state of a heartbeat" : "");
  } else {
    unwatched(
        seen.offer == Offer::notYet
            ? "the schema of the queue, or another supervisor, is of an older version: finish the upgrade"
            : "this queue keeps no heartbeats");
  }
  if (again_) return lookNow();
  nextLook(next);
}

/// Remembers what a look found, and writes what has changed to the journal.
void Heartbeats::note(const config::HeartbeatConfig& heartbeat, const Seen& seen, const Judged& judged) {
  Memory& memory = memory_[heartbeat.name];
  Change change = seen.verdict.change;
  const Change inDoubt = std::exchange(memory.inDoubt, Change::none);
  // The look before it was committed although its reply was lost.
  if (change == Change::none && inDoubt == Change::missing && seen.before.missing) change = inDoubt;
  if (change == Change::none && inDoubt == Change::back && !seen.before.missing) change = inDoubt;
  if (change == Change::missing) {
    ++memory.alerts;
    log_.heartbeatMissing(heartbeat.name, missingWords(seen.before), heartbeat.alertTo);
  }
  if (change == Change::back) {
    std::optional<Milliseconds> missingFor;
    if (seen.before.missing)
      missingFor = std::max(Milliseconds(wallClock() - *seen.before.missing), Milliseconds(0));
    log_.heartbeatBack(heartbeat.name, missingFor);
  }
  memory.came += seen.before.came;
  memory.own = Own{seen.before.looks + 1, judged.at};
  memory.seen = seen;
  memory.at = memory.watched = judged.at;
  if (seen.verdict.message) road_.notice();
}

void Heartbeats::failed(const QueueError& error, const Notes& notes) {
  using Kind = QueueError::Kind;
  for (auto& [name, memory] : memory_) memory.own.reset();
  for (const auto& [name, judged] : notes)
    if (judged.change != Change::none) memory_[name].inDoubt = judged.change;
  const bool refused = error.kind() == Kind::denied || error.kind() == Kind::notInstalled ||
                       error.kind() == Kind::invalid || error.kind() == Kind::failed;
  // One reason is enough: the words of the next error may differ, and each is an entry.
  if (refused || (problem_.empty() && late())) unwatched(error.what());
  nextLook(refused ? afterRefusal : whileAway);
}

Milliseconds Heartbeats::step() const {
  Milliseconds least = 1h;
  for (const auto& one : expected()) least = std::min(least, plannedStep(one.every, one.grace));
  return least;
}

/// Whether the last good look at a heartbeat is too long ago, whatever has become of the looks since.
bool Heartbeats::late() const {
  return std::any_of(expected().begin(), expected().end(), [this](const auto& one) {
    const auto known = memory_.find(one.name);
    return known != memory_.end() &&
           queue::sinceBoot() - known->second.watched > longestStep(one.every, one.grace);
  });
}

void Heartbeats::nextLook(Milliseconds atMost) {
  if (running_) next_.in(std::max(atMost, Milliseconds(20)));
}

void Heartbeats::unwatched(std::string why) {
  if (why == problem_) return;
  problem_ = std::move(why);
  log_.heartbeatsUnwatched(problem_);
}

std::vector<HeartbeatState> Heartbeats::states() const {
  std::vector<HeartbeatState> states;
  for (const auto& one : expected()) {
    HeartbeatState state{.name = one.name, .every = one.every, .grace = one.grace};
    const auto found = memory_.find(one.name);
    if (found != memory_.end() && found->second.seen) {
      const Memory& memory = found->second;
      const auto& [before, verdict] = *memory.seen;
      const Milliseconds since = queue::sinceBoot() - memory.at;
      const auto ago = [&](std::int64_t then) {
        return std::max(Milliseconds(wallClock() - then), Milliseconds(0));
      };
      state.known = true;
      if (before.came > 0)
        state.lastAgo = verdict.waited + since;
      else if (before.last)
        state.lastAgo = ago(*before.last);
      if (verdict.change == Change::missing)
        state.missingFor = since;
      else if (before.missing && verdict.change != Change::back)
        state.missingFor = ago(*before.missing);
      state.dueIn = std::max(one.every + one.grace - verdict.waited - since, Milliseconds(0));
      state.came = memory.came;
      state.alerts = memory.alerts;
    }
    states.push_back(std::move(state));
  }
  return states;
}

void Heartbeats::taskFailed(kj::Exception&& exception) {
  looking_ = false;
  failed(QueueError(QueueError::Kind::failed, faultOf(exception)), {});
}

}  // namespace smsd::watchkeeping
