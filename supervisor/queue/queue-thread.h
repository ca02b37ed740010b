// The queue's own thread: libpqxx and SQLite block, the supervisor's loop must not.
//
// Owns the Queue, the thread and the descriptor on which news arrives. The road calls run() on the
// supervisor's loop and gets a promise; the function runs on the thread, one at a time, in order. A
// QueueError is an answer, not an exception: the caller has to look at it. `news` is called on the
// supervisor's loop.
#pragma once

#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/mutex.h>
#include <kj/thread.h>

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// What came of a call: its result, or the error.
template <typename T>
using Answer = std::variant<T, QueueError>;

/// What came of ringing the bell ourselves.
struct BellTest {
  enum class Heard {
    yes,
    no,
    disturbed,  // another call read news at the same time: this says nothing
    noBell,     // the queue has none
  };
  Heard heard = Heard::noBell;
  Ring ring;
};

class NewsWatch;

class QueueThread {
 public:
  using Open = kj::Function<std::unique_ptr<Queue>()>;

  /// Opens nothing yet: the first call does.
  QueueThread(Open open, kj::Function<void()> news);
  /// Waits for the call that is under way.
  ~QueueThread() noexcept(false);

  /// For a call that is not answered: cuts its connection. Never waits; helps where it can.
  void hangUp();

  /// Rings the bell, and waits up to two seconds until the watch on the queue's descriptor has heard it.
  /// Other calls are made meanwhile.
  kj::Promise<Answer<BellTest>> testBell();
  /// Grows with each descriptor that is watched anew: the bell of a new connection is not proven.
  unsigned watches() const { return watches_; }

  template <typename F>
  auto run(F function) {
    using R = std::invoke_result_t<F, Queue&>;
    using T = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    return executor_->executeAsync([this, function = kj::mv(function)]() mutable -> Answer<T> {
      Answer<T> answer = attempt<T>(function);
      // Not within the attempt: whatever became of the news, the call was made.
      std::holds_alternative<T>(answer) ? called() : failed();
      return answer;
    });
  }

 private:
  struct Shared {
    kj::Maybe<kj::Own<const kj::Executor>> executor;
    kj::Own<kj::CrossThreadPromiseFulfiller<void>> stop;
  };

  template <typename T, typename F>
  Answer<T> attempt(F& function) {
    try {
      if constexpr (std::is_same_v<T, std::monostate>) {
        function(opened());
        return T{};
      } else {
        return Answer<T>(std::in_place_index<0>, function(opened()));
      }
    } catch (const QueueError& error) {
      return Answer<T>(std::in_place_index<1>, error);
    }
  }

  void body();
  Queue& opened();
  void called();  // on the thread, after a call that worked
  void failed();

  Open open_;
  kj::Function<void()> news_;
  kj::Own<const kj::Executor> home_;
  std::unique_ptr<Queue> queue_;            // on the thread only
  kj::MutexGuarded<Queue*> line_{nullptr};  // the same, for hangUp()
  NewsWatch* watch_ = nullptr;              // on the thread only
  std::atomic<unsigned> watches_ = 0;
  kj::Timer* timer_ = nullptr;              // likewise: the thread's own
  kj::MutexGuarded<Shared> shared_;
  kj::Own<const kj::Executor> executor_;
  kj::Own<kj::Thread> thread_;
};

}  // namespace smsd::queue
