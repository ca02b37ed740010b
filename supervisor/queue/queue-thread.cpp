// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/queue-thread.h"

#include <fcntl.h>
#include <kj/async-unix.h>

namespace smsd::queue {
namespace {

using Heard = BellTest::Heard;

constexpr auto bellPatience = 2 * kj::SECONDS;

}  // namespace

/// Watches the queue's descriptor in the thread's loop. It observes a duplicate, because the backend closes
/// its own descriptor when a connection is lost, and an observer must not outlive its descriptor.
class NewsWatch {
 public:
  NewsWatch(kj::UnixEventPort& port, std::atomic<unsigned>& watches, kj::Function<void()> tell)
      : port_(port), watches_(watches), tell_(kj::mv(tell)) {}

  /// Called after each call that worked, because its reply may have carried news and the connection may be a
  /// new one.
  void look(Queue& queue) {
    int fd = -1;
    try {
      if (queue.takeNews()) {
        ring(Heard::disturbed);
        tell_();
      }
      fd = queue.newsFd();
    } catch (const QueueError&) {
      return forget();  // the next call returns the error
    }
    if (fd == watched_) return;
    forget();
    if (fd < 0) return;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return;  // until the next look, only the poll finds new messages
    watched_ = fd;
    ++watches_;
    auto watching = kj::heap<Watching>(port_, copy);
    loop_ = wait(*watching, queue).attach(kj::mv(watching)).eagerlyEvaluate([this](kj::Exception&&) {
      watched_ = -1;
    });
  }

  void forget() {
    ring(Heard::disturbed);
    loop_ = nullptr;
    watched_ = -1;
  }

  /// Resolves at the next news, or with `disturbed`.
  kj::Promise<Heard> hear() {
    if (watched_ < 0) return Heard::no;  // there is no descriptor, or watching it failed
    auto paired = kj::newPromiseAndFulfiller<Heard>();
    listener_ = kj::mv(paired.fulfiller);
    return kj::mv(paired.promise);
  }

 private:
  void ring(Heard heard) {
    KJ_IF_MAYBE (listener, listener_) {
      (*listener)->fulfill(kj::mv(heard));
      listener_ = nullptr;
    }
  }

  struct Watching {
    Watching(kj::UnixEventPort& port, int descriptor)
        : fd(descriptor), observer(port, fd, kj::UnixEventPort::FdObserver::OBSERVE_READ) {}
    kj::AutoCloseFd fd;
    kj::UnixEventPort::FdObserver observer;
  };

  kj::Promise<void> wait(Watching& watching, Queue& queue) {
    return watching.observer.whenBecomesReadable().then([this, &watching, &queue]() -> kj::Promise<void> {
      bool news = false;
      try {
        news = queue.takeNews();
        if (news) tell_();
        // A lost connection reads as news, too. Its descriptor is closed, and its number may be reused.
        if (queue.newsFd() != watched_) return stop();
      } catch (const QueueError&) {
        tell_();  // the look that follows returns the error
        return stop();
      }
      if (news) ring(Heard::yes);
      return wait(watching, queue);
    });
  }

  kj::Promise<void> stop() {
    watched_ = -1;
    ring(Heard::disturbed);
    return kj::READY_NOW;
  }

  kj::UnixEventPort& port_;
  std::atomic<unsigned>& watches_;
  kj::Function<void()> tell_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<Heard>>> listener_;  // of a test of the bell
  kj::Promise<void> loop_ = nullptr;
  int watched_ = -1;
};

QueueThread::QueueThread(Open open, kj::Function<void()> news)
    : open_(kj::mv(open)), news_(kj::mv(news)), home_(kj::getCurrentThreadExecutor().addRef()) {
  thread_ = kj::heap<kj::Thread>([this]() { body(); });
  executor_ = shared_.when([](const Shared& shared) { return shared.executor != nullptr; },
                           [](Shared& shared) { return KJ_ASSERT_NONNULL(shared.executor)->addRef(); });
}

QueueThread::~QueueThread() noexcept(false) {
  shared_.lockExclusive()->stop->fulfill();
  thread_ = nullptr;
}

void QueueThread::body() {
  auto io = kj::setupAsyncIo();
  auto stop = kj::newPromiseAndCrossThreadFulfiller<void>();
  kj::Vector<kj::Promise<void>> told;
  NewsWatch watch(io.unixEventPort, watches_, [this, &told]() {
    // The new notification replaces a pending one, because both mean the same.
    told.clear();
    told.add(home_->executeAsync([this]() { news_(); }).eagerlyEvaluate(nullptr));
  });
  watch_ = &watch;
  timer_ = &io.provider->getTimer();
  {
    auto lock = shared_.lockExclusive();
    lock->executor = kj::getCurrentThreadExecutor().addRef();
    lock->stop = kj::mv(stop.fulfiller);
  }
  stop.promise.wait(io.waitScope);
  watch.forget();
  *line_.lockExclusive() = nullptr;
  queue_.reset();
}

kj::Promise<Answer<BellTest>> QueueThread::testBell() {
  return executor_->executeAsync([this]() -> kj::Promise<Answer<BellTest>> {
    std::optional<Ring> ring;
    try {
      // News that came before the ring must not count as its echo.
      watch_->look(opened());
      ring = opened().ringBell();
    } catch (const QueueError& error) {
      return Answer<BellTest>(std::in_place_index<1>, error);
    }
    if (!ring) return Answer<BellTest>(BellTest{});
    return watch_->hear()
        .exclusiveJoin(timer_->afterDelay(bellPatience).then([]() { return Heard::no; }))
        .then([ring = kj::mv(*ring)](Heard heard) {
          return Answer<BellTest>(BellTest{heard, ring});
        });
  });
}

kj::Promise<void> QueueThread::close() {
  return executor_->executeAsync([this]() {
    watch_->forget();
    *line_.lockExclusive() = nullptr;
    queue_.reset();
  });
}

void QueueThread::hangUp() {
  auto line = line_.lockExclusive();
  if (*line != nullptr) (*line)->hangUp();
}

Queue& QueueThread::opened() {
  if (queue_ == nullptr) {
    queue_ = open_();
    *line_.lockExclusive() = queue_.get();
  }
  return *queue_;
}

void QueueThread::called() { watch_->look(*queue_); }

void QueueThread::failed() { watch_->forget(); }

}  // namespace smsd::queue
