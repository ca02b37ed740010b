// SPDX-License-Identifier: GPL-3.0-or-later
// The last words of a worker that has served: the reason why its process is about to end by itself.
//
// Owns the words, the supervisor's calls that wait for them, and whether the words were sent. Called by the
// server, on the loop. Never ends the process. last-words.h sends the words of a worker that could not serve.
#pragma once

#include <kj/async.h>
#include <kj/debug.h>
#include <kj/time.h>
#include <proto/dispatcher.capnp.h>

#include <string>
#include <utility>
#include <vector>

namespace smsd::kit {

/// Time allowed for an answer to reach the supervisor's socket before this process ends.
constexpr auto onItsWay = 50 * kj::MILLISECONDS;

class LastWords {
 public:
  struct Words {
    proto::Cause cause = proto::Cause::OTHER;
    std::string words;
  };

  /// Only the first call counts.
  void say(Words words) {
    if (words_ != nullptr) return;
    words_ = kj::mv(words);
    for (auto& listener : std::exchange(listeners_, {})) listener->fulfill();
  }
  bool said() const { return words_ != nullptr; }
  const Words& words() const { return KJ_REQUIRE_NONNULL(words_, "the worker has no last words yet"); }
  /// Resolves when there are words.
  kj::Promise<void> whenSaid() {
    if (said()) return kj::READY_NOW;
    auto pair = kj::newPromiseAndFulfiller<void>();
    listeners_.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }
  /// The supervisor has disconnected: fails the promises of its calls.
  void supervisorGone() { listeners_.clear(); }

  /// The words were sent to a supervisor.
  void sent() {
    KJ_REQUIRE(said(), "last words were sent that were never said");
    sent_.fulfiller->fulfill();
  }
  /// Resolves when the words were sent.
  kj::Promise<void> whenSent() { return whenSent_.addBranch(); }

 private:
  kj::Maybe<Words> words_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> listeners_;  // lastWords() calls without an answer yet
  kj::PromiseFulfillerPair<void> sent_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> whenSent_ = sent_.promise.fork();
};

}  // namespace smsd::kit
