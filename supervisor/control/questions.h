// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the operators' calls to the queue, where possible on a thread and a connection of their own.
//
// A history of millions of rows takes seconds to read, so no such call should be in the way of the road's
// claims and settlements. Owns the line of each user (user-turns.h), the patience, and the connection's
// renewal after the queue's file was replaced. A question begins when it is its user's turn, and when there
// is room for its answer (answer-room.h). Used by Door. A call that has begun is never cancelled, because
// cancelling it would mean waiting for it; it outlives the connection that made it. Failures become the
// answer's `problem` and `fault`.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>
#include <proto/control.capnp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "supervisor/control/answer-room.h"
#include "supervisor/control/user-turns.h"
#include "supervisor/queue/queue-thread.h"
#include "supervisor/queue/wire-fault.h"

namespace smsd::control {

class Questions final : private kj::TaskSet::ErrorHandler {
 public:
  using Room = std::shared_ptr<Reservation>;

  /// `awayBecause` returns why the daemon itself cannot use its queue now; empty: it can. Then no call opens
  /// a connection, so that none creates an SQLite file in the place of a removed one.
  enum class Connection { ofTheRoad, ofItsOwn };
  Questions(queue::QueueThread& queue, Connection connection, kj::Timer& timer,
            std::function<std::string()> awayBecause);

  /// Runs `question` on the queue, for the user of `room`. Resolves with its result. If there is none, sets
  /// `problem` and `fault` of the results of `context`, and resolves with null.
  template <typename T, typename F>
  auto ask(Room room, F question, T context) {
    return ask(kj::mv(room), kj::mv(question), kj::mv(context), [](const auto&) {});
  }
  /// Also calls `done` with the result, even if it comes after the client has been told that none came, or
  /// has gone. For what has to follow an act: its journal entry, and the news for the road.
  template <typename T, typename F, typename Done>
  auto ask(Room room, F question, T context, Done done) {
    using R = std::invoke_result_t<F, queue::Queue&>;
    return answer(kj::mv(room), kj::mv(question), kj::mv(done))
        .then([context](queue::Answer<R> answer) mutable -> kj::Maybe<R> {
          if (auto* result = std::get_if<R>(&answer)) return std::move(*result);
          const auto& error = std::get<queue::QueueError>(answer);
          refuse(context, error.kind(), error.what());
          return nullptr;
        });
  }
  /// Resolves with the result of `question`, or with the reason why there is none.
  template <typename F, typename Done>
  auto answer(Room room, F question, Done done) {
    using R = std::invoke_result_t<F, queue::Queue&>;
    using Result = queue::Answer<R>;
    const Ticket ticket = ++lastTicket_;
    if (const auto refusal = refused(room->user(), ticket); !refusal.empty())
      return kj::Promise<Result>(failure<R>(refusal));
    auto asked = turnOf(ticket, room)
                     .then([this, question = kj::mv(question)](Turn turn) mutable -> kj::Promise<Result> {
                       if (turn == Turn::withdrawn) return failure<R>(notBegun);
                       return queue_.run(kj::mv(question)).attach(kj::defer([this]() { over(); }));
                     })
                     .then([this, done = kj::mv(done)](Result answer) mutable {
                       if (const auto* result = std::get_if<R>(&answer)) done(*result);
                       if (const auto* error = std::get_if<queue::QueueError>(&answer))
                         if (error->kind() == queue::QueueError::Kind::replaced) close();
                       return answer;
                     })
                     .fork();
    tasks_.add(asked.addBranch().ignoreResult());
    return timer_.timeoutAfter(patience, asked.addBranch()).catch_([this, ticket](kj::Exception&&) -> Result {
      return failure<R>(givesUp(ticket));
    });
  }
  template <typename F>
  auto answer(Room room, F question) {
    return answer(kj::mv(room), kj::mv(question), [](const auto&) {});
  }

  /// Begins the next question, if none is in progress. To be called when there is more room for answers.
  void beginNext();

  /// Whether the queue still works on a call.
  bool busy() const { return running_; }

 private:
  static constexpr auto patience = 20 * kj::SECONDS;  // less than a client waits: queuePatience in client.h
  static constexpr const char* notBegun =
      "smsd answered other requests for 20 s, or this user does not read the answers sent to it; the request "
      "was not begun: try again later";

  using Ticket = UserTurns::Ticket;
  enum class Turn { come, withdrawn };
  struct Waiting {
    Room room;
    kj::Own<kj::PromiseFulfiller<Turn>> turn;
  };

  template <typename T>
  static void refuse(T& context, queue::QueueError::Kind kind, const std::string& why) {
    context.getResults().setProblem(kj::StringPtr(why.c_str(), why.size()));
    context.getResults().setFault(queue::wireFault(kind));
  }
  template <typename R>
  static queue::Answer<R> failure(const std::string& why) {
    return queue::Answer<R>(std::in_place_index<1>,
                            queue::QueueError(queue::QueueError::Kind::unreachable, why));
  }
  /// Returns why there is no place for the question; empty: it has one now.
  std::string refused(UserTurns::User user, Ticket ticket);
  kj::Promise<Turn> turnOf(Ticket ticket, Room room);
  void over();
  std::string givesUp(Ticket ticket);
  void close();
  void taskFailed(kj::Exception&& exception) override;

  queue::QueueThread& queue_;
  const Connection connection_;
  kj::Timer& timer_;
  std::function<std::string()> awayBecause_;
  UserTurns turns_;
  std::map<Ticket, Waiting> waiting_;
  Ticket lastTicket_ = 0;
  bool running_ = false;
  kj::TimePoint begun_;
  double usual_ = 0;                           // seconds that a question takes
  kj::Promise<void> closing_ = kj::READY_NOW;  // of the connection, after a while without calls
  kj::TaskSet tasks_;
};

}  // namespace smsd::control
