// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsd/one-shot.h"

#include <fmt/format.h>
#include <kj/async-io.h>
#include <sysexits.h>
#include <unistd.h>

#include <optional>

#include "common/fault.h"
#include "common/io/output.h"
#include "common/journal/journal.h"
#include "common/text/utf.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/control/client.h"
#include "supervisor/control/test-report.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/cancel-steps.h"
#include "supervisor/startup/exit-status.h"
#include "supervisor/startup/start-up.h"

namespace smsd {
namespace {

using control::Client;
using control::Unreachable;
using proto::Control;

constexpr std::size_t longestNumber = 64;  // characters of a recipient in an entry; a longer one is refused

/// Returns a client of the running daemon, if there is one.
std::optional<Client> daemon(const config::Config& config) {
  std::optional<Client> client;
  try {
    client.emplace(config.controlSocket);
  } catch (const Unreachable& e) {
    // A daemon may be there, so do nothing past it.
    if (e.why() == Unreachable::Why::denied)
      throw startup::StartUpError(EX_NOPERM, std::string(e.what()) + "\n");
    if (e.why() == Unreachable::Why::inDoubt)
      throw startup::StartUpError(EX_TEMPFAIL, std::string(e.what()) + "\n");
  }
  return client;
}

[[noreturn]] void silent(const kj::Exception& e) {
  throw startup::StartUpError(EX_TEMPFAIL, control::noAnswer(e) + "\n");
}

template <typename F>
auto atTheQueue(const config::Config& config, F function) {
  try {
    return function(*config::openExistingQueue(config));
  } catch (const queue::QueueError& e) {
    throw startup::StartUpError(startup::exitStatus(e), std::string(e.what()) + "\n");
  }
}

queue::Cancelled cancelThrough(Client& client) {
  auto request = client.control().cancelRequest();
  request.setListed(proto::MAX_LISTED);
  auto response =
      client.wait<capnp::Response<Control::CancelResults>>(request.send(), control::queuePatience);
  if (const auto error = control::queueError(response.getFault(), response.getProblem()))
    throw startup::StartUpError(startup::exitStatus(*error), std::string(error->what()) + "\n");
  if (response.getProblem().size() > 0)  // of a daemon of an older version
    throw startup::StartUpError(EX_TEMPFAIL, std::string(response.getProblem().cStr()) + "\n");
  queue::Cancelled cancelled;
  cancelled.count = response.getCount();
  for (auto one : response.getMessages()) {
    auto& message = cancelled.messages.emplace_back();
    message.id = one.getId();
    message.recipient = one.getRecipient().cStr();
    message.user = one.getUser().cStr();
    if (one.getSeverity() > 0) message.severity = one.getSeverity();
    message.time = one.getTime().cStr();
  }
  return cancelled;
}

void print(const queue::Cancelled& cancelled) {
  io::print(fmt::format("{} unsent message{} ignored{}\n", cancelled.count, cancelled.count == 1 ? "" : "s",
                        cancelled.count == 0 ? "" : ":"));
  for (const auto& message : cancelled.messages)
    io::print(fmt::format("  {} to {} of {}, {}{}\n", message.id, text::printable(message.recipient, 64),
                          message.time,
                          message.user.empty() ? "no account" : text::printable(message.user, 64),
                          message.severity ? fmt::format(", severity {}", *message.severity) : ""));
  if (cancelled.messages.size() < cancelled.count)
    io::print(fmt::format("  and {} more\n", cancelled.count - cancelled.messages.size()));
}

/// The time for everything that may happen to a test SMS, and for the report.
kj::Duration patienceFor(const config::Config& config) {
  kj::Duration patience = 30 * kj::SECONDS;
  for (const auto& dispatcher : config.dispatchers)
    patience +=
        2 * (dispatcher.timeout + dispatcher.startTimeout).count() * kj::MILLISECONDS + 40 * kj::SECONDS;
  return patience;
}

road::TestSmsReport testThrough(Client& client, const config::Config& config, const Arguments& arguments) {
  auto request = client.control().testRequest();
  request.setRecipient(arguments.phone);
  request.setText(arguments.text);
  return control::read(
      client.wait<capnp::Response<Control::TestResults>>(request.send(), patienceFor(config)));
}

/// The dispatchers without a road: they carry test SMS and nothing else.
class StandaloneDispatchers final : public keeper::DispatcherEvents {
 public:
  StandaloneDispatchers(kj::AsyncIoContext& io, const config::Config& config,
                        std::vector<keeper::SpawnPlan> plans)
      : log_(config.log.recipient),
        dispatchers_(io.provider->getTimer()),
        testSms_(io.provider->getTimer(), dispatchers_, config.formatting,
                 [](const keeper::Keeper&) { return true; }) {
    road::Keepers keepers;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const auto& entry = config.dispatchers[i];
      keepers.push_back(std::make_unique<keeper::Keeper>(io, entry, std::move(plans[i]),
                                                         dispatchers_.indexOf(entry.name), log_, *this));
    }
    dispatchers_.use(std::move(keepers));
    for (auto& keeper : dispatchers_) keeper->start();
  }
  road::TestSms& testSms() { return testSms_; }

 private:
  void dispatcherReported(std::size_t, std::vector<delivery::AttemptOutcome> outcomes) override {
    testSms_.reported(outcomes);
  }
  void dispatcherChanged(std::size_t) override { testSms_.pump(); }
  bool mayBegin() const override { return true; }

  events::EventLog log_;
  road::DispatcherSet dispatchers_;
  road::TestSms testSms_;
};

/// Works without a daemon; the lock ensures that no smsd is using the dispatchers.
road::TestSmsReport testAlone(const Arguments& arguments) {
  const config::Config config = usableConfig(arguments, config::Reach::dispatcherFiles);
  auto plans = startup::planWorkers(config);
  auto io = kj::setupAsyncIo();
  const auto instance = startup::takeInstance(config.stateDirectory);
  startup::checkDispatchers(io, plans);
  StandaloneDispatchers dispatchers(io, config, std::move(plans));
  const auto patience = patienceFor(config);
  using MaybeReport = std::optional<road::TestSmsReport>;
  auto report =
      dispatchers.testSms()
          .run({arguments.phone, arguments.text, {}})
          .then([](road::TestSmsReport done) { return MaybeReport(std::move(done)); })
          .exclusiveJoin(io.provider->getTimer().afterDelay(patience).then([]() { return MaybeReport(); }))
          .wait(io.waitScope);
  if (!report)
    throw startup::StartUpError(
        EX_TEMPFAIL,
        fmt::format("no dispatcher reported a result within {} seconds: the SMS may have been sent; "
                    "the journal has their results\n",
                    patience / kj::SECONDS));
  return *std::move(report);
}

/// Returns none if no daemon runs. An error of the connection is the daemon's silence.
std::optional<road::TestSmsReport> testByDaemon(const config::Config& config, const Arguments& arguments) {
  auto client = daemon(config);
  if (!client) return std::nullopt;
  try {
    return testThrough(*client, config, arguments);
  } catch (const kj::Exception& e) {
    silent(e);
  }
}

}  // namespace

config::Config usableConfig(const Arguments& arguments, config::Reach reach) {
  auto read = config::readConfig(arguments.config, reach, arguments.overrides);
  if (!read.problems.empty()) throw startup::StartUpError(EX_CONFIG, config::describe(read.problems));
  return std::move(read.config);
}

int cancelAll(const Arguments& arguments) {
  const config::Config config = usableConfig(arguments, config::Reach::valuesOnly);
  try {
    if (auto client = daemon(config)) {
      print(cancelThrough(*client));
      return EX_OK;
    }
  } catch (const kj::Exception& e) {
    silent(e);
  }
  queue::Cancelled cancelled;
  const auto error = atTheQueue(config, [&cancelled](queue::Queue& queue) {
    return queue::cancelInSteps(queue, {}, proto::MAX_LISTED, cancelled);
  });
  journal::openForCommand("smsd");
  if (!error || cancelled.count > 0)
    events::EventLog(config.log.recipient).operatorCancelled({}, cancelled, getuid());
  print(cancelled);
  if (error) throw startup::StartUpError(startup::exitStatus(*error), std::string(error->what()) + "\n");
  return EX_OK;
}

int sendTest(const Arguments& arguments) {
  const config::Config config = usableConfig(arguments, config::Reach::valuesOnly);
  const auto throughDaemon = testByDaemon(config, arguments);
  const road::TestSmsReport report = throughDaemon ? *throughDaemon : testAlone(arguments);
  if (!throughDaemon)
    events::EventLog(config.log.recipient)
        .operatorTested(text::printable(arguments.phone, longestNumber), control::inBrief(report), getuid());
  if (!report.problem.empty()) throw startup::StartUpError(EX_DATAERR, control::describe(report));
  io::print(control::describe(report));
  return report.accepted() ? EX_OK : EX_UNAVAILABLE;
}

int enqueueTest(const Arguments& arguments) {
  const config::Config config = usableConfig(arguments, config::Reach::valuesOnly);
  // Without a severity, as in NAV: it goes after every alert.
  const auto ids = atTheQueue(config, [&](queue::Queue& queue) {
    return queue.insert({{.account = arguments.account,
                          .recipient = arguments.phone,
                          .text = text::repair(arguments.text),
                          .severity = std::nullopt}});
  });
  io::print(fmt::format("test message {} is in the queue\n", ids.at(0)));
  try {
    if (auto client = daemon(config))
      client->wait<void>(client->control().nudgeRequest().send().ignoreResult());
  } catch (const startup::StartUpError&) {
    // This user may not use the daemon: its poll will find the message.
  } catch (const kj::Exception&) {
  }
  return EX_OK;
}

}  // namespace smsd
