// SPDX-License-Identifier: GPL-3.0-or-later
// Submits many alerts at intake.sock, and prints how fast that went.
//
// Keeps up to --window calls open. A call that fails, because smsd was killed, or that could not be done now,
// is made again with its keys until it has fates: so each alert has been answered when the program ends.
// Prints one line of JSON: alerts of each fate, calls made again, alerts a second, and the latency of the
// answers in ms.
#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <proto/intake.capnp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using smsd::proto::Fate;
using smsd::proto::Intake;

struct Load {
  std::string socket, prefix = "load";
  unsigned alerts = 1000, window = 60, numbers = 100, perCall = 1;
  unsigned pause = 0;  // ms before each call
};

/// One connection. It ends with the last call on it.
class Link : public kj::Refcounted {
 public:
  explicit Link(kj::Own<kj::AsyncIoStream> stream)
      : stream_(kj::mv(stream)), client_(*stream_), intake_(client_.bootstrap().castAs<Intake>()) {}
  Intake::Client& intake() { return intake_; }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyClient client_;
  Intake::Client intake_;
};

class Run {
 public:
  Run(kj::AsyncIoContext& io, const Load& load) : io_(io), timer_(io.provider->getTimer()), load_(load) {}

  void all() {
    const auto began = Clock::now();
    auto lines = kj::heapArrayBuilder<kj::Promise<void>>(load_.window);
    for (unsigned n = 0; n < load_.window; ++n) lines.add(next());
    kj::joinPromises(lines.finish()).wait(io_.waitScope);
    report(std::chrono::duration<double>(Clock::now() - began).count());
  }

 private:
  kj::Promise<void> next() {
    if (next_ >= load_.alerts) return kj::READY_NOW;
    const unsigned first = next_;
    next_ += load_.perCall;
    return timer_.afterDelay(load_.pause * kj::MILLISECONDS)
        .then([this, first]() { return insist(first); })
        .then([this]() { return next(); });
  }

  /// Makes the call again until it has been answered.
  kj::Promise<void> insist(unsigned first) {
    return connected()
        .then([this, first](kj::Own<Link> link) {
          auto promise = call(*link, first);
          return promise.attach(kj::mv(link));
        })
        .then([]() { return true; }, [](kj::Exception&&) { return false; })
        .then([this, first](bool answered) -> kj::Promise<void> {
          if (answered) return kj::READY_NOW;
          ++repeats_;
          link_ = nullptr;
          return timer_.afterDelay(10 * kj::MILLISECONDS).then([this, first]() { return insist(first); });
        });
  }

  kj::Promise<kj::Own<Link>> connected() {
    if (link_.get() != nullptr) return kj::addRef(*link_);
    return io_.provider->getNetwork()
        .parseAddress("unix:" + load_.socket)
        .then([](kj::Own<kj::NetworkAddress> address) {
          auto promise = address->connect();
          return promise.attach(kj::mv(address));
        })
        .then([this](kj::Own<kj::AsyncIoStream> stream) {
          if (link_.get() == nullptr) link_ = kj::refcounted<Link>(kj::mv(stream));
          return kj::addRef(*link_);
        });
  }

  kj::Promise<void> call(Link& link, unsigned first) {
    const unsigned count = std::min(load_.perCall, load_.alerts - first);
    auto request = link.intake().submitRequest();
    auto alerts = request.initAlerts(count);
    for (unsigned n = 0; n < count; ++n) {
      alerts[n].getTo().setRecipient(fmt::format("+47{:08}", 90'000'000 + (first + n) % load_.numbers));
      alerts[n].setText(fmt::format("{} {}", load_.prefix, first + n));
      alerts[n].setKey(fmt::format("{}-{}", load_.prefix, first + n));
      alerts[n].setSeverity(2);
    }
    const auto began = Clock::now();
    return request.send().then([this, began](capnp::Response<Intake::SubmitResults> response) {
      if (response.getProblem().size() > 0)
        kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, response.getProblem()));
      took_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
      for (auto fate : response.getFates()) ++fates_[static_cast<std::size_t>(fate.getResult())];
    });
  }

  double took(double part) {
    if (took_.empty()) return 0;
    std::sort(took_.begin(), took_.end());
    return took_[std::min(took_.size() - 1,
                          static_cast<std::size_t>(part * static_cast<double>(took_.size())))];
  }

  void report(double seconds) {
    fmt::print(
        "{{\"queued\": {}, \"cancelled\": {}, \"duplicate\": {}, \"not_sent\": {}, \"refused\": {}, "
        "\"repeats\": {}, "
        "\"per_second\": {:.0f}, \"p50_ms\": {:.2f}, \"p99_ms\": {:.2f}}}\n",
        fates_[0], fates_[1], fates_[2], fates_[3], fates_[4], repeats_, load_.alerts / seconds, took(0.5),
        took(0.99));
  }

  kj::AsyncIoContext& io_;
  kj::Timer& timer_;
  const Load& load_;
  kj::Own<Link> link_;
  unsigned next_ = 0, repeats_ = 0;
  std::array<unsigned, 5> fates_{};
  std::vector<double> took_;
};

}  // namespace

int main(int count, char** words) {
  Load load;
  CLI::App app("submits alerts at intake.sock");
  app.add_option("--socket", load.socket)->required();
  app.add_option("--prefix", load.prefix, "the beginning of texts and keys");
  app.add_option("--alerts", load.alerts);
  app.add_option("--window", load.window, "calls that are open at a time");
  app.add_option("--numbers", load.numbers, "different recipients");
  app.add_option("--per-call", load.perCall);
  app.add_option("--pause", load.pause, "ms before each call");
  CLI11_PARSE(app, count, words);
  auto io = kj::setupAsyncIo();
  Run(io, load).all();
  return 0;
}
