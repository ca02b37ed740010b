// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/last-words.h"

#include <kj/async-io.h>
#include <poll.h>
#include <proto/dispatcher.capnp.h>
#include <unistd.h>

#include "common/rpc/channel.h"
#include "common/text/utf.h"
#include "workers/kit/accept-supervisors.h"
#include "workers/kit/server-last-words.h"

namespace smsd::kit {
namespace {

// A supervisor that connected disconnects when it has the words, one that started this process waits for its
// end. An older version never calls lastWords().
constexpr auto patience = 2 * kj::SECONDS;

class Unable final : public proto::Dispatcher::Server {
 public:
  explicit Unable(const std::string& words, kj::Own<kj::PromiseFulfiller<void>> answered)
      : words_(text::printable(words, proto::MAX_REASON)), answered_(kj::mv(answered)) {}

 protected:
  kj::Promise<void> lastWords(LastWordsContext context) override {
    context.getResults().setWords(kj::StringPtr(words_.c_str(), words_.size()));
    context.getResults().setCause(proto::Cause::CANNOT_START);
    answered_->fulfill();
    return kj::READY_NOW;
  }
  /// Never answers, because an answer would mean that the worker is ready.
  kj::Promise<void> describe(DescribeContext) override { return kj::NEVER_DONE; }

 private:
  std::string words_;
  kj::Own<kj::PromiseFulfiller<void>> answered_;
};

/// Resolves when the supervisor has the words or has gone.
kj::Promise<void> tell(kj::Own<kj::AsyncIoStream> supervisor, kj::Timer& timer, const std::string& words) {
  auto answered = kj::newPromiseAndFulfiller<void>();
  auto channel = rpc::Channel::serve(kj::mv(supervisor), kj::heap<Unable>(words, kj::mv(answered.fulfiller)));
  auto over = channel->disconnected().exclusiveJoin(
      answered.promise.then([&timer]() { return timer.afterDelay(onItsWay); }));
  return over.attach(kj::mv(channel));
}

bool somebodyWaits(int listener) {
  pollfd waits{listener, POLLIN, 0};
  return poll(&waits, 1, 0) == 1;
}

kj::Promise<void> tellVisitor(kj::ConnectionReceiver& door, kj::Timer& timer,
                              const std::vector<uid_t>& welcome, const std::string& words) {
  return door.acceptAuthenticated().then(
      [&door, &timer, &welcome, &words](kj::AuthenticatedStream visitor) -> kj::Promise<void> {
        if (!isOneOf(*visitor.peerIdentity, welcome)) return tellVisitor(door, timer, welcome, words);
        return tell(kj::mv(visitor.stream), timer, words);
      });
}

}  // namespace

void sayCannotStart(int channel, const std::string& words) {
  if (channel < 0) return;
  try {
    auto io = kj::setupAsyncIo();
    auto& timer = io.provider->getTimer();
    tell(io.lowLevelProvider->wrapSocketFd(channel, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP), timer,
         words)
        .exclusiveJoin(timer.afterDelay(patience))
        .wait(io.waitScope);
  } catch (const kj::Exception&) {
    // The caller writes the words to the journal in any case.
  }
}

void sayCannotStart(int listener, const std::vector<uid_t>& welcome, const std::string& words) {
  if (listener < 0 || !somebodyWaits(listener)) return;
  try {
    auto io = kj::setupAsyncIo();
    auto door =
        io.lowLevelProvider->wrapListenSocketFd(dup(listener), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
    auto& timer = io.provider->getTimer();
    tellVisitor(*door, timer, welcome, words).exclusiveJoin(timer.afterDelay(patience)).wait(io.waitScope);
  } catch (const kj::Exception&) {
    // The caller writes the words to this unit's journal in any case.
  }
}

}  // namespace smsd::kit
