#include "supervisor/queue/queue-thread.h"

#include <fcntl.h>
#include <kj/async-unix.h>

namespace smsd::queue {

/// Watches the queue's descriptor in the thread's loop. It observes a duplicate: the backend closes its own
/// when a connection is lost, and an observer must not outlive its descriptor.
class NewsWatch {
 public:
  NewsWatch(kj::UnixEventPort& port, kj::Function<void()> tell) : port_(port), tell_(kj::mv(tell)) {}

  /// After a call that worked: the answer may have carried news, and the connection may be a new one.
  void look(Queue& queue) {
    try {
      if (queue.takeNews()) tell_();
    } catch (const QueueError&) {
      return forget();  // the next call finds out what is wrong
    }
    int fd = queue.newsFd();
    if (fd == watched_) return;
    forget();
    if (fd < 0) return;
    watched_ = fd;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return;  // no news by descriptor: the poll goes on
    auto watching = kj::heap<Watching>(port_, copy);
    loop_ = wait(*watching, queue).attach(kj::mv(watching)).eagerlyEvaluate([this](kj::Exception&&) {
      watched_ = -1;
    });
  }

  void forget() {
    loop_ = nullptr;
    watched_ = -1;
  }

 private:
  struct Watching {
    Watching(kj::UnixEventPort& port, int descriptor)
        : fd(descriptor), observer(port, fd, kj::UnixEventPort::FdObserver::OBSERVE_READ) {}
    kj::AutoCloseFd fd;
    kj::UnixEventPort::FdObserver observer;
  };

  kj::Promise<void> wait(Watching& watching, Queue& queue) {
    return watching.observer.whenBecomesReadable().then([this, &watching, &queue]() -> kj::Promise<void> {
      try {
        if (queue.takeNews()) tell_();
      } catch (const QueueError&) {
        tell_();  // whoever looks now finds out what is wrong
        watched_ = -1;
        return kj::READY_NOW;
      }
      // A connection that was cut reads as news, too: its descriptor is gone, and its number may come again.
      if (queue.newsFd() != watched_) {
        watched_ = -1;
        return kj::READY_NOW;
      }
      return wait(watching, queue);
    });
  }

  kj::UnixEventPort& port_;
  kj::Function<void()> tell_;
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
  NewsWatch watch(io.unixEventPort, [this, &told]() {
    // Only the last word matters: a promise that is still under way is replaced by a newer one of the same
    // meaning.
    told.clear();
    told.add(home_->executeAsync([this]() { news_(); }).eagerlyEvaluate(nullptr));
  });
  watch_ = &watch;
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
