// SPDX-License-Identifier: GPL-3.0-or-later
// What transfers hold to whatever the far end does: how much is kept, what is told, which protocols are
// spoken, and that no end of a transfer is missed.
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/vector.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "tests/workers/peers.h"
#include "workers/net/transfers.h"

namespace {
/// How many registrations for reading the kernel refuses, as it does at the limit fs.epoll.max_user_watches.
int refusals = 0;
}  // namespace

/// Stands before the C library's.
extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  // KJ registers with EPOLLET.
  if (operation != EPOLL_CTL_DEL && event->events == EPOLLIN && refusals > 0) {
    --refusals;
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

namespace smsd::net {
namespace {

using namespace std::chrono_literals;
using test::Gateway;

class TransfersBounds : public testing::Test {
 protected:
  ~TransfersBounds() noexcept override = default;
  Transfers& transfers() {
    if (!transfers_) transfers_ = std::make_unique<Transfers>(settings, io);
    return *transfers_;
  }
  kj::Promise<Exchange> begin(std::uint16_t port, const std::string& path, Milliseconds deadline) {
    return transfers().run({"http://127.0.0.1:" + std::to_string(port) + path, {}, deadline});
  }
  Exchange get(std::uint16_t port, const std::string& path = "/") {
    return begin(port, path, 30s).wait(io.waitScope);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  TransferSettings settings{.connections = 64};
  std::unique_ptr<Transfers> transfers_;
};

TEST_F(TransfersBounds, MissNoAnswerThoughTheKernelDidNotRegisterTheSocketAtFirst) {
  Gateway gateway({"delay=0.3"});
  for (int count : {1, 2, 4}) {
    refusals = count;
    EXPECT_EQ(begin(gateway.port(), "/", 5s).wait(io.waitScope).status, 200) << count;
    EXPECT_EQ(refusals, 0);
    transfers_ = nullptr;  // with its connection
  }
}

TEST_F(TransfersBounds, ReadNoMoreHeadersThanTheirBound) {
  Gateway gateway;
  EXPECT_EQ(get(gateway.port(), "/-/padding=60000/").status, 200);
  Exchange exchange = get(gateway.port(), "/-/padding=70000/");
  EXPECT_EQ(exchange.status, 0);
  EXPECT_EQ(exchange.sent, Sent::something);
}

TEST_F(TransfersBounds, KeepNoMoreOfAHeaderAndABodyThanTheirBounds) {
  settings.wanted = {AnswerParts::Body::kept, "x-id"};
  Gateway gateway({"header=X-Id:" + std::string(5000, 'a') + ",body=" + std::string(100'000, 'b')});
  Exchange exchange = get(gateway.port());
  EXPECT_EQ(exchange.header, std::string(mostHeader, 'a'));
  EXPECT_EQ(exchange.body, std::string(mostBody, 'b'));
  EXPECT_EQ(exchange.whole, Exchange::Body::partial);
}

TEST_F(TransfersBounds, TellNothingInTheLibrarysWordsOnceARequestWasOut) {
  Gateway gateway;
  for (auto behaviour : {"cut=before", "cut=headers", "reset", "garbage", "early,cut=before"}) {
    Exchange exchange = get(gateway.port(), std::string("/-/") + behaviour + "/?password=hunter2");
    EXPECT_EQ(exchange.sent, Sent::something) << behaviour;
    EXPECT_EQ(exchange.detail, "") << behaviour << ": it could quote the request, or the answer";
  }
}

TEST_F(TransfersBounds, TakeNoStatusBeforeTheLastOneForTheAnswer) {
  Gateway gateway;
  EXPECT_EQ(get(gateway.port(), "/-/early/").status, 200);
  EXPECT_EQ(get(gateway.port(), "/-/early,cut=before/").status, 0);
}

TEST_F(TransfersBounds, SpeakNothingButHttp) {
  settings.wanted = {AnswerParts::Body::kept, ""};
  test::Folder folder;
  std::ofstream(folder.path / "secret") << "hunter2";
  for (std::string target : {"file://" + (folder.path / "secret").string(), std::string("ftp://127.0.0.1:1/"),
                             std::string("dict://127.0.0.1:1/")}) {
    Exchange exchange = transfers().run({target, {}, 10s}).wait(io.waitScope);
    EXPECT_EQ(exchange.failure, Failure::garbage) << target;
    EXPECT_EQ(exchange.body, "");
  }
}

TEST_F(TransfersBounds, EndWhatHasTheEarlierDeadlineFirstWhicheverBeganFirst) {
  settings.connectTimeout = 1h;
  for (auto [first, second] : {std::pair(300ms, 20'000ms), std::pair(20'000ms, 300ms)}) {
    Gateway gateway;
    std::vector<Milliseconds> ended;
    auto note = [&](Milliseconds deadline) { return [&, deadline](Exchange) { ended.push_back(deadline); }; };
    auto one = begin(gateway.port(), "/-/silent/", first).then(note(first));
    auto two = begin(gateway.port(), "/-/silent/", second).then(note(second));
    one.exclusiveJoin(kj::mv(two)).wait(io.waitScope);
    EXPECT_EQ(ended, (std::vector<Milliseconds>{300ms}));
    transfers_.reset();
  }
}

// libcurl's clock cannot be moved: this one waits.
TEST_F(TransfersBounds, UseNoConnectionThatWasIdleForLong) {
  Gateway gateway;
  get(gateway.port());
  get(gateway.port());
  EXPECT_EQ(gateway.connections(), 1U);
  io.provider->getTimer().afterDelay(6 * kj::SECONDS).wait(io.waitScope);
  get(gateway.port());
  EXPECT_EQ(gateway.connections(), 2U) << "the gateway may be about to end it";
}

TEST_F(TransfersBounds, DeliverEachOfManyAnswersOnce) {
  Gateway gateway;
  constexpr int rounds = 100, together = 20;
  int delivered = 0;
  for (int round = 0; round < rounds; ++round) {
    kj::Vector<kj::Promise<void>> all;
    for (int i = 0; i < together; ++i)
      all.add(begin(gateway.port(), "/", 30s).then([&](Exchange exchange) {
        delivered += exchange.status == 200;
      }));
    auto joined = kj::joinPromises(all.releaseAsArray());
    auto late = io.provider->getTimer().afterDelay(60 * kj::SECONDS).then([]() {
      FAIL() << "an answer was never delivered";
    });
    joined.exclusiveJoin(kj::mv(late)).wait(io.waitScope);
    ASSERT_EQ(delivered, (round + 1) * together);
  }
}

}  // namespace
}  // namespace smsd::net
