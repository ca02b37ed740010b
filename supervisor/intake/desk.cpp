// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/intake/desk.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "supervisor/intake/door.h"

namespace smsd::intake {
namespace {

constexpr std::size_t mostUsers = 1000;  // with counted refusals; then the counts of all begin again

std::optional<unsigned> uidOf(const std::string& user) {
  unsigned number = 0;
  const char* end = user.data() + user.size();
  if (std::from_chars(user.data(), end, number).ptr == end) return number;
  std::vector<char> buffer(1 << 16);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return found->pw_uid;
}

}  // namespace

Desk::Desk(queue::QueueThread& queue, kj::Timer& timer, const events::EventLog& log,
           const config::Config& config, std::function<std::string()> awayBecause, std::function<void()> news)
    : timer_(timer),
      log_(log),
      awayBecause_(awayBecause),
      batch_(queue, timer, awayBecause, std::move(news)) {
  use(config);
}

void Desk::use(const config::Config& config) {
  config_ = config;
  std::map<unsigned, Caller> callers;
  for (const auto& rights : config_.intake.callers) {
    const auto uid = uidOf(rights.user);
    if (!uid) {
      log_.intakeUserUnknown(rights.user);
      continue;
    }
    const auto before = callers_.find(*uid);
    callers.insert_or_assign(*uid, before != callers_.end() && before->second.rights() == rights
                                       ? before->second
                                       : Caller(rights));
  }
  callers_ = std::move(callers);
}

capnp::Capability::Client Desk::door(Uid uid) { return kj::heap<SubmitDoor>(*this, uid); }

Caller* Desk::callerOf(Uid uid) {
  if (!uid) return nullptr;
  const auto found = callers_.find(*uid);
  return found == callers_.end() ? nullptr : &found->second;
}

void Desk::noteRefusal(Uid uid, const std::string& why) {
  if (notes_.size() >= mostUsers && !notes_.contains(uid)) notes_.clear();
  Notes& notes = notes_[uid];
  if (notes.budget.wait(now()) > rpc::Budget::Time(0)) {
    ++notes.unsaid;
    return;
  }
  notes.budget.spend(1, now());
  log_.intakeRefused(uid, why, std::exchange(notes.unsaid, 0));
}

rpc::Budget::Time Desk::now() const {
  return rpc::Budget::Time((timer_.now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS);
}

}  // namespace smsd::intake
