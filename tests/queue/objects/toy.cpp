// SPDX-License-Identifier: GPL-3.0-or-later
// A shared object for the tests of its loading: a queue that holds nothing, and throws what its connection
// names. Built several times, right and wrong: WRONG_API, WRONG_INTERFACE, WRONG_SYMBOL, TOY_THROWS_AT_ONCE,
// TOY_EXITS_AT_ONCE.
#include <unistd.h>

#include <stdexcept>

#include "supervisor/queue/queue-object.h"

namespace {

using namespace smsd::queue;
using Kind = QueueError::Kind;

class ToyQueue : public Queue {
 public:
  explicit ToyQueue(std::string connection) : connection_(std::move(connection)) {}

  SupervisorId enlist(const std::string&, Duration) override { return 1; }
  void renew() override { throw QueueError(Kind::fenced, "fenced by the toy"); }
  std::vector<Submission> takeOver() override { throw std::runtime_error("no QueueError, hunter2"); }
  void retire() override {}
  ClaimResult claim(const ClaimRequest& request) override {
    ClaimResult result;
    result.submissions.emplace_back().sms = request.format({{1, connection_, 1}});
    return result;
  }
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>&) override { return {}; }
  SettleResult settle(const std::vector<Settlement>&) override { return {}; }
  int newsFd() override { return -1; }
  bool takeNews() override { return false; }
  Cancelled cancelAndList(Duration, std::size_t) override { return {}; }
  std::vector<StoredMessage> messages(SentStatus, std::size_t) override { return {}; }
  std::vector<StoredMessage> messagesOf(const std::string&, SentStatus) override { return {}; }
  std::vector<std::string> recipients(SentStatus) override { return {connection_}; }
  std::vector<smsd::format::MessageId> insert(const std::vector<NewMessage>&) override { return {}; }
  std::size_t setStatus(smsd::format::MessageId, SentStatus, int) override { return 0; }
  std::vector<HeldSms> held(std::size_t) override { throw 42; }
  std::size_t release(SubmissionId) override {
    throw QueueError(Kind::busy, "two\nlines \x1b[31m" + std::string(5000, 'x'));
  }
  std::size_t discard(SubmissionId) override { return 0; }
  WaitsEnded endWaits(const Whom&) override { return {}; }
  std::optional<MessageLife> explain(smsd::format::MessageId, Duration) override { return std::nullopt; }
  Purge purge(Duration, std::size_t) override { return Purge::done; }
  Depth depth(std::uint64_t) override { return {}; }

 private:
  std::string connection_;
};

std::unique_ptr<Queue> openToy(const std::string& connection) {
  if (connection == "nothing") return nullptr;
  if (connection == "a number") throw 42;
  if (connection == "refused") throw QueueError(Kind::denied, "not for you");
  return std::make_unique<ToyQueue>(connection);
}

// Code that runs while the object is loaded.
[[maybe_unused]] int atOnce() {
#if defined(TOY_THROWS_AT_ONCE)
  throw std::runtime_error("hunter2");
#elif defined(TOY_EXITS_AT_ONCE)
  _exit(0);
#endif
  return 0;
}
[[maybe_unused]] const int loaded = atOnce();

#ifdef TOY_INSTALLS
InstallReport installToy(const std::string& connection, const InstallOptions& options) {
  if (connection == "a number") throw 42;
  return {{"the toy " + connection}, options.role, {}};
}
#else
constexpr InstallReport (*installToy)(const std::string&, const InstallOptions&) = nullptr;
#endif

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default"))) const QueueObject
#if defined(WRONG_API)
EXPORTED smsd_queue = {queueApi + 1, queueInterface, openToy, installToy};
#elif defined(WRONG_INTERFACE)
EXPORTED smsd_queue = {queueApi, "g++ 99, libstdc++ 99,\nheaders of another day", openToy, installToy};
#elif defined(WRONG_SYMBOL)
EXPORTED another_queue = {queueApi, queueInterface, openToy, installToy};
#else
SMSD_QUEUE(openToy, installToy);
#endif
