// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the queue in memory that works on it: the order of claims, the waits, the settlements.
#include <algorithm>
#include <climits>

#include "tests/road/memory-queue.h"

namespace smsd::queue {

std::optional<Ring> Memory::ringBell() {
  Lock lock(mutex_);
  if (!bell_) return std::nullopt;
  ++rings_;
  return Ring{"", "nobody listens"};
}

Memory::Place Memory::placeOf(const MemoryRow& row) { return {row.severity.value_or(INT_MAX), row.id}; }

/// What every call begins with; the lock is held. 0: nobody yet.
void Memory::enter(Op op, SupervisorId me) {
  ++callbacks_[op];
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

std::optional<pace::Record> Memory::paceOf(const std::string& recipient) const {
  auto found = paces_.find(recipient);
  if (found == paces_.end()) return std::nullopt;
  return pace::Record{found->second.due - now_, now_ - found->second.hour, found->second.sent};
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

void Memory::submitted(std::vector<Submission>& to, const Submission& submission) const {
  to.push_back(submission);
  if (repeats_) to.push_back(submission);
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
    Formatter format = request.format;
    if (request.pacing) {
      const auto decision = pace::decide(paceOf(at->second), row.severity, request.pacing->rules);
      if (decision.waits()) {
        result.paced.push_back({at->second, decision});
        continue;
      }
      if (decision.departure == pace::Departure::last)
        format = [&request, wait = decision.wait](const auto& messages) {
          return request.pacing->last(messages, wait);
        };
    }
    submitted(result.submissions, submit(at->second, request.dispatcher, format, me));
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
    if (one.fate == Fate::sent && one.pacing) {
      const auto next = pace::after(paceOf(recipient), *one.pacing);
      paces_[recipient] = {now_ + next.wait, now_ - next.hourAge, next.sent};
    }
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

}  // namespace smsd::queue
