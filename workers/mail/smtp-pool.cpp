// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/mail/smtp-pool.h"

#include <kj/debug.h>
#include <kj/mutex.h>
#include <kj/thread.h>

#include <deque>
#include <utility>
#include <vector>

#include "workers/mail/smtp-connection.h"
#include "workers/net/curl-library.h"
#include "workers/net/names.h"

namespace smsd::mail {
namespace {

struct Task {
  Mail mail;
  kj::Own<kj::CrossThreadPromiseFulfiller<Conversation>> fulfiller;
};

/// Shared by the loop and the lanes.
struct Counter {
  std::deque<Task> waiting;
  bool stopping = false;
};

}  // namespace

class Lanes::Impl {
 public:
  explicit Impl(LaneSettings settings);
  ~Impl();
  kj::Promise<Conversation> run(Mail mail);

 private:
  void work(Lane& lane);

  const LaneSettings settings_;
  net::Names names_;
  kj::MutexGuarded<Counter> counter_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<kj::Own<kj::Thread>> threads_;
};

Lanes::Impl::Impl(LaneSettings settings) : settings_(std::move(settings)) {
  net::initializeCurl();
  // A missing libcurl option is detected here, on the loop's thread, and not with the first SMS.
  for (unsigned i = 0; i < settings_.lanes; ++i) lanes_.push_back(std::make_unique<Lane>(settings_, names_));
  net::SignalsBlocked blocked;
  for (auto& lane : lanes_) threads_.push_back(kj::heap<kj::Thread>([this, &lane = *lane]() { work(lane); }));
}

Lanes::Impl::~Impl() {
  counter_.lockExclusive()->stopping = true;
  for (auto& lane : lanes_) lane->stop();
  threads_.clear();  // joins
}

kj::Promise<Conversation> Lanes::Impl::run(Mail mail) {
  auto result = kj::newPromiseAndCrossThreadFulfiller<Conversation>();
  counter_.lockExclusive()->waiting.push_back({std::move(mail), kj::mv(result.fulfiller)});
  return kj::mv(result.promise);
}

void Lanes::Impl::work(Lane& lane) {
  auto somethingToDo = [](const Counter& counter) { return counter.stopping || !counter.waiting.empty(); };
  auto take = [](Counter& counter) -> kj::Maybe<Task> {
    if (counter.stopping || counter.waiting.empty()) return nullptr;
    Task task = std::move(counter.waiting.front());
    counter.waiting.pop_front();
    return kj::mv(task);
  };
  const auto idle = static_cast<std::uint64_t>(settings_.longestIdle.count()) * kj::MILLISECONDS;
  bool connected = false;
  for (;;) {
    kj::Maybe<kj::Duration> patience;
    if (connected) patience = idle;
    auto taken = counter_.when(somethingToDo, take, patience);
    if (counter_.lockShared()->stopping) return;
    KJ_IF_MAYBE (task, taken) {
      task->fulfiller->fulfill(lane.run(task->mail));
      connected = true;
    } else {
      lane.hangUp();
      connected = false;
    }
  }
}

Lanes::Lanes(LaneSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Lanes::~Lanes() = default;
kj::Promise<Conversation> Lanes::run(Mail mail) { return impl_->run(std::move(mail)); }

}  // namespace smsd::mail
