// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/road/memory-queue.h"

#include <algorithm>
#include <climits>
#include <utility>

namespace smsd::queue {

using Lock = std::unique_lock<std::mutex>;

format::MessageId Memory::put(const std::string& recipient, const std::string& text,
                              std::optional<int> severity) {
  Lock lock(mutex_);
  format::MessageId id = static_cast<format::MessageId>(rows_.size()) + 1;
  rows_.emplace(id, MemoryRow{id, recipient, text, severity, SentStatus::unsent, now_});
  return id;
}

Submission Memory::strand(const std::string& recipient, const std::string& text,
                          const std::string& dispatcher, int unread) {
  put(recipient, text);
  Lock lock(mutex_);
  SupervisorId gone = static_cast<SupervisorId>(alive_.size()) + 1;
  alive_.emplace(gone, false);
  auto left = submit(
      recipient, dispatcher,
      [](const std::vector<format::Message>& messages) { return format::format(messages, {}); }, gone);
  submissions_.at(left.id).submission.notUnderstood = unread;
  return left;
}

void Memory::stepClock(Duration by) {
  Lock lock(mutex_);
  step_ = by;
}

void Memory::setClock(Duration now) {
  Lock lock(mutex_);
  now_ = now;
}

void Memory::fail(Op op, QueueError::Kind kind, int times) {
  Lock lock(mutex_);
  failures_.insert(failures_.end(), static_cast<std::size_t>(times), {op, kind});
}

void Memory::away() {
  Lock lock(mutex_);
  away_ = true;
}

void Memory::back() {
  Lock lock(mutex_);
  away_ = false;
}

void Memory::poison(const std::string& recipient) {
  Lock lock(mutex_);
  poison_.insert(recipient);
}

void Memory::hangBell() {
  Lock lock(mutex_);
  bell_ = true;
}

std::size_t Memory::rings() const {
  Lock lock(mutex_);
  return rings_;
}

std::optional<Ring> Memory::ringBell() {
  Lock lock(mutex_);
  if (!bell_) return std::nullopt;
  ++rings_;
  return Ring{"", "nobody listens"};
}

void Memory::fence() {
  Lock lock(mutex_);
  for (auto& [id, alive] : alive_) alive = false;
}

void Memory::takeAway() {
  fence();
  Lock lock(mutex_);
  SupervisorId rival = static_cast<SupervisorId>(alive_.size()) + 1;
  alive_.emplace(rival, true);
  rivals_.insert(rival);
  for (auto& [id, kept] : submissions_) kept.owner = rival;
}

void Memory::hold(Op op) {
  Lock lock(mutex_);
  holdNext_ = op;
}

void Memory::waitUntilHeld() {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return held_; });
}

void Memory::whenCut(Cut what) {
  Lock lock(mutex_);
  whenCut_ = what;
}

std::size_t Memory::cuts() const {
  Lock lock(mutex_);
  return cuts_;
}

bool Memory::isHeld() const {
  Lock lock(mutex_);
  return held_;
}

void Memory::release() {
  Lock lock(mutex_);
  held_ = false;
  holdNext_.reset();
  changed_.notify_all();
}

MemoryRow Memory::row(format::MessageId id) const {
  Lock lock(mutex_);
  return rows_.at(id);
}

std::size_t Memory::count(SentStatus status) const {
  Lock lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      rows_.begin(), rows_.end(), [status](auto& entry) { return entry.second.status == status; }));
}

std::size_t Memory::calls() const {
  Lock lock(mutex_);
  std::size_t sum = 0;
  for (auto& [op, number] : calls_) sum += number;
  return sum;
}

std::size_t Memory::calls(Op op) const {
  Lock lock(mutex_);
  auto found = calls_.find(op);
  return found == calls_.end() ? 0 : found->second;
}

bool Memory::live(const std::string& recipient) const {
  Lock lock(mutex_);
  return busy(recipient);
}

bool Memory::durable(const Submission& submission) const {
  Lock lock(mutex_);
  auto found = submissions_.find(submission.id);
  return found != submissions_.end() && found->second.live &&
         found->second.submission.attempt == submission.attempt &&
         found->second.submission.dispatcher == submission.dispatcher;
}

std::vector<SeenClaim> Memory::claims() const {
  Lock lock(mutex_);
  return claims_;
}

std::vector<NextAttempt> Memory::recorded() const {
  Lock lock(mutex_);
  return recorded_;
}

std::vector<Settlement> Memory::settled() const {
  Lock lock(mutex_);
  return settled_;
}

Memory::Place Memory::placeOf(const MemoryRow& row) { return {row.severity.value_or(INT_MAX), row.id}; }

/// What every call begins with; the lock is held. 0: nobody yet.
void Memory::enter(Op op, SupervisorId me) {
  ++calls_[op];
  if (away_) throw QueueError(QueueError::Kind::unreachable, "the database is away");
  auto failure =
      std::find_if(failures_.begin(), failures_.end(), [op](auto& one) { return one.first == op; });
  if (failure != failures_.end()) {
    auto kind = failure->second;
    failures_.erase(failure);
    throw QueueError(kind, "told to fail");
  }
  if (me != 0 && op != Op::retire && !alive_.at(me))
    throw QueueError(QueueError::Kind::fenced, "declared dead");
}

bool Memory::busy(const std::string& recipient) const {
  return std::any_of(submissions_.begin(), submissions_.end(), [&](auto& entry) {
    return entry.second.live && entry.second.submission.recipient == recipient;
  });
}

bool Memory::waits(const std::string& recipient, const std::optional<int>& severity) const {
  auto found = waits_.find(recipient);
  return found != waits_.end() && found->second.due > now_ && !moreSevere(severity, found->second.severity);
}

std::optional<InTheWay> Memory::inTheWay(const MemoryRow& row) const {
  for (auto& [id, kept] : submissions_)
    if (kept.live && kept.submission.recipient == row.recipient &&
        moreSevere(row.severity, kept.submission.severity))
      return InTheWay{id, *row.severity};
  return std::nullopt;
}

bool Memory::hasUnsent(const std::string& recipient) const {
  return std::any_of(rows_.begin(), rows_.end(), [&](auto& entry) {
    return entry.second.recipient == recipient && claimable(entry.second);
  });
}

bool Memory::claimable(const MemoryRow& row) const {
  return row.status == SentStatus::unsent && !heldBack_.contains(row.id);
}

std::size_t Memory::mark(const std::vector<format::MessageId>& ids, SentStatus status) {
  for (auto id : ids) rows_.at(id).status = status;
  return ids.size();
}

/// The first unsent message of each recipient, in order.
std::map<Memory::Place, std::string> Memory::heads() const {
  std::map<std::string, Place> first;
  for (auto& [id, row] : rows_) {
    if (!claimable(row)) continue;
    auto [found, added] = first.emplace(row.recipient, placeOf(row));
    if (!added) found->second = std::min(found->second, placeOf(row));
  }
  std::map<Place, std::string> result;
  for (auto& [recipient, place] : first) result.emplace(place, recipient);
  return result;
}

Submission Memory::submit(const std::string& recipient, const std::string& dispatcher,
                          const Formatter& format, SupervisorId me) {
  std::map<Place, format::Message> sorted;
  for (auto& [id, row] : rows_)
    if (row.recipient == recipient && claimable(row))
      sorted.emplace(placeOf(row), format::Message{id, row.text, row.severity});
  std::vector<format::Message> messages;
  for (auto& [place, message] : sorted) messages.push_back(message);

  Submission submission;
  submission.id = static_cast<SubmissionId>(submissions_.size()) + 1;
  submission.attempt = ++lastAttempt_;
  submission.dispatcher = dispatcher;
  submission.key = "key-" + std::to_string(submission.id);
  submission.recipient = recipient;
  submission.sms = format(messages);
  submission.severity = messages.front().severity;
  submission.first = messages.front().id;
  if (auto wait = waits_.find(recipient); wait != waits_.end()) {
    if (wait->second.due > now_)
      waits_.erase(wait);  // ended by something more severe
    else {
      submission.rounds = wait->second.rounds;
      if (wait->second.since) submission.failing = now_ - *wait->second.since;
    }
  }
  submissions_.emplace(submission.id, Kept{submission, me, true});
  return submission;
}

std::size_t Memory::expire(const std::optional<Duration>& age) {
  std::size_t expired = 0;
  for (auto& [id, row] : rows_) {
    if (!age || !claimable(row) || now_ - row.at < *age || busy(row.recipient)) continue;
    row.status = SentStatus::ignored;
    ++expired;
  }
  return expired;
}

ClaimResult Memory::claim(const ClaimRequest& request, SupervisorId me) {
  Lock lock(mutex_);
  enter(Op::claim, me);
  ClaimResult result;
  result.expired = expire(request.expireAfter);
  bool onward = request.look == Look::onward;
  auto all = heads();
  auto at = onward && cursor_ ? all.upper_bound(*cursor_) : all.begin();
  if (onward && !until_) until_ = rows_.empty() ? 0 : rows_.rbegin()->first;
  for (; at != all.end() && result.submissions.size() < request.limit; ++at) {
    const MemoryRow& row = rows_.at(std::get<format::MessageId>(at->first));
    if (request.moreSevereThan && !moreSevere(row.severity, request.moreSevereThan)) break;
    if (onward) cursor_ = at->first;
    if (auto live = inTheWay(row)) result.inTheWay.push_back(*live);
    if (busy(at->second) || waits(at->second, row.severity)) continue;
    if (onward && row.id > *until_) {
      cameLater_ = true;
      continue;
    }
    result.submissions.push_back(submit(at->second, request.dispatcher, request.format, me));
  }
  const bool over = at == all.end();
  result.atEnd = over && !(onward && cameLater_);
  if (onward && over) {
    cursor_.reset();
    until_.reset();
    cameLater_ = false;
  }
  if (result.atEnd)
    for (auto& [recipient, wait] : waits_)
      if (wait.due > now_ && hasUnsent(recipient) && (!result.nextDue || wait.due - now_ < *result.nextDue))
        result.nextDue = wait.due - now_;
  claims_.push_back({request.look, request.limit, request.dispatcher, result.submissions.size()});
  return result;
}

Purge Memory::purge(Duration age, std::size_t most, SupervisorId me) {
  Lock lock(mutex_);
  enter(Op::purge, me);
  purges_.push_back({age, most});
  return purges_.size() % 3 == 0 ? Purge::done : Purge::more;
}

std::vector<std::pair<Duration, std::size_t>> Memory::purges() const {
  Lock lock(mutex_);
  return purges_;
}

Memory::Kept& Memory::owned(SubmissionId id, SupervisorId me) {
  Kept& kept = submissions_.at(id);
  if (kept.owner != me || !kept.live) throw QueueError(QueueError::Kind::fenced, "not ours any more");
  return kept;
}

std::vector<AttemptId> Memory::record(const std::vector<NextAttempt>& next, SupervisorId me) {
  Lock lock(mutex_);
  enter(Op::recordAttempts, me);
  for (auto& one : next) owned(one.id, me);
  std::vector<AttemptId> result;
  for (auto& one : next) {
    Submission& submission = owned(one.id, me).submission;
    submission.attempt = ++lastAttempt_;
    submission.dispatcher = one.dispatcher;
    submission.notUnderstood += one.outcome == notUnderstood ? 1 : 0;
    submission.rounds = one.rounds;
    submission.failing = one.failing;
    recorded_.push_back(one);
    result.push_back(submission.attempt);
  }
  return result;
}

SettleResult Memory::settle(const std::vector<Settlement>& settlements, SupervisorId me) {
  Lock lock(mutex_);
  enter(Op::settle, me);
  for (auto& one : settlements) owned(one.submission.id, me);
  for (auto& one : settlements)
    if (one.fate != Fate::held && poison_.contains(one.submission.recipient))
      throw QueueError(QueueError::Kind::invalid, "a rule of the table");
  SettleResult result;
  for (auto& one : settlements) {
    owned(one.submission.id, me).live = false;
    const std::string& recipient = one.submission.recipient;
    const format::FormattedSms& sms = one.submission.sms;
    waits_.erase(recipient);
    if (one.fate == Fate::sent) result.sent += mark(sms.sent, SentStatus::sent);
    if (one.fate == Fate::ignored) result.ignored += mark(sms.sent, SentStatus::ignored);
    if (one.fate == Fate::held)
      for (auto* ids : {&sms.sent, &sms.ignored}) heldBack_.insert(ids->begin(), ids->end());
    else if (one.fate != Fate::returned)
      result.ignored += mark(sms.ignored, SentStatus::ignored);
    if (one.fate == Fate::returned && one.wait) {
      std::optional<Duration> since;
      if (one.failing) since = now_ - *one.failing;
      waits_[recipient] = {one.rounds, now_ + *one.wait, one.submission.severity, since};
    }
    if (std::any_of(rows_.begin(), rows_.end(), [&](auto& entry) {
          return entry.second.recipient == recipient && claimable(entry.second) &&
                 !waits(recipient, entry.second.severity);
        }))
      result.lookAgain = true;
    settled_.push_back(one);
  }
  return result;
}

/// One connection.
class MemoryQueue final : public Queue {
 public:
  explicit MemoryQueue(Memory& memory) : memory_(memory) {}

  SupervisorId enlist(const std::string&, Duration) override {
    auto lock = enter(Op::enlist, 0);
    for (auto& [id, alive] : memory_.alive_) alive = memory_.rivals_.count(id) != 0;
    me_ = static_cast<SupervisorId>(memory_.alive_.size()) + 1;
    memory_.alive_.emplace(me_, true);
    return me_;
  }
  void renew() override { auto lock = enter(Op::renew, me_); }
  std::vector<Submission> takeOver() override {
    auto lock = enter(Op::takeOver, me_);
    std::vector<Submission> result;
    for (auto& [id, kept] : memory_.submissions_) {
      if (!kept.live || memory_.alive_.at(kept.owner)) continue;
      kept.owner = me_;
      result.push_back(kept.submission);
    }
    return result;
  }
  void retire() override {
    auto lock = enter(Op::retire, me_);
    memory_.alive_[me_] = false;
  }

  ClaimResult claim(const ClaimRequest& request) override {
    stay(Op::claim);
    return memory_.claim(request, me_);
  }
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) override {
    stay(Op::recordAttempts);
    return memory_.record(next, me_);
  }
  SettleResult settle(const std::vector<Settlement>& settlements) override {
    stay(Op::settle);
    return memory_.settle(settlements, me_);
  }

  int newsFd() override { return -1; }
  bool takeNews() override { return false; }
  std::optional<Ring> ringBell() override { return memory_.ringBell(); }

  Cancelled cancelAndList(Duration, std::size_t) override { notForTheRoad(); }
  std::vector<StoredMessage> messages(SentStatus, std::size_t) override { notForTheRoad(); }
  std::vector<StoredMessage> messagesOf(const std::string&, SentStatus) override { notForTheRoad(); }
  std::vector<std::string> recipients(SentStatus) override { notForTheRoad(); }
  std::vector<format::MessageId> insert(const std::vector<NewMessage>&) override { notForTheRoad(); }
  std::size_t setStatus(format::MessageId, SentStatus, int) override { notForTheRoad(); }
  std::vector<HeldSms> held(std::size_t) override { notForTheRoad(); }
  std::size_t release(SubmissionId) override { notForTheRoad(); }
  std::size_t discard(SubmissionId) override { notForTheRoad(); }
  WaitsEnded endWaits(const Whom&) override { notForTheRoad(); }
  std::optional<MessageLife> explain(format::MessageId, Duration) override { notForTheRoad(); }
  Purge purge(Duration age, std::size_t most) override {
    stay(Op::purge);
    return memory_.purge(age, most, me_);
  }
  Depth depth(std::uint64_t) override { notForTheRoad(); }

  std::optional<Duration> takeClockStep() override {
    Lock lock(memory_.mutex_);
    return std::exchange(memory_.step_, std::nullopt);
  }
  void hangUp() override {
    Lock lock(memory_.mutex_);
    ++memory_.cuts_;
    if (memory_.whenCut_ != Memory::Cut::helps || !memory_.held_) return;
    memory_.held_ = false;
    memory_.broken_ = true;
    memory_.changed_.notify_all();
  }

 private:
  [[noreturn]] static void notForTheRoad() {
    throw QueueError(QueueError::Kind::invalid, "not for the road");
  }

  Lock enter(Op op, SupervisorId me) {
    stay(op);
    Lock lock(memory_.mutex_);
    memory_.enter(op, me);
    return lock;
  }
  void stay(Op op) {
    Lock lock(memory_.mutex_);
    if (memory_.holdNext_ != op) return;
    memory_.holdNext_.reset();
    memory_.held_ = true;
    memory_.changed_.notify_all();
    memory_.changed_.wait(lock, [this] { return !memory_.held_; });
    const bool broken = memory_.broken_;
    memory_.broken_ = false;
    if (broken) throw QueueError(QueueError::Kind::unreachable, "the connection was lost");
  }

  Memory& memory_;
  SupervisorId me_ = 0;
};

std::unique_ptr<Queue> openMemory(Memory& memory) { return std::make_unique<MemoryQueue>(memory); }

}  // namespace smsd::queue
