#include "supervisor/keeper/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "common/text/utf.h"

namespace smsd::keeper {
namespace {

constexpr int channelNumber = 3;  // descriptor numbers in the child
constexpr int configNumber = 4;
constexpr unsigned mostWindow = 4096;
// A worker keeps its own deadline and says `unknown` half a second after it; one that is this much later is hung.
constexpr auto margin = 3 * kj::SECONDS;
constexpr auto patience = 1 * kj::SECONDS;  // between the end of a connection and the end of its process, or the other way round

kj::Duration duration(Milliseconds value) { return static_cast<std::uint64_t>(value.count()) * kj::MILLISECONDS; }
kj::StringPtr view(const std::string& text) { return kj::StringPtr(text.c_str(), text.size()); }

std::string safe(capnp::Text::Reader text) {
  return text::printable(std::string_view(text.begin(), text.size()), proto::MAX_REASON);
}

Outcome read(proto::Outcome::Reader outcome) {
  switch (outcome.which()) {
    case proto::Outcome::ACCEPTED: return {OutcomeKind::accepted, safe(outcome.getAccepted())};
    case proto::Outcome::REFUSED: return {OutcomeKind::refused, safe(outcome.getRefused())};
    case proto::Outcome::DEFERRED:
      return {OutcomeKind::deferred, safe(outcome.getDeferred().getReason()), Milliseconds(outcome.getDeferred().getAfter())};
    case proto::Outcome::BROKEN: return {OutcomeKind::broken, safe(outcome.getBroken())};
    case proto::Outcome::UNKNOWN: return {OutcomeKind::unknown, safe(outcome.getUnknown())};
  }
  return {OutcomeKind::unknown, "an outcome of a kind that is not in the contract"};
}

kj::AutoCloseFd openConfig(const SpawnPlan& plan) {
  kj::AutoCloseFd fd(open(plan.config.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw std::system_error(errno, std::generic_category(), plan.config.string());
  return fd;
}

}  // namespace

Command configuredCommand(const SpawnPlan& plan, int configFd) {
  return {.program = plan.program,
          .arguments = {"--name", plan.name, "--config-name", plan.config.string(), "--config-fd", std::to_string(configNumber)},
          .descriptors = {{configFd, configNumber}},
          .folder = {}};
}

/// The capability the worker reports to. It outlives the Worker when the RPC system still holds it: then it is deaf.
class Worker::Sink final : public proto::OutcomeSink::Server {
 public:
  explicit Sink(Worker& worker) : worker_(&worker) {}
  void deafen() { worker_ = nullptr; }

 protected:
  kj::Promise<void> report(ReportContext context) override {
    if (worker_ != nullptr) worker_->take(context.getParams());
    return kj::READY_NOW;
  }

 private:
  Worker* worker_;
};

Worker::Worker(kj::AsyncIoContext& io, const SpawnPlan& plan, Milliseconds startTimeout, Milliseconds timeout,
               WorkerEvents& events)
    : timer_(io.provider->getTimer()), timeout_(timeout), events_(events), lastHeard_(timer_.now()), tasks_(*this) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  kj::AutoCloseFd ours(pair[0]), theirs(pair[1]);
  kj::AutoCloseFd config = openConfig(plan);
  Command command = configuredCommand(plan, config.get());
  command.arguments.insert(command.arguments.end(), {"--channel-fd", std::to_string(channelNumber)});
  command.descriptors.emplace_back(theirs.get(), channelNumber);
  command.folder = plan.folder;
  process_ = kj::heap<Process>(io.unixEventPort, command);
  theirs = nullptr;

  channel_ = rpc::Channel::connect(io.lowLevelProvider->wrapSocketFd(
      kj::mv(ours), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK));
  auto sink = kj::heap<Sink>(*this);
  sink_ = sink.get();
  sinkClient_ = proto::OutcomeSink::Client(kj::mv(sink));
  auto client = channel_->peer().castAs<proto::Dispatcher>();

  // A worker that gives up ends the connection first and itself a moment later: its exit status says more than ours would.
  tasks_.add(channel_->disconnected().then([this]() { return timer_.afterDelay(patience); }).then([this]() {
    end("the connection to the worker was lost");
  }));
  tasks_.add(process_->ended().then([this](ProcessEnd ended) {
    exit_ = ended.words();
    goneSoon();
  }));
  tasks_.add(timer_.timeoutAfter(duration(startTimeout), client.describeRequest().send())
                 .then(
                     [this](auto response) {
                       auto said = response.getDescription();
                       if (said.getVersion() != proto::VERSION)
                         return breach(fmt::format("the worker speaks version {} of the contract, smsd {}", said.getVersion(),
                                                   proto::VERSION));
                       if (said.getWindow() < 1 || said.getWindow() > mostWindow || said.getBacklog() > mostWindow)
                         return breach("a window beyond all bounds");
                       WorkerTraits traits{said.getWindow(), said.getBacklog(), said.getKnowsKeys(), {}};
                       for (auto part : said.getLock())
                         if (traits.lock.size() < 16) traits.lock.push_back(text::printable(std::string_view(part.begin(), part.size()), 40));
                       events_.workerReady(traits);
                     },
                     [this](kj::Exception&& e) {
                       if (e.getType() == kj::Exception::Type::DISCONNECTED) return;  // its end is on its way
                       end(e.getType() == kj::Exception::Type::OVERLOADED ? "not ready within start_timeout"
                                                                          : "the worker could not describe itself");
                     }));
  client_ = kj::mv(client);
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
    list[i].setEncoding(submission.sms.encoding == Encoding::gsm7 ? proto::Encoding::GSM7 : proto::Encoding::UCS2);
    list[i].setParts(static_cast<std::uint16_t>(submission.sms.parts));
    out_.emplace(submission.attempt, Out{Begun::no, timer_.now()});
  }
  lastHeard_ = timer_.now();
  request.setSink(KJ_ASSERT_NONNULL(sinkClient_));
  tasks_.add(request.send().ignoreResult().catch_([this](kj::Exception&& e) {
    if (e.getType() != kj::Exception::Type::DISCONNECTED) breach("the worker did not take a batch that fits its window");
  }));
  watchDeadlines();
}

kj::Promise<void> Worker::drain() {
  return KJ_ASSERT_NONNULL(client_).drainRequest().send().ignoreResult();
}

void Worker::end(const std::string& why) {
  if (why_.empty() && exit_.empty()) why_ = why;
  process_->kill(SIGKILL);
}

void Worker::take(proto::OutcomeSink::ReportParams::Reader params) {
  if (gone_ || breached_) return;
  lastHeard_ = timer_.now();
  std::vector<AttemptOutcome> outcomes;
  for (auto report : params.getReports()) {
    auto found = out_.find(report.getAttempt());
    if (found == out_.end()) {
      breach("a report for an attempt that is not out");
      break;
    }
    if (report.isBegun()) {
      found->second = {Begun::yes, timer_.now()};
      continue;
    }
    Outcome outcome = read(report.getOutcome());
    if (found->second.begun == Begun::no && outcome.kind != OutcomeKind::deferred) {
      breach("an outcome for an attempt that was never begun");
      break;
    }
    outcomes.push_back({found->first, std::move(outcome), found->second.begun});
    out_.erase(found);
  }
  if (!outcomes.empty()) events_.workerReported(std::move(outcomes));
}

void Worker::breach(const std::string& what) {
  if (breached_ || gone_) return;
  breached_ = true;
  why_ = what;
  process_->kill(SIGKILL);
}

/// Runs only while something is out.
void Worker::watchDeadlines() {
  if (watching_ || out_.empty() || gone_) return;
  watching_ = true;
  tasks_.add(timer_.afterDelay(kj::SECONDS).then([this]() {
    watching_ = false;
    auto now = timer_.now();
    auto limit = duration(timeout_) + margin;
    bool hung = !out_.empty() && now - lastHeard_ > limit;
    for (auto& [attempt, out] : out_) hung = hung || (out.begun == Begun::yes && now - out.since > limit);
    if (hung) end("no answer within the timeout: the worker hangs");
    watchDeadlines();
  }));
}

/// The process has ended; what it wrote before may still be in the socket, and the end of that is the disconnect.
void Worker::goneSoon() {
  tasks_.add(channel_->disconnected().exclusiveJoin(timer_.afterDelay(patience)).then([this]() {
    return kj::evalLater([this]() { gone(); });
  }));
}

void Worker::gone() {
  if (std::exchange(gone_, true)) return;
  std::vector<AttemptOutcome> lost;
  for (auto& [attempt, out] : out_) {
    bool begun = out.begun == Begun::yes;
    lost.push_back({attempt, {begun ? OutcomeKind::unknown : OutcomeKind::deferred, "the worker is gone: " + exit_}, out.begun});
  }
  out_.clear();
  std::string why = why_.empty() ? exit_ : why_ + " (" + exit_ + ")";
  events_.workerGone(why, std::move(lost), breached_);
}

void Worker::taskFailed(kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) breach("a call that failed");
}

}  // namespace smsd::keeper
