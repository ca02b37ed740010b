// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the queue on its own thread, because libpqxx and SQLite block and the supervisor's loop must not.
//
// Owns the Queue, the thread and the watch on the descriptor that reports news. The road calls run() on the
// supervisor's loop and gets a promise; the functions run on the thread, one at a time, in order. A
// QueueError is returned as a value, not thrown, so that the caller has to handle it. `news` is called on the
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

/// The result of a call, or its error.
template <typename T>
using Answer = std::variant<T, QueueError>;

/// The result of a test of the bell.
struct BellTest {
  enum class Heard {
    yes,
    no,
    disturbed,  // another call read news at the same time: no result
    noBell,     // the queue has no bell
  };
  Heard heard = Heard::noBell;
  Ring ring;
};

class NewsWatch;

class QueueThread {
 public:
  using Open = kj::Function<std::unique_ptr<Queue>()>;

  /// Opens nothing yet: the first call opens the queue.
  QueueThread(Open open, kj::Function<void()> news);
  /// Waits for the call in progress.
  ~QueueThread() noexcept(false);

  /// Cuts the connection of a call that does not return, if the backend can do that. Never waits.
  void hangUp();

  /// Closes the queue, after the calls before this one. The next call opens it again. Only for a queue that
  /// is not enlisted: an enlisted one starts again by itself.
  kj::Promise<void> close();

  /// Rings the bell, and waits up to two seconds until the watch on the queue's descriptor notices it. Other
  /// calls run meanwhile.
  kj::Promise<Answer<BellTest>> testBell();
  /// Grows with each new descriptor that is watched, because the bell of a new connection is not tested yet.
  unsigned watches() const { return watches_; }

  template <typename F>
  auto run(F function) {
    using R = std::invoke_result_t<F, Queue&>;
    using T = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    return executor_->executeAsync([this, function = kj::mv(function)]() mutable -> Answer<T> {
      Answer<T> answer = attempt<T>(function);
      // Outside attempt(): an error while reading news does not change the result of the call.
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
  kj::MutexGuarded<Queue*> line_{nullptr};  // the same queue, for hangUp()
  NewsWatch* watch_ = nullptr;              // on the thread only
  std::atomic<unsigned> watches_ = 0;
  kj::Timer* timer_ = nullptr;  // the thread's own; on the thread only
  kj::MutexGuarded<Shared> shared_;
  kj::Own<const kj::Executor> executor_;
  kj::Own<kj::Thread> thread_;
};

}  // namespace smsd::queue
