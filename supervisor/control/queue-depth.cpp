// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/queue-depth.h"

namespace smsd::control {
namespace {

using MaybeLook = std::optional<QueueLook>;

constexpr std::uint64_t mostCounted = 100'000;  // messages; the query counts no further
constexpr auto patience = 2 * kj::SECONDS;

QueueLook lookAt(queue::Queue& queue, const std::vector<format::MessageId>& lost) {
  QueueLook look{queue.depth(mostCounted), {}};
  try {
    if (!lost.empty()) {
      const auto ignored = queue.stillIgnored(lost);
      look.lost = {{lost.begin(), lost.end()}, {ignored.begin(), ignored.end()}};
    }
    look.supervisors = queue.installation().supervisors;
  } catch (const queue::QueueError&) {
    // The depth is known all the same, and matters more.
  }
  return look;
}

}  // namespace

Glance::Glance(queue::QueueThread& queue, kj::Timer& timer, kj::TaskSet& tasks, const road::Figures& figures)
    : queue_(queue), timer_(timer), tasks_(tasks), figures_(figures) {}

kj::Promise<MaybeLook> Glance::look() {
  return timer_.timeoutAfter(patience, ask())
      .then([](MaybeLook look) { return look; }, [](kj::Exception&&) -> MaybeLook { return std::nullopt; });
}

kj::Promise<MaybeLook> Glance::ask() {
  KJ_IF_MAYBE (asked, asked_) return asked->addBranch();
  auto forked = queue_.run([lost = figures_.lostIds()](queue::Queue& queue) { return lookAt(queue, lost); })
                    .then([](queue::Answer<QueueLook> answer) -> MaybeLook {
                      if (auto* look = std::get_if<QueueLook>(&answer)) return std::move(*look);
                      return std::nullopt;
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
