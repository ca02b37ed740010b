// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "common/kj/duration.h"
#include "common/kj/view.h"
#include "common/rpc/worker-terms.h"
#include "supervisor/delivery/attempt-ids.h"
#include "supervisor/keeper/worker-messages.h"

namespace smsd::keeper {
namespace {

// A worker keeps its own deadline and reports `unknown` half a second after it. If it is this much late, it
// hangs.
constexpr auto margin = 3 * kj::SECONDS;
constexpr auto watchEvery = 1 * kj::SECONDS;
constexpr auto lastReports = 1 * kj::SECONDS;   // for reading the last reports of a process that ended
constexpr auto answerWithin = 5 * kj::SECONDS;  // for a call that the worker can answer without waiting
constexpr const char* connectionLost = "the connection to the worker was lost";
constexpr auto leavesWithin = 5 * kj::SECONDS;  // from the return of quit() to the end of the process

}  // namespace

/// The capability to which the worker reports. If the RPC system still holds it after the Worker is gone, it
/// ignores reports.
class Worker::Sink final : public proto::OutcomeSink::Server {
 public:
  explicit Sink(Worker& worker) : worker_(&worker) {}
  void deafen() { worker_ = nullptr; }

 protected:
  kj::Promise<void> report(ReportContext context) override {
    if (worker_ != nullptr) return worker_->take(context);
    return kj::NEVER_DONE;
  }

 private:
  Worker* worker_;
};

Worker::Worker(kj::Own<Link> link, kj::Timer& timer, const config::Kind& kind, Milliseconds startTimeout,
               Milliseconds timeout, WorkerEvents& events)
    : timer_(timer),
      kind_(kind),
      timeout_(timeout),
      events_(events),
      link_(kj::mv(link)),
      channel_(rpc::Channel::connect(link_->stream(), timer, rpc::workerTerms())),
      lastHeard_(timer_.now()),
      tasks_(*this) {
  auto sink = kj::heap<Sink>(*this);
  sink_ = sink.get();
  sinkClient_ = proto::OutcomeSink::Client(kj::mv(sink));
  client_ = channel_->peer().castAs<proto::Dispatcher>();

  tasks_.add(
      channel_->disconnected().then([this]() { return timer_.afterDelay(link_->patience()); }).then([this]() {
        end(lastWords_.empty() ? connectionLost : lastWords_);
      }));
  tasks_.add(link_->ended().then([this](LinkEnd end) {
    if (end.unprovoked && why_.empty()) {
      breached_ = true;
      why_ = "it sent bytes that are no message, or a message beyond all bounds";
    }
    exit_ = kj::mv(end.words);
    lookAt_ = kj::mv(end.lookAt);
    goneSoon();
  }));
  tasks_.add(channel_->ended().then([this](const rpc::Guard::End& end) { breach(end.words); }));
  introduce(startTimeout);
  hearLastWords();
}

/// Waits for the worker's reason to end by itself. A worker of an older version does not have this call. If
/// the worker cannot start, its connection is closed at once; a child is left to exit by itself, because its
/// exit status explains more.
void Worker::hearLastWords() {
  auto said = KJ_ASSERT_NONNULL(client_).lastWordsRequest().send().then(
      [this](auto response) {
        if (gone_ || breached_ || ended_) return;
        lastWords_ = readText(response.getWords());
        events_.workerEnds(readCause(response.getCause()));
        if (response.getCause() == proto::Cause::CANNOT_START && link_->pid() == 0) end("");
      },
      [](kj::Exception&&) {});
  tasks_.add(kj::mv(said));
}

/// A worker is ready once it has described itself and reported its health. If it reports `broken`, it gets no
/// SMS.
void Worker::introduce(Milliseconds startTimeout) {
  auto introduced = KJ_ASSERT_NONNULL(client_).describeRequest().send().then(
      [this](auto response) -> kj::Promise<HealthReport> {
        described(response.getDescription());
        if (breached_) return kj::NEVER_DONE;
        return health();
      });
  tasks_.add(timer_.timeoutAfter(duration(startTimeout), kj::mv(introduced))
                 .then(
                     [this](const HealthReport& health) {
                       if (!gone_ && !breached_ && !ended_) events_.workerReady(traits_, health);
                     },
                     [this](kj::Exception&& e) {
                       if (e.getType() == kj::Exception::Type::DISCONNECTED) return;  // its end follows
                       end(e.getType() == kj::Exception::Type::OVERLOADED
                               ? "not ready within start_timeout"
                               : "the worker could not describe itself");
                     }));
}

void Worker::described(proto::Description::Reader said) {
  KJ_IF_MAYBE (words, versionsApart(said)) return breach(*words);
  auto granted = grant({readKind(said), said.getWindow(), said.getBacklog(), Milliseconds(said.getSpacing())},
                       kind_, timeout_);
  if (auto* words = std::get_if<std::string>(&granted)) return breach(*words);
  auto& [window, backlog, beginWithin] = std::get<Granted>(granted);
  beginWithin_ = beginWithin;
  traits_ = {window,
             backlog,
             said.getKnowsKeys(),
             readLock(said),
             said.getVisits(),
             Milliseconds(said.getSpacing()),
             readSoftware(said)};
}

Worker::~Worker() noexcept(false) { sink_->deafen(); }

void Worker::dispatch(const std::vector<const queue::Submission*>& batch) {
  auto request = KJ_ASSERT_NONNULL(client_).dispatchRequest();
  auto list = request.initBatch(batch.size());
  for (unsigned i = 0; i < batch.size(); ++i) {
    const queue::Submission& submission = *batch[i];
    list[i].setAttempt(submission.attempt);
    list[i].setRecipient(view(submission.recipient));
    list[i].setText(view(submission.sms.text));
    list[i].setKey(view(submission.key));
    list[i].setDeadline(static_cast<std::uint32_t>(timeout_.count()));
    list[i].setEncoding(submission.sms.encoding == format::Encoding::gsm7 ? proto::Encoding::GSM7
                                                                          : proto::Encoding::UCS2);
    list[i].setParts(static_cast<std::uint16_t>(submission.sms.parts));
    out_.emplace(submission.attempt, Out{delivery::Begun::no, timer_.now()});
  }
  lastHeard_ = timer_.now();
  channel_->earn(rpc::messagesPerSms * static_cast<double>(batch.size()),
                 rpc::messagesPerSms * static_cast<double>(out_.size()));
  request.setSink(KJ_ASSERT_NONNULL(sinkClient_));
  tasks_.add(request.send().ignoreResult().catch_([this](kj::Exception&& e) {
    if (e.getType() != kj::Exception::Type::DISCONNECTED)
      breach("the worker did not accept SMS that fit its window");
  }));
  watchDeadlines();
}

kj::Promise<std::vector<Recalled>> Worker::recall(const std::vector<queue::AttemptId>& attempts) {
  auto request = KJ_ASSERT_NONNULL(client_).recallRequest();
  auto list = request.initAttempts(attempts.size());
  for (unsigned i = 0; i < attempts.size(); ++i) list.set(i, attempts[i]);
  return timer_.timeoutAfter(answerWithin, request.send()).then([this, attempts](auto response) {
    std::vector<Recalled> known;
    std::unordered_set<queue::AttemptId> asked(attempts.begin(), attempts.end());
    for (auto report : response.getReports()) {
      if (asked.erase(report.getAttempt()) == 0) {
        breach("it reported a former attempt that smsd had not requested");
        break;
      }
      switch (report.which()) {
        case proto::Report::BEGUN:
          known.push_back({report.getAttempt(), nullptr});
          break;
        case proto::Report::OUTCOME:
          known.push_back({report.getAttempt(), readOutcome(report)});
          break;
        case proto::Report::NOT_BEGUN:
          known.push_back({report.getAttempt(), givenBack(), delivery::Begun::no});
          break;
      }
    }
    return known;
  });
}

kj::Promise<HealthReport> Worker::health() {
  // Waits in two halves. If smsd itself slept (a stopped process, a suspended host), the answer may be in the
  // socket already, and is found within the second half.
  auto late = timer_.afterDelay(answerWithin / 2).then([this]() {
    return timer_.afterDelay(answerWithin / 2).then([]() -> HealthReport {
      kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "no answer in time"));
    });
  });
  return KJ_ASSERT_NONNULL(client_)
      .healthRequest()
      .send()
      .then([this](auto response) -> kj::Promise<HealthReport> {
        KJ_IF_MAYBE (report, readHealth(response.getHealth())) return kj::mv(*report);
        breach("a health report that cannot be read");
        return kj::NEVER_DONE;
      })
      .exclusiveJoin(kj::mv(late));
}

kj::Promise<void> Worker::drain() {
  drained_ = true;
  return KJ_ASSERT_NONNULL(client_).drainRequest().send().ignoreResult();
}

kj::Promise<void> Worker::quit() {
  drained_ = true;
  return KJ_ASSERT_NONNULL(client_).quitRequest().send().then(
      [this](auto) -> kj::Promise<void> { return timer_.afterDelay(leavesWithin); },
      [this](kj::Exception&& e) -> kj::Promise<void> {
        if (e.getType() != kj::Exception::Type::UNIMPLEMENTED) return kj::mv(e);
        events_.workerStays();
        return drain();
      });
}

void Worker::end(const std::string& why) {
  if (why_.empty() && exit_.empty()) why_ = why;
  ended_ = true;
  link_->end();
}

/// Resolves when the worker may begin the SMS that it announced.
kj::Promise<void> Worker::take(ReportContext context) {
  if (gone_ || breached_) return kj::NEVER_DONE;
  std::vector<delivery::AttemptOutcome> outcomes;
  std::vector<queue::AttemptId> announced, withheld;
  try {
    auto reports = context.getParams().getReports();
    if (reports.size() == 0) breach("an empty report");
    outcomes.reserve(std::min<std::size_t>(reports.size(), out_.size()));
    for (auto report : reports) {
      if (report.isBegun())
        announced.push_back(report.getAttempt());
      else if (!takeOutcome(report, outcomes))
        break;
    }
  } catch (const kj::Exception&) {
    breach("a report that cannot be read");
  }
  if (std::exchange(declined_, false)) events_.workerDeclined();
  // Outcomes first, because after them another dispatcher may be better for an SMS that is only announced.
  if (!outcomes.empty()) events_.workerReported(std::move(outcomes));
  for (auto attempt : announced)
    if (breached_ || ended_ || !takeBegun(attempt, withheld)) break;
  if (breached_ || ended_) return kj::NEVER_DONE;
  if (!withheld.empty()) {
    auto list = context.getResults().initWithheld(withheld.size());
    for (unsigned i = 0; i < withheld.size(); ++i) list.set(i, withheld[i]);
    std::erase_if(announced, [&](auto attempt) {
      return std::find(withheld.begin(), withheld.end(), attempt) != withheld.end();
    });
  }
  if (!announced.empty()) events_.workerBegan(announced);
  return kj::READY_NOW;
}

/// Returns false if this worker has to end.
bool Worker::takeOutcome(proto::Report::Reader report, std::vector<delivery::AttemptOutcome>& outcomes) {
  auto found = out_.find(report.getAttempt());
  if (found == out_.end()) {
    breach("a report for an attempt that is not under way");
    return false;
  }
  auto& [attempt, out] = *found;
  if (report.isNotBegun()) {
    // Correct even after `begun`: the worker announced the SMS, and did not touch it after all.
    outcomes.push_back({attempt, givenBack(), delivery::Begun::no});
    declined_ = declined_ || (!out.withheld && !drained_);
  } else if (out.begun == delivery::Begun::no) {
    breach("an outcome for an attempt that was never begun");
    return false;
  } else {
    outcomes.push_back({attempt, readOutcome(report), delivery::Begun::yes, since(out.since)});
  }
  out_.erase(found);
  lastHeard_ = timer_.now();
  return true;
}

/// Returns false if this worker has to end.
bool Worker::takeBegun(queue::AttemptId attempt, std::vector<queue::AttemptId>& withheld) {
  auto found = out_.find(attempt);
  if (found == out_.end() || found->second.begun == delivery::Begun::yes) {
    breach(found == out_.end() ? "a report for an attempt that is not under way"
                               : "an attempt was begun twice");
    return false;
  }
  lastHeard_ = timer_.now();
  Leave leave = events_.mayBegin(attempt);
  // A test SMS needs no claim.
  if (leave == Leave::revoked && isIn(delivery::AttemptRange::testSms, attempt)) leave = Leave::granted;
  switch (leave) {
    case Leave::granted:
      found->second = {delivery::Begun::yes, timer_.now()};
      return true;
    case Leave::withheld:
      withheld.push_back(attempt);
      found->second.withheld = true;
      return true;
    case Leave::revoked:
      end("the lease expired before it had begun its SMS");
      return false;
  }
  return false;
}

void Worker::breach(const std::string& what) {
  if (breached_ || gone_) return;
  breached_ = true;
  why_ = what;
  link_->end();
}

/// Runs only while attempts are in flight. Time that smsd itself slept (a stopped process, a suspended host)
/// does not count against the worker.
void Worker::watchDeadlines() {
  if (watching_ || out_.empty() || gone_) return;
  watching_ = true;
  auto due = timer_.now() + watchEvery;
  tasks_.add(timer_.atTime(due).then([this, due]() {
    watching_ = false;
    auto now = timer_.now();
    if (auto slept = now - due; slept > watchEvery) {
      lastHeard_ += slept;
      for (auto& [attempt, out] : out_) out.since += slept;
    }
    auto limit = duration(timeout_) + margin;
    bool hung = !out_.empty() && now - lastHeard_ > limit;
    for (auto& [attempt, out] : out_)
      hung = hung || (out.begun == delivery::Begun::yes && now - out.since > limit);
    if (hung) end("no answer within the timeout: the worker hangs");
    auto begin = duration(beginWithin_);
    for (auto& [attempt, out] : out_)
      if (!hung && out.begun == delivery::Begun::no && now - out.since > begin)
        breach(fmt::format("an SMS was not begun within {} s", beginWithin_ / std::chrono::seconds(1)));
    watchDeadlines();
  }));
}

/// The process has ended. Its last data may still be in the socket, and ends with the disconnect.
void Worker::goneSoon() {
  tasks_.add(channel_->disconnected().exclusiveJoin(timer_.afterDelay(lastReports)).then([this]() {
    return kj::evalLater([this]() { gone(); });
  }));
}

void Worker::gone() {
  if (std::exchange(gone_, true)) return;
  if (why_.empty()) why_ = lastWords_;
  std::string why = why_.empty() ? exit_ : exit_.empty() ? why_ : why_ + " (" + exit_ + ")";
  // The reason is only in the journal of its unit: it could not be executed, or it crashed.
  if (why_ == connectionLost && !lookAt_.empty()) why += "; see " + lookAt_;
  std::vector<delivery::AttemptOutcome> lost;
  for (auto& [attempt, out] : out_) {
    bool begun = out.begun == delivery::Begun::yes;
    lost.push_back({attempt,
                    {begun ? delivery::OutcomeKind::unknown : delivery::OutcomeKind::deferred,
                     "the worker is gone: " + (exit_.empty() ? why : exit_),
                     {}},
                    out.begun,
                    begun ? since(out.since) : Milliseconds(0)});
  }
  out_.clear();
  events_.workerGone(why, std::move(lost), breached_ ? Conduct::breach : Conduct::proper);
}

void Worker::taskFailed(kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) breach("a call that failed");
}

}  // namespace smsd::keeper
