// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/intake/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"

namespace smsd::intake {
namespace {

using Kind = queue::QueueError::Kind;

constexpr std::size_t mostAlerts = 1000;  // in one transaction, unless one call has more
constexpr std::size_t mostBytes = 32 * 1024 * 1024;
constexpr std::size_t overhead = 512;  // bytes of an alert beside its texts
constexpr auto patience = 10 * kj::SECONDS;

std::size_t sizeOf(const Alerts& alerts) {
  std::size_t bytes = 0;
  for (const auto& alert : alerts)
    bytes += overhead + alert.text.size() + alert.key.size() + alert.cancels.size();
  return bytes;
}

Answer failure(const std::string& why) {
  return Answer(std::in_place_index<1>, queue::QueueError(Kind::unreachable, why));
}

}  // namespace

Batch::Batch(queue::QueueThread& queue, kj::Timer& timer, std::function<std::string()> awayBecause,
             std::function<void()> news)
    : queue_(queue),
      timer_(timer),
      awayBecause_(std::move(awayBecause)),
      news_(std::move(news)),
      tasks_(*this) {}

kj::Promise<Answer> Batch::submit(Alerts alerts, queue::Duration dedupe) {
  if (const auto why = awayBecause_(); !why.empty()) return failure("the queue is away: " + why);
  auto call = std::make_shared<Call>();
  call->bytes = sizeOf(alerts);
  if (bytes_ + call->bytes > mostBytes && !waiting_.empty())
    return failure("too many alerts wait for the queue: try again later");
  call->alerts = std::move(alerts);
  auto paired = kj::newPromiseAndFulfiller<Answer>();
  call->answer = kj::mv(paired.fulfiller);
  bytes_ += call->bytes;
  waiting_.push_back(call);
  dedupe_ = dedupe;
  begin();
  return timer_.timeoutAfter(patience, kj::mv(paired.promise))
      .catch_([this, weak = std::weak_ptr<Call>(call)](kj::Exception&&) -> Answer {
        if (const auto late = weak.lock())
          if (const auto place = std::find(waiting_.begin(), waiting_.end(), late); place != waiting_.end()) {
            bytes_ -= late->bytes;
            waiting_.erase(place);
            return failure("the queue did not answer for 10 s; nothing was put into it");
          }
        return failure("the queue did not answer for 10 s; it is not known whether the alerts are in it");
      });
}

Batch::Calls Batch::takeNext() {
  Calls calls;
  std::size_t alerts = 0;
  while (!waiting_.empty()) {
    const auto& next = waiting_.front();
    if (!calls.empty() && (next->alone || calls.front()->alone || alerts + next->alerts.size() > mostAlerts))
      break;
    alerts += next->alerts.size();
    bytes_ -= next->bytes;
    calls.push_back(next);
    waiting_.pop_front();
  }
  return calls;
}

void Batch::begin() {
  if (running_ || waiting_.empty()) return;
  running_ = true;
  Calls calls = takeNext();
  // The thread reads them; the loop leaves them alone meanwhile.
  auto all = std::make_shared<Alerts>();
  for (const auto& call : calls) all->insert(all->end(), call->alerts.begin(), call->alerts.end());
  tasks_.add(queue_.run([all, dedupe = dedupe_](queue::Queue& queue) { return queue.submit(*all, dedupe); })
                 .then([this, calls = std::move(calls)](Answer answer) mutable {
                   running_ = false;
                   end(std::move(calls), std::move(answer));
                   begin();
                 }));
}

void Batch::end(Calls calls, Answer answer) {
  if (const auto* error = std::get_if<queue::QueueError>(&answer)) {
    if (error->kind() == Kind::replaced) tasks_.add(queue_.close());
    if (error->kind() == Kind::invalid && calls.size() > 1) {
      for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
        (*call)->alone = true;
        bytes_ += (*call)->bytes;
        waiting_.push_front(*call);
      }
      return;
    }
    for (const auto& call : calls) call->answer->fulfill(Answer(std::in_place_index<1>, *error));
    return;
  }
  const auto& submitted = std::get<queue::Submitted>(answer);
  if (submitted.offer == queue::Submitted::Offer::taken) news_();
  auto fate = submitted.fates.begin();
  for (const auto& call : calls) {
    queue::Submitted own{submitted.offer, {}};
    if (submitted.offer == queue::Submitted::Offer::taken) {
      const auto until = fate + static_cast<std::ptrdiff_t>(call->alerts.size());
      own.fates.assign(fate, until);
      fate = until;
    }
    call->answer->fulfill(Answer(std::in_place_index<0>, std::move(own)));
  }
}

void Batch::taskFailed(kj::Exception&& exception) {
  journal::Entry(journal::Level::warning, fmt::format("intake: {}", faultOf(exception))).write();
}

}  // namespace smsd::intake
