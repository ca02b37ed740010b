// SPDX-License-Identifier: GPL-3.0-or-later
// A thread that runs blocking calls one after the other, each with a promise for its result.
//
// Owns the thread and the calls that wait for it. Called on the KJ loop. Never runs two calls at once. A call
// that throws breaks its promise. The destructor waits up to `patience` for the call in progress. If the
// thread is still stuck in the kernel or a library then, the destructor ends the process, because joining
// the thread could take for ever.
#pragma once

#include <kj/async.h>
#include <kj/mutex.h>
#include <kj/thread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "common/fault.h"

namespace smsd::gammu {

/// Call it on each further thread of this worker: signals belong to the KJ loop.
void blockSignals();

class BlockingThread {
 public:
  explicit BlockingThread(std::chrono::milliseconds patience);
  ~BlockingThread();
  BlockingThread(const BlockingThread&) = delete;
  BlockingThread& operator=(const BlockingThread&) = delete;

  template <typename T>
  kj::Promise<T> run(std::function<T()> call) {
    auto result = kj::newPromiseAndCrossThreadFulfiller<T>();
    add([call = std::move(call), fulfiller = std::make_shared<kj::Own<kj::CrossThreadPromiseFulfiller<T>>>(
                                     kj::mv(result.fulfiller))]() {
      try {
        (*fulfiller)->fulfill(call());
      } catch (const std::exception& e) {
        (*fulfiller)->reject(KJ_EXCEPTION(FAILED, faultOf(e)));
      }
    });
    return kj::mv(result.promise);
  }
  /// How long the current call has been running; 0 if there is none.
  std::chrono::steady_clock::duration busyFor() const;

 private:
  void add(std::function<void()> task);
  void work();

  const std::chrono::milliseconds patience_;
  mutable std::mutex guard_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::optional<std::chrono::steady_clock::time_point> since_;
  bool stopping_ = false;
  bool stopped_ = false;
  kj::Own<kj::Thread> thread_;
};

}  // namespace smsd::gammu
