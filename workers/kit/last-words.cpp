// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/last-words.h"

#include <kj/async-io.h>
#include <poll.h>
#include <proto/dispatcher.capnp.h>
#include <unistd.h>

#include "common/rpc/channel.h"
#include "common/text/utf.h"
#include "workers/kit/accept-supervisors.h"

namespace smsd::kit {
namespace {

// A supervisor disconnects when it has the words; an older version never calls lastWords().
constexpr auto patience = 2 * kj::SECONDS;

class Unable final : public proto::Dispatcher::Server {
 public:
  explicit Unable(const std::string& words) : words_(text::printable(words, proto::MAX_REASON)) {}

 protected:
  kj::Promise<void> lastWords(LastWordsContext context) override {
    context.getResults().setWords(kj::StringPtr(words_.c_str(), words_.size()));
    context.getResults().setCause(proto::Cause::CANNOT_START);
    return kj::READY_NOW;
  }
  /// Never answers, because an answer would mean that the worker is ready.
  kj::Promise<void> describe(DescribeContext) override { return kj::NEVER_DONE; }

 private:
  std::string words_;
};

bool somebodyWaits(int listener) {
  pollfd waits{listener, POLLIN, 0};
  return poll(&waits, 1, 0) == 1;
}

kj::Promise<void> tell(kj::ConnectionReceiver& door, const std::vector<uid_t>& welcome,
                       const std::string& words) {
  return door.acceptAuthenticated().then(
      [&door, &welcome, &words](kj::AuthenticatedStream visitor) -> kj::Promise<void> {
        if (!isOneOf(*visitor.peerIdentity, welcome)) return tell(door, welcome, words);
        auto channel = rpc::Channel::serve(kj::mv(visitor.stream), kj::heap<Unable>(words));
        auto over = channel->disconnected();
        return over.attach(kj::mv(channel));
      });
}

}  // namespace

void sayCannotStart(int listener, const std::vector<uid_t>& welcome, const std::string& words) {
  if (listener < 0 || !somebodyWaits(listener)) return;
  try {
    auto io = kj::setupAsyncIo();
    auto door =
        io.lowLevelProvider->wrapListenSocketFd(dup(listener), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
    tell(*door, welcome, words)
        .exclusiveJoin(io.provider->getTimer().afterDelay(patience))
        .wait(io.waitScope);
  } catch (const kj::Exception&) {
    // The caller writes the words to this unit's journal in any case.
  }
}

}  // namespace smsd::kit
