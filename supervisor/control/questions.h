// SPDX-License-Identifier: GPL-3.0-or-later
// Puts operators' calls to the queue, if possible on a thread and a connection of their own.
//
// A history of millions of rows takes seconds to read, so no such call should be in the way of the road's
// claims and settlements. Owns the bound on unanswered calls, their patience, and the connection's renewal
// after the queue's file was replaced. Used by Door. A call is never cancelled, because cancelling it would
// mean waiting for it; it outlives the connection that made it. Failures become the answer's `problem` and
// `fault`.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>
#include <proto/control.capnp.h>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "supervisor/queue/queue-thread.h"

namespace smsd::control {

proto::QueueFault wireFault(queue::QueueError::Kind kind);

class Questions final : private kj::TaskSet::ErrorHandler {
 public:
  /// `awayBecause` returns why the daemon itself cannot use its queue now; empty: it can. Then no call opens
  /// a connection, so that none creates an SQLite file in the place of a removed one.
  enum class Connection { ofTheRoad, ofItsOwn };
  Questions(queue::QueueThread& queue, Connection connection, kj::Timer& timer,
            std::function<std::string()> awayBecause);

  /// Runs `question` on the queue. Resolves with its result. If there is none, sets `problem` and `fault` of
  /// the results of `context`, and resolves with null.
  template <typename T, typename F>
  auto ask(F question, T context) {
    return ask(kj::mv(question), kj::mv(context), [](const auto&) {});
  }
  /// Also calls `done` with the result, even if it comes after the client has been told that none came, or
  /// has gone. For what has to follow an act: its journal entry, and the news for the road.
  template <typename T, typename F, typename Done>
  auto ask(F question, T context, Done done) {
    using R = std::invoke_result_t<F, queue::Queue&>;
    using Result = kj::Maybe<R>;
    if (const auto refusal = refused(); !refusal.empty()) {
      refuse(context, queue::QueueError::Kind::unreachable, refusal);
      return kj::Promise<Result>(Result(nullptr));
    }
    auto asked = queue_.run(kj::mv(question))
                     .then([done = kj::mv(done)](queue::Answer<R> answer) mutable {
                       if (const auto* result = std::get_if<R>(&answer)) done(*result);
                       return answer;
                     })
                     .fork();
    keep(asked.addBranch().ignoreResult());
    return timer_.timeoutAfter(patience, asked.addBranch())
        .then(
            [this, context](queue::Answer<R> answer) mutable -> Result {
              if (auto* result = std::get_if<R>(&answer)) return std::move(*result);
              const auto& error = std::get<queue::QueueError>(answer);
              if (error.kind() == queue::QueueError::Kind::replaced) close();
              refuse(context, error.kind(), error.what());
              return nullptr;
            },
            [this, context](kj::Exception&&) mutable -> Result {
              if (connection_ == Connection::ofItsOwn) queue_.hangUp();
              refuse(context, queue::QueueError::Kind::unreachable,
                     "the queue does not answer; it may still carry the request out");
              return nullptr;
            });
  }

  /// Whether the queue still works on a call.
  bool busy() const { return open_ > 0; }

 private:
  static constexpr auto patience = 20 * kj::SECONDS;  // less than a client waits: queuePatience in client.h

  template <typename T>
  static void refuse(T& context, queue::QueueError::Kind kind, const std::string& why) {
    context.getResults().setProblem(kj::StringPtr(why.c_str(), why.size()));
    context.getResults().setFault(wireFault(kind));
  }
  std::string refused();
  void keep(kj::Promise<void> question);
  void close();
  void taskFailed(kj::Exception&& exception) override;

  queue::QueueThread& queue_;
  const Connection connection_;
  kj::Timer& timer_;
  std::function<std::string()> awayBecause_;
  unsigned open_ = 0;                          // unanswered calls
  kj::Promise<void> closing_ = kj::READY_NOW;  // of the connection, after a while without calls
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
