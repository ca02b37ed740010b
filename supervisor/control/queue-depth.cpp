// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/queue-depth.h"

namespace smsd::control {
namespace {

using MaybeDepth = std::optional<queue::Depth>;

constexpr std::uint64_t mostCounted = 100'000;  // messages; the query counts no further
constexpr auto patience = 2 * kj::SECONDS;

}  // namespace

Glance::Glance(queue::QueueThread& queue, kj::Timer& timer, kj::TaskSet& tasks)
    : queue_(queue), timer_(timer), tasks_(tasks) {}

kj::Promise<MaybeDepth> Glance::depth() {
  return timer_.timeoutAfter(patience, ask())
      .then([](MaybeDepth depth) { return depth; },
            [](kj::Exception&&) -> MaybeDepth { return std::nullopt; });
}

kj::Promise<MaybeDepth> Glance::ask() {
  KJ_IF_MAYBE (asked, asked_) return asked->addBranch();
  auto forked = queue_.run([](queue::Queue& queue) { return queue.depth(mostCounted); })
                    .then([](queue::Answer<queue::Depth> answer) -> MaybeDepth {
                      if (auto* depth = std::get_if<queue::Depth>(&answer)) return *depth;
                      return std::nullopt;
                    })
                    .fork();
  // An unexpected error (no memory) ends the query as well. It is passed on, so that it is logged.
  tasks_.add(forked.addBranch().then([this](MaybeDepth) { asked_ = nullptr; },
                                     [this](kj::Exception&& error) {
                                       asked_ = nullptr;
                                       kj::throwFatalException(kj::mv(error));
                                     }));
  auto branch = forked.addBranch();
  asked_ = kj::mv(forked);
  return branch;
}

}  // namespace smsd::control
