// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the queue in memory that the test uses: it sets the scene and looks at the result.
#include <algorithm>

#include "tests/road/memory-queue.h"

namespace smsd::queue {

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

void Memory::otherSettler(const std::string& sign) {
  Lock lock(mutex_);
  otherSettler_ = sign;
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

void Memory::repeatSubmissions() {
  Lock lock(mutex_);
  repeats_ = true;
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

void Memory::depthComputes(std::chrono::milliseconds time) {
  Lock lock(mutex_);
  depthComputes_ = time;
}
void Memory::depthTakes(std::chrono::milliseconds time) {
  Lock lock(mutex_);
  depthTakes_ = time;
}

std::size_t Memory::depths() const {
  Lock lock(mutex_);
  return depths_;
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
  for (auto& [op, number] : callbacks_) sum += number;
  return sum;
}

std::size_t Memory::calls(Op op) const {
  Lock lock(mutex_);
  auto found = callbacks_.find(op);
  return found == callbacks_.end() ? 0 : found->second;
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

std::vector<std::pair<Duration, std::size_t>> Memory::purges() const {
  Lock lock(mutex_);
  return purges_;
}

}  // namespace smsd::queue
