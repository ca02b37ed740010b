// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/checked-connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include "common/kj/duration.h"
#include "common/kj/view.h"
#include "common/rpc/worker-terms.h"
#include "common/text/utf.h"

namespace smsd::check {
namespace {

constexpr Milliseconds pollEvery{50}, exitWithin{1000}, lastData{300};

std::string readWords(capnp::Text::Reader text) {
  return text::printable({text.begin(), text.size()}, proto::MAX_REASON);
}

}  // namespace

Reported readReported(proto::Outcome::Reader outcome) {
  using outcome::OutcomeKind;
  switch (outcome.which()) {
    case proto::Outcome::ACCEPTED:
      return {.kind = OutcomeKind::accepted, .words = readWords(outcome.getAccepted())};
    case proto::Outcome::REFUSED:
      return {.kind = OutcomeKind::refused, .words = readWords(outcome.getRefused())};
    case proto::Outcome::BROKEN:
      return {.kind = OutcomeKind::broken, .words = readWords(outcome.getBroken())};
    case proto::Outcome::DEFERRED: {
      auto deferred = outcome.getDeferred();
      return {.kind = OutcomeKind::deferred,
              .words = readWords(deferred.getReason()),
              .after = deferred.getAfter(),
              .notReached = deferred.getNotReached()};
    }
    case proto::Outcome::UNKNOWN:
      return {.words = readWords(outcome.getUnknown()), .notUnderstood = outcome.getNotUnderstood()};
  }
  return {.words = "an outcome of a newer version"};
}

/// Lives as long as the program holds it, which may be longer than the connection.
class CheckedConnection::Sink final : public proto::OutcomeSink::Server {
 public:
  explicit Sink(CheckedConnection& connection) : connection_(&connection) {}
  void deafen() { connection_ = nullptr; }
  void answer(ReportContext context, const std::vector<AttemptId>& begun) {
    if (connection_ != nullptr) connection_->answer(context, begun);
  }

 protected:
  kj::Promise<void> report(ReportContext context) override {
    if (connection_ != nullptr) return connection_->take(context);
    return kj::NEVER_DONE;
  }

 private:
  CheckedConnection* connection_;
};

CheckedConnection::CheckedConnection(kj::WaitScope& scope, const RunClock& clock, const RunSettings& settings,
                                     Findings& findings, Launch& launch)
    : scope_(scope),
      clock_(clock),
      settings_(settings),
      findings_(findings),
      launch_(launch),
      watch_(findings),
      sink_(nullptr),
      sinkClient_(nullptr),
      client_(nullptr),
      events_(kj::heap<kj::TaskSet>(static_cast<kj::TaskSet::ErrorHandler&>(*this))) {
  auto line = launch.connect();
  raw_ = kj::mv(line.raw);
  channel_ = rpc::Channel::connect(kj::mv(line.stream), clock.timer(), rpc::workerTerms());
  auto sink = kj::heap<Sink>(*this);
  sink_ = sink.get();
  sinkClient_ = proto::OutcomeSink::Client(kj::mv(sink));
  client_ = channel_->peer().castAs<proto::Dispatcher>();
  auto gone = [this]() {
    ended_ = true;
    changed();
  };
  events_->add(channel_->disconnected().then(kj::cp(gone)));
  events_->add(channel_->ended().then([this, gone](const rpc::Guard::End& end) {
    breach_ = end.words;
    gone();
  }));
  // The last data of a process that has ended may still be in the socket.
  events_->add(launch.child()
                   .over()
                   .then([this]() { return clock_.timer().afterDelay(duration(lastData)); })
                   .then(kj::cp(gone)));
  hearLastWords();
}

CheckedConnection::~CheckedConnection() noexcept(false) { close(); }

void CheckedConnection::close() {
  if (closing_) return;
  closing_ = true;
  sink_->deafen();
  events_ = nullptr;
  client_ = nullptr;
  channel_ = nullptr;
  raw_ = nullptr;
}

void CheckedConnection::hearLastWords() {
  events_->add(client_.lastWordsRequest().send().then(
      [this](auto response) {
        lastWord_ = LastWord{response.getCause(), readWords(response.getWords())};
        lastWordsOver_ = true;
        changed();
      },
      [this](kj::Exception&& e) {
        noLastWords_ = e.getType() == kj::Exception::Type::UNIMPLEMENTED;
        lastWordsOver_ = true;
        changed();
      }));
}

void CheckedConnection::awaitLastWords() {
  const Milliseconds end = clock_.now() + exitWithin;
  while (!lastWordsOver_ && clock_.now() < end) nextChange(end);
}

void CheckedConnection::nextChange(Milliseconds end) {
  auto pair = kj::newPromiseAndFulfiller<void>();
  changed_ = kj::mv(pair.fulfiller);
  const auto pause = std::max(Milliseconds(0), std::min(pollEvery, end - clock_.now()));
  pair.promise.exclusiveJoin(clock_.timer().afterDelay(duration(pause))).wait(scope_);
}

void CheckedConnection::changed() {
  KJ_IF_MAYBE (fulfiller, changed_) fulfiller->get()->fulfill();
}

bool CheckedConnection::untilOrEnd(const std::function<bool()>& condition, Milliseconds bound) {
  const Milliseconds end = clock_.now() + bound;
  while (!condition()) {
    if (ended_ || clock_.now() >= end) return false;
    nextChange(end);
  }
  return true;
}

bool CheckedConnection::until(const std::function<bool()>& condition, Milliseconds bound) {
  if (untilOrEnd(condition, bound)) return true;
  if (ended_) lost("stays-alive");
  return false;
}

void CheckedConnection::lost(std::string_view check) {
  Child& child = launch_.child();
  child.over().exclusiveJoin(clock_.timer().afterDelay(duration(exitWithin))).wait(scope_);
  KJ_IF_MAYBE (words, breach_) {
    findings_.note("messages", fmt::format("The connection had to be closed: {}.", *words));
    throw Undecided("the fault of `messages` has ended the connection");
  }
  std::string how = child.ended() ? fmt::format("its process ended with {}", child.endWords())
                                  : std::string("it closed the connection, and its process goes on");
  KJ_IF_MAYBE (last, lastWord_) how += fmt::format("; its last words: {}", last->words);
  if (const auto line = child.lastLine(); !line.empty()) how += fmt::format("; it wrote: {}", line);
  findings_.note(check, fmt::format("The connection ended although the check had not closed it: {}.", how));
  throw Undecided(fmt::format("the fault of `{}` has ended the connection", check));
}

CallEnd CheckedConnection::settle(kj::Promise<CallEnd> call, Milliseconds bound, std::string_view check) {
  CallEnd end = CallEnd::late;
  bool over = false;
  auto waiting = call.then([&](CallEnd how) {
                       end = how;
                       over = true;
                       changed();
                     })
                     .eagerlyEvaluate(nullptr);
  if (!untilOrEnd([&]() { return over; }, bound) && ended_) end = CallEnd::lost;
  if (end == CallEnd::lost) {
    ended_ = true;
    lost(check);
  }
  return end;
}

const Description& CheckedConnection::describe(std::string_view check) {
  auto call = client_.describeRequest().send().then([this](auto response) {
    auto said = response.getDescription();
    description_ = {.version = said.getVersion(),
                    .oldest = said.getOldest(),
                    .window = said.getWindow(),
                    .backlog = said.getBacklog(),
                    .visits = said.getVisits(),
                    .spacing = said.getSpacing(),
                    .kind = text::printable({said.getKind().begin(), said.getKind().size()}, 40),
                    .software = text::printable({said.getSoftware().begin(), said.getSoftware().size()}, 80)};
    return kj::Promise<int>(0);
  });
  switch (settle(endOf(call), settings_.startTimeout, check)) {
    case CallEnd::answered:
      break;
    case CallEnd::late:
      findings_.note(check, fmt::format("It did not answer describe() within {} ms (--start-timeout).",
                                        settings_.startTimeout.count()));
      throw Undecided("describe() was not answered");
    default:
      findings_.note(check, "The call describe() failed.");
      throw Undecided("describe() failed");
  }
  const auto rounds =
      1 +
      (description_.window == 0 ? 0 : (description_.backlog + description_.window - 1) / description_.window);
  watch_.described(description_.window, (settings_.timeout + ReportWatch::margin) *
                                            (description_.spacing > 0 ? rounds + 1 : rounds));
  described_ = true;
  return description_;
}

bool CheckedConnection::answersDescribe(Milliseconds bound) {
  bool answered = false;
  auto call = client_.describeRequest().send().then(
      [&](auto) {
        answered = true;
        changed();
      },
      [](kj::Exception&&) {});
  auto waiting = call.eagerlyEvaluate(nullptr);
  return untilOrEnd([&]() { return answered; }, bound);
}

CallEnd CheckedConnection::health(proto::Health::Which& which, std::string& broken) {
  auto call = client_.healthRequest().send().then([&](auto response) {
    which = response.getHealth().which();
    if (response.getHealth().isBroken()) broken = readWords(response.getHealth().getBroken());
    return kj::Promise<int>(0);
  });
  return settle(endOf(call), answerWithin);
}

std::string CheckedConnection::textFor(AttemptId attempt) const {
  return fmt::format("Test SMS of smsd-dispatcher-check, attempt {}", attempt);
}

void CheckedConnection::expect(AttemptId attempt, BegunAnswer leave, Milliseconds deadline) {
  watch_.handedOver(attempt, leave, deadline, clock_.now());
  channel_->earn(rpc::messagesPerSms, rpc::messagesPerSms * static_cast<double>(watch_.open()));
}

kj::Promise<CallEnd> CheckedConnection::startDispatch(const std::vector<AttemptId>& attempts,
                                                      Milliseconds deadline) {
  auto request = client_.dispatchRequest();
  auto batch = request.initBatch(static_cast<unsigned>(attempts.size()));
  for (unsigned i = 0; i < attempts.size(); ++i) {
    batch[i].setAttempt(attempts[i]);
    batch[i].setRecipient(view(settings_.recipient));
    batch[i].setText(view(textFor(attempts[i])));
    batch[i].setKey(view(fmt::format("check-{}", attempts[i])));
    batch[i].setDeadline(static_cast<std::uint32_t>(deadline.count()));
    batch[i].setParts(1);
  }
  request.setSink(sinkClient_);
  return endOf(request.send());
}

CallEnd CheckedConnection::dispatch(const std::vector<AttemptId>& attempts, BegunAnswer leave,
                                    Milliseconds deadline) {
  for (auto attempt : attempts) expect(attempt, leave, deadline);
  const CallEnd end = settle(startDispatch(attempts, deadline), answerWithin);
  if (end != CallEnd::answered) {
    findings_.note("limits", end == CallEnd::late ? "It did not return from dispatch() within 5 s."
                                                  : "dispatch() failed for a batch within its limits.");
    throw Undecided("dispatch() did not take the SMS");
  }
  return end;
}

CallEnd CheckedConnection::dispatchOverfull(const std::vector<AttemptId>& attempts) {
  for (auto attempt : attempts) watch_.overfull(attempt);
  channel_->earn(rpc::messagesPerSms * static_cast<double>(attempts.size()), 1e6);
  return settle(startDispatch(attempts, settings_.timeout), answerWithin);
}

std::vector<std::pair<AttemptId, proto::Report::Which>> CheckedConnection::recall(
    const std::vector<AttemptId>& attempts, std::vector<Reported>& outcomes) {
  std::vector<std::pair<AttemptId, proto::Report::Which>> reports;
  auto request = client_.recallRequest();
  auto list = request.initAttempts(static_cast<unsigned>(attempts.size()));
  for (unsigned i = 0; i < attempts.size(); ++i) list.set(i, attempts[i]);
  auto call = request.send().then([&](auto response) {
    for (auto report : response.getReports()) {
      reports.emplace_back(report.getAttempt(), report.which());
      outcomes.push_back(report.isOutcome() ? readReported(report.getOutcome()) : Reported{});
    }
    return kj::Promise<int>(0);
  });
  const CallEnd end = settle(endOf(call), answerWithin);
  if (end == CallEnd::answered) return reports;
  findings_.note("recall", end == CallEnd::late ? "It did not answer recall() within 5 s."
                                                : "The call recall() failed.");
  throw Undecided("recall() gave no answer");
}

kj::Promise<CallEnd> CheckedConnection::drain() { return endOf(client_.drainRequest().send()); }

CallEnd CheckedConnection::quit() {
  return settle(endOf(client_.quitRequest().send()), settings_.timeout + ReportWatch::margin);
}

void CheckedConnection::release() {
  auto next = kj::newPromiseAndFulfiller<void>();
  released_.fulfiller->fulfill();
  released_ = kj::mv(next);
  release_ = released_.promise.fork();
}

void CheckedConnection::awaitEnds() {
  while (watch_.open() > 0 && !watch_.overdue(clock_.now()))
    until([this]() { return watch_.open() == 0; }, pollEvery);
  if (watch_.noteMissing(clock_.now()) > 0) throw Undecided("an SMS has no outcome");
}

void CheckedConnection::sendGarbage() {
  const std::string bytes(4096, '\xa5');
  [[maybe_unused]] auto sent = ::send(raw_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void CheckedConnection::takeEnds(capnp::List<proto::Report>::Reader reports) {
  for (auto report : reports) {
    if (report.isOutcome())
      watch_.outcome(report.getAttempt(), readReported(report.getOutcome()), clock_.now());
    if (report.isNotBegun()) watch_.notBegun(report.getAttempt(), clock_.now());
  }
}

kj::Promise<void> CheckedConnection::take(ReportContext context) {
  auto reports = context.getParams().getReports();
  if (reports.size() == 0) watch_.emptyReport();
  takeEnds(reports);
  std::vector<AttemptId> begun;
  bool held = false;
  for (auto report : reports) {
    if (!report.isBegun()) continue;
    const AttemptId id = report.getAttempt();
    watch_.begun(id, clock_.now());
    begun.push_back(id);
    const Attempt* attempt = watch_.find(id);
    held = held || (attempt != nullptr && attempt->held());
  }
  changed();
  if (!held) return answer(context, begun), kj::READY_NOW;
  // The sink lives as long as this call, which may be longer than the connection.
  return release_.addBranch().then([sink = sink_, context, begun]() { sink->answer(context, begun); });
}

void CheckedConnection::answer(ReportContext context, const std::vector<AttemptId>& begun) {
  std::vector<AttemptId> withheld;
  for (auto id : begun) {
    const Attempt* attempt = watch_.find(id);
    // An SMS that this check did not hand over, or of a batch above the limits, must not be sent.
    if (attempt == nullptr || attempt->withheld()) withheld.push_back(id);
    watch_.answered(id, clock_.now());
  }
  auto list = context.getResults().initWithheld(static_cast<unsigned>(withheld.size()));
  for (unsigned i = 0; i < withheld.size(); ++i) list.set(i, withheld[i]);
}

}  // namespace smsd::check
