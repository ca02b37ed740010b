// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/queue-depth.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace smsd::control {
namespace {

using MaybeLook = std::optional<QueueLook>;
using std::chrono::nanoseconds;

constexpr std::uint64_t mostCounted = 100'000;  // messages; the query counts no further
constexpr auto patience = 2 * kj::SECONDS;
// A look is paid for with time in which there is none: so looks take one twentieth of the thread's time and
// one two hundredth of a processor, and there are twenty a second at most. Two seconds of that are free.
constexpr int shareOfThread = 20, shareOfProcessor = 200;
constexpr auto leastPaid = 50 * kj::MILLISECONDS, ahead = 2 * kj::SECONDS, servesAtMost = 10 * kj::SECONDS;

nanoseconds processorTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

/// What a look took on the queue's thread.
struct Took {
  nanoseconds thread, processor;
};

QueueLook lookAt(queue::Queue& queue, const std::vector<format::MessageId>& lost) {
  QueueLook look{queue.depth(mostCounted), {}};
  try {
    if (!lost.empty()) {
      const auto ignored = queue.stillIgnored(lost);
      look.lost = {{lost.begin(), lost.end()}, {ignored.begin(), ignored.end()}};
    }
    auto installation = queue.installation();
    look.supervisors = std::move(installation.supervisors);
    look.paces = installation.paces;
  } catch (const queue::QueueError&) {
    // The depth is known all the same, and matters more.
  }
  return look;
}

}  // namespace

Glance::Glance(queue::QueueThread& queue, kj::Timer& timer, kj::TaskSet& tasks, const road::Figures& figures)
    : queue_(queue), timer_(timer), tasks_(tasks), figures_(figures), paidUntil_(timer.now()) {}

kj::Duration Glance::paidFor(nanoseconds thread, nanoseconds processor) {
  const auto most = std::max(shareOfThread * thread, shareOfProcessor * processor);
  return kj::max(most.count() * kj::NANOSECONDS, leastPaid);
}

kj::Promise<MaybeLook> Glance::look() {
  if (last_ && timer_.now() + ahead < paidUntil_) return MaybeLook(last_);
  return timer_.timeoutAfter(patience, ask())
      .then([](MaybeLook look) { return look; }, [](kj::Exception&&) -> MaybeLook { return std::nullopt; });
}

kj::Promise<MaybeLook> Glance::ask() {
  KJ_IF_MAYBE (asked, asked_) return asked->addBranch();
  auto forked =
      queue_
          .run([lost = figures_.lostIds()](queue::Queue& queue) {
            const auto begun = std::chrono::steady_clock::now();
            const auto used = processorTime();
            QueueLook look = lookAt(queue, lost);
            return std::pair(std::move(look),
                             Took{std::chrono::steady_clock::now() - begun, processorTime() - used});
          })
          .then([this, acts = acts_](queue::Answer<std::pair<QueueLook, Took>> answer) -> MaybeLook {
            auto* found = std::get_if<std::pair<QueueLook, Took>>(&answer);
            if (found == nullptr) return std::nullopt;
            const auto now = timer_.now();
            paidUntil_ =
                kj::min(kj::max(paidUntil_, now) + paidFor(found->second.thread, found->second.processor),
                        now + ahead + servesAtMost);
            if (acts == acts_) last_ = found->first;
            return std::move(found->first);
          })
          .fork();
  // An unexpected error (no memory) ends the query as well. It is passed on, so that it is logged.
  tasks_.add(forked.addBranch().then([this](MaybeLook) { asked_ = nullptr; },
                                     [this](kj::Exception&& error) {
                                       asked_ = nullptr;
                                       kj::throwFatalException(kj::mv(error));
                                     }));
  auto branch = forked.addBranch();
  asked_ = kj::mv(forked);
  return branch;
}

}  // namespace smsd::control
