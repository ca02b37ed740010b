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

/// Shared by the loop and the connections.
struct TaskQueue {
  std::deque<Task> waiting;
  bool stopping = false;
};

}  // namespace

class SmtpPool::Impl {
 public:
  explicit Impl(SmtpSettings settings);
  ~Impl();
  kj::Promise<Conversation> run(Mail mail);

 private:
  void work(SmtpConnection& connection);

  const SmtpSettings settings_;
  net::Names names_;
  kj::MutexGuarded<TaskQueue> queue_;
  std::vector<std::unique_ptr<SmtpConnection>> connections_;
  std::vector<kj::Own<kj::Thread>> threads_;
};

SmtpPool::Impl::Impl(SmtpSettings settings) : settings_(std::move(settings)) {
  net::initializeCurl();
  // A missing libcurl option is detected here, on the loop's thread, and not with the first SMS.
  for (unsigned i = 0; i < settings_.connections; ++i)
    connections_.push_back(std::make_unique<SmtpConnection>(settings_, names_));
  net::SignalsBlocked blocked;
  for (auto& connection : connections_)
    threads_.push_back(kj::heap<kj::Thread>([this, &connection = *connection]() { work(connection); }));
}

SmtpPool::Impl::~Impl() {
  queue_.lockExclusive()->stopping = true;
  for (auto& connection : connections_) connection->stop();
  threads_.clear();  // joins
}

kj::Promise<Conversation> SmtpPool::Impl::run(Mail mail) {
  auto result = kj::newPromiseAndCrossThreadFulfiller<Conversation>();
  queue_.lockExclusive()->waiting.push_back({std::move(mail), kj::mv(result.fulfiller)});
  return kj::mv(result.promise);
}

void SmtpPool::Impl::work(SmtpConnection& connection) {
  auto somethingToDo = [](const TaskQueue& queue) { return queue.stopping || !queue.waiting.empty(); };
  auto take = [](TaskQueue& queue) -> kj::Maybe<Task> {
    if (queue.stopping || queue.waiting.empty()) return nullptr;
    Task task = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    return kj::mv(task);
  };
  const auto idle = static_cast<std::uint64_t>(settings_.longestIdle.count()) * kj::MILLISECONDS;
  bool connected = false;
  for (;;) {
    kj::Maybe<kj::Duration> patience;
    if (connected) patience = idle;
    auto taken = queue_.when(somethingToDo, take, patience);
    if (queue_.lockShared()->stopping) return;
    KJ_IF_MAYBE (task, taken) {
      task->fulfiller->fulfill(connection.run(task->mail));
      connected = true;
    } else {
      connection.hangUp();
      connected = false;
    }
  }
}

SmtpPool::SmtpPool(SmtpSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
SmtpPool::~SmtpPool() = default;
kj::Promise<Conversation> SmtpPool::run(Mail mail) { return impl_->run(std::move(mail)); }

}  // namespace smsd::mail
