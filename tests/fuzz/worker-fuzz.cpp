// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes of a worker into its supervisor (libFuzzer): what raw-peer.h makes of the input after its first
// byte. It is given SMS when it is ready, or before, if that byte is odd.
//
// Whatever comes, the supervisor neither crashes nor takes more than 16 MiB, each SMS that was handed over
// has one outcome in the end, and a worker that was ended says nothing any more.
#include <kj/async-io.h>

#include <map>
#include <utility>

#include "supervisor/config/kinds.h"
#include "supervisor/keeper/worker.h"
#include "tests/fuzz/raw-peer.h"

namespace {

using namespace smsd;
using namespace smsd::keeper;
using namespace std::chrono_literals;
using fuzz::demand;

class RawLink final : public Link {
 public:
  explicit RawLink(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}
  kj::Own<kj::AsyncIoStream> stream() override { return kj::mv(stream_); }
  int pid() const override { return 17; }
  kj::Promise<LinkEnd> ended() override { return kj::mv(over_.promise); }
  void end() override { over_.fulfiller->fulfill(LinkEnd{"signal 9 (Killed)", false, {}}); }
  kj::Duration patience() const override { return 0 * kj::SECONDS; }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  kj::PromiseFulfillerPair<LinkEnd> over_ = kj::newPromiseAndFulfiller<LinkEnd>();
};

class Listener final : public WorkerEvents {
 public:
  void workerReady(const WorkerTraits&, const HealthReport&) override {
    demand("a worker that is gone is not ready", !gone);
    ready = true;
  }
  void workerReported(std::vector<delivery::AttemptOutcome> reported) override { take(reported); }
  void workerDeclined() override {}
  Leave mayBegin(queue::AttemptId) const override { return Leave::granted; }
  void workerGone(const std::string&, std::vector<delivery::AttemptOutcome> lost, Conduct) override {
    demand("a worker goes once", !gone);
    gone = true;
    for (auto& one : lost) ++outcomes[one.attempt];
  }
  void take(const std::vector<delivery::AttemptOutcome>& reported) {
    demand("a worker that is gone reports nothing", !gone);
    for (auto& one : reported) {
      ++outcomes[one.attempt];
      demand("a reason is bounded", one.outcome.words.size() <= proto::MAX_REASON);
    }
  }
  std::map<queue::AttemptId, int> outcomes;
  bool ready = false, gone = false;
};

kj::AsyncIoContext& io() {
  static kj::AsyncIoContext context = kj::setupAsyncIo();
  return context;
}

void give(Worker& worker) {
  std::vector<queue::Submission> all(4);
  std::vector<const queue::Submission*> batch;
  for (auto& submission : all) {
    submission.attempt = 1 + static_cast<queue::AttemptId>(batch.size());
    submission.recipient = "+4711111111";
    submission.sms.text = "alert";
    batch.push_back(&submission);
  }
  worker.dispatch(batch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr auto flags = kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                         kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK |
                         kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return 0;
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  Listener events;
  auto worker = kj::heap<Worker>(kj::heap<RawLink>(io().lowLevelProvider->wrapSocketFd(pair[0], flags)),
                                 timer, config::kindNamed("debug"), 30s, 10s, events);
  bool given = size > 0 && data[0] % 2 == 1;
  if (given) give(*worker);
  auto turn = [&]() {
    if (events.ready && !events.gone && !std::exchange(given, true)) give(*worker);
    for (int i = 0; i < 3; ++i) {
      timer.advanceTo(timer.now() + 1 * kj::MICROSECONDS);
      io().waitScope.poll();
      io().provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io().waitScope);
    }
  };
  auto later = [&](unsigned seconds) {
    for (unsigned i = 0; i < std::min(seconds, 60U); ++i) {
      timer.advanceTo(timer.now() + 1 * kj::SECONDS);
      turn();
    }
  };
  turn();
  if (size > 0) fuzz::act(pair[1], {reinterpret_cast<const char*>(data + 1), size - 1}, turn, later);
  close(pair[1]);
  worker->end("the input is over");
  later(3);
  demand("a worker that was ended is gone", events.gone);
  demand("each SMS has an outcome", events.outcomes.size() == (given ? 4 : 0));
  for (auto& [attempt, count] : events.outcomes) demand("an SMS has one outcome", count == 1);
  worker = nullptr;
  turn();
  return 0;
}
