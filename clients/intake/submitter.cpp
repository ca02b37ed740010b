// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/submitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <system_error>

#include "clients/submission/alert-records.h"
#include "common/fault.h"
#include "common/kj/view.h"

namespace smsd::webintake {
namespace {

constexpr auto firstDelay = 50 * kj::MILLISECONDS, longestDelay = 2 * kj::SECONDS;
constexpr std::uint32_t retryLater = 5;  // seconds, for clients while smsd is away
constexpr const char* isAway = "smsd cannot be reached";

std::string wordsOf(const kj::Exception& fault) {
  switch (fault.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return "smsd ended the connection; its journal has the reason";
    case kj::Exception::Type::UNIMPLEMENTED:
      return "smsd is of an older version than smsd-intake: restart smsd, so that the newer one runs";
    case kj::Exception::Type::OVERLOADED:
      return fmt::format("smsd did not answer within {} s", Submitter::patience / kj::SECONDS);
    case kj::Exception::Type::FAILED:
      break;
  }
  return "smsd did not answer: " + faultOf(fault);
}

/// Whether one call of submit() was too small for the alert: smsd takes so many messages in a call at most,
/// and a group makes many of one alert.
bool leftOut(const shapes::WebFate& fate) {
  return fate.result == shapes::WebFate::Result::refused && fate.refusal == shapes::WebFate::Refusal::rate;
}

bool allHaveKeys(const std::vector<shapes::IncomingAlert>& alerts) {
  return std::none_of(alerts.begin(), alerts.end(), [](const auto& alert) { return alert.key.empty(); });
}

}  // namespace

/// The alerts of one request.
struct Submitter::Job {
  std::vector<shapes::IncomingAlert> alerts;
  std::string label;
  kj::Own<kj::PromiseFulfiller<shapes::SubmissionResult>> answered;
  std::vector<shapes::WebFate> fates = {};
  std::deque<std::size_t> unsent = {};  // alerts that are in no call and have no fate
  std::size_t open = 0;                 // alerts in calls
  std::size_t bytes = 0;
  unsigned attempt = 0, leftOut = 0;
  bool divisible = false, done = false;

  void putAll() {
    unsent.resize(alerts.size());
    std::iota(unsent.begin(), unsent.end(), std::size_t(0));
  }
};

/// A part of a request that is in one call.
struct Submitter::Piece {
  std::shared_ptr<Job> job;
  unsigned attempt;  // of the job; an answer to an earlier attempt has no meaning any more
  std::vector<std::size_t> alerts = {};

  bool isCurrent() const { return !job->done && attempt == job->attempt; }
};

struct Submitter::Call {
  std::vector<Piece> pieces;
  std::size_t alerts = 0, bytes = 0;
  std::uint64_t connection = 0;
};

Submitter::Submitter(kj::Timer& timer, Connector connector)
    : timer_(timer),
      connector_(kj::mv(connector)),
      lostAt_(timer.now()),
      nextTry_(timer.now()),
      delay_(firstDelay),
      again_(timer, [this]() { work(); }),
      tasks_(*this) {}

Submitter::~Submitter() = default;

kj::Promise<shapes::SubmissionResult> Submitter::submit(std::vector<shapes::IncomingAlert> alerts,
                                                        std::string label) {
  if (alerts.empty()) return shapes::SubmissionResult{};
  auto answer = kj::newPromiseAndFulfiller<shapes::SubmissionResult>();
  auto job = std::make_shared<Job>(Job{std::move(alerts), std::move(label), kj::mv(answer.fulfiller)});
  for (const auto& alert : job->alerts) job->bytes += submission::bytesOf(alert, job->label);
  job->divisible = allHaveKeys(job->alerts);
  if (!job->divisible && (job->alerts.size() > shapes::maxTogether || job->bytes > shapes::maxCallBytes))
    return shapes::SubmissionResult{"too much at once for alerts without keys", retryLater, {}};
  if (waitingBytes_ + job->bytes > mostWaitingBytes)
    return shapes::SubmissionResult{"too many alerts wait for smsd", retryLater, {}};
  job->fates.resize(job->alerts.size());
  job->putAll();
  waitingBytes_ += job->bytes;
  waiting_.push_back(job);
  work();
  return kj::mv(answer.promise);
}

kj::Promise<Readiness> Submitter::ready() {
  if (!connect()) return Readiness{isAway, retryLater};
  const auto connection = connection_;
  auto asked = KJ_ASSERT_NONNULL(smsd_).smsd.readyRequest().send();
  return timer_.timeoutAfter(5 * kj::SECONDS, kj::mv(asked))
      .then(
          [](auto response) {
            return Readiness{response.getProblem().cStr(), response.getRetryAfter()};
          },
          [this, connection](kj::Exception&& fault) {
            if (connection == connection_) lose(wordsOf(fault));
            return Readiness{isAway, retryLater};
          });
}

/// Whether there is a connection now. Tries to connect if the time for that has come.
bool Submitter::connect() {
  if (smsd_ != nullptr) return true;
  if (timer_.now() < nextTry_) return false;
  try {
    auto channel = connector_();
    const auto connection = ++connection_;
    tasks_.add(channel->disconnected().then([this, connection]() {
      if (connection == connection_) lose("smsd ended the connection; its journal has the reason");
    }));
    auto smsd = channel->peer().castAs<proto::Intake>();
    smsd_ = Connection{kj::mv(channel), kj::mv(smsd)};
    delay_ = firstDelay;
    setAway({});
    return true;
  } catch (const std::system_error& e) {
    lose(e.code().message());
  }
  return false;
}

void Submitter::setAway(const std::string& why) {
  if (why == away_) return;
  away_ = why;
  changed_();
}

/// Not connected any more, or still not.
void Submitter::lose(const std::string& why) {
  if (away_.empty()) lostAt_ = timer_.now();
  setAway(why);
  ++connection_;
  KJ_IF_MAYBE (lost, smsd_) {
    // It may be its own promise that ends now.
    tasks_.add(kj::evalLater([lost = kj::mv(*lost)]() {}));
    smsd_ = nullptr;
  }
  nextTry_ = timer_.now() + delay_;
  delay_ = std::min(2 * delay_, longestDelay);
  again_.at(nextTry_);
}

void Submitter::work() {
  while (!waiting_.empty() && calls_ < mostCalls) {
    if (!connect()) {
      if (timer_.now() - lostAt_ >= ridesOut) failAllWaiting();
      return;
    }
    send(nextCall());
  }
}

/// Takes as many waiting alerts as fit. There is at least one request.
kj::Own<Submitter::Call> Submitter::nextCall() {
  auto call = kj::heap<Call>();
  call->connection = connection_;
  while (!waiting_.empty()) {
    auto job = waiting_.front();
    const bool first = job->unsent.size() == job->alerts.size();
    if (!job->divisible && first && call->alerts > 0 &&
        (call->alerts + job->alerts.size() > shapes::maxTogether ||
         call->bytes + job->bytes > shapes::maxCallBytes))
      break;
    Piece piece{job, job->attempt};
    while (!job->unsent.empty() && call->alerts < shapes::maxTogether) {
      const std::size_t bytes = submission::bytesOf(job->alerts[job->unsent.front()], job->label);
      if (call->alerts > 0 && call->bytes + bytes > shapes::maxCallBytes) break;
      call->bytes += bytes;
      ++call->alerts;
      piece.alerts.push_back(job->unsent.front());
      job->unsent.pop_front();
    }
    if (piece.alerts.empty()) break;
    job->open += piece.alerts.size();
    call->pieces.push_back(std::move(piece));
    if (!job->unsent.empty()) break;
    waiting_.pop_front();
  }
  return call;
}

void Submitter::send(kj::Own<Call> call) {
  auto request = KJ_ASSERT_NONNULL(smsd_).smsd.submitRequest();
  auto list = request.initAlerts(static_cast<unsigned>(call->alerts));
  unsigned at = 0;
  for (const auto& piece : call->pieces)
    for (const std::size_t one : piece.alerts)
      submission::write(piece.job->alerts[one], piece.job->label, list[at++]);
  ++calls_;
  Call& sent = *call;
  tasks_.add(timer_.timeoutAfter(patience, request.send())
                 .then([this, &sent](auto response) { took(sent, response); },
                       [this, &sent](kj::Exception&& fault) { broke(sent, wordsOf(fault)); })
                 .attach(kj::mv(call))
                 .then([this]() { work(); }));
}

void Submitter::took(Call& call, proto::Intake::SubmitResults::Reader results) {
  --calls_;
  std::string problem = results.getProblem().cStr();
  const auto fates = results.getFates();
  if (problem.empty() && fates.size() != call.alerts) problem = "smsd did not answer for each alert";
  bool tookSome = false;
  for (const auto fate : fates) tookSome = tookSome || fate.getResult() != proto::Fate::Result::REFUSED;
  unsigned first = 0;
  for (auto& piece : call.pieces) {
    const unsigned at = first;
    first += static_cast<unsigned>(piece.alerts.size());
    if (!piece.isCurrent()) continue;
    piece.job->open -= piece.alerts.size();
    if (problem.empty())
      settle(piece, fates, at, tookSome);
    else
      finish(*piece.job, problem, results.getRetryAfter());
  }
}

/// Takes the fates of a piece, which begin at `at`. Alerts that were left out of a call with others are
/// submitted again.
void Submitter::settle(Piece& piece, capnp::List<proto::Fate>::Reader fates, unsigned at, bool tookSome) {
  Job& job = *piece.job;
  bool again = false;
  for (const std::size_t one : piece.alerts) {
    job.fates[one] = submission::fateOf(fates[at++]);
    if (!tookSome || !leftOut(job.fates[one]) || job.leftOut >= mostLeftOut) continue;
    job.unsent.push_back(one);
    again = true;
  }
  if (again) {
    ++job.leftOut;
    if (std::find(waiting_.begin(), waiting_.end(), piece.job) == waiting_.end())
      waiting_.push_front(piece.job);
  } else if (job.open == 0 && job.unsent.empty()) {
    finish(job, {}, 0);
  }
}

/// It is not known whether smsd has the alerts of the call.
void Submitter::broke(Call& call, const std::string& why) {
  --calls_;
  if (call.connection == connection_) lose(why);
  for (auto piece = call.pieces.rbegin(); piece != call.pieces.rend(); ++piece) {
    if (!piece->isCurrent()) continue;
    Job& job = *piece->job;
    if (!job.divisible || job.attempt > 0) {
      finish(job, isAway, retryLater);
      continue;
    }
    // All of its alerts again: those that smsd has are duplicates.
    ++job.attempt, job.open = 0;
    job.putAll();
    ++repeated_;
    if (std::find(waiting_.begin(), waiting_.end(), piece->job) == waiting_.end())
      waiting_.push_front(piece->job);
  }
}

void Submitter::finish(Job& job, const std::string& problem, std::uint32_t retryAfter) {
  if (job.done) return;
  job.done = true;
  waitingBytes_ -= job.bytes;
  const auto place =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) { return one.get() == &job; });
  std::shared_ptr<Job> kept;
  if (place != waiting_.end()) {
    kept = *place;
    waiting_.erase(place);
  }
  shapes::SubmissionResult result{problem, retryAfter, {}};
  if (problem.empty()) result.fates = std::move(job.fates);
  job.answered->fulfill(kj::mv(result));
}

void Submitter::failAllWaiting() {
  while (!waiting_.empty()) {
    const auto job = waiting_.front();
    finish(*job, isAway, retryLater);
  }
}

}  // namespace smsd::webintake
