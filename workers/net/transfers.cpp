#include "workers/net/transfers.h"

#include <curl/curl.h>
#include <kj/debug.h>
#include <kj/mutex.h>
#include <kj/thread.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "workers/net/curl-library.h"
#include "workers/net/poller.h"
#include "workers/net/slot.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

struct Task {
  Request request;
  Exchange exchange;
  kj::Own<kj::PromiseFulfiller<Exchange>> fulfiller;  // touched by the loop's thread alone
};
using Tasks = std::vector<std::unique_ptr<Task>>;

/// Where the two threads meet.
struct Counter {
  Tasks in;
  Tasks out;
  bool stopping = false;
  bool asleep = false;                                  // the thread: it has to be woken
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> bell;  // null: the loop is awake and will look
};

/// A slot and the transfer that is on it.
struct Line {
  explicit Line(const TransferSettings& settings) : slot(settings) {}
  Slot slot;
  std::unique_ptr<Task> task;
  std::size_t place = 0;  // among the busy ones
};

}  // namespace

/// The loop's side constructs, hands over and delivers; work() and what it calls is the thread's side.
class Transfers::Impl {
 public:
  explicit Impl(TransferSettings settings);
  ~Impl();
  kj::Promise<Exchange> run(Request request);

 private:
  using Clock = Poller::Clock;
  void handOver();
  kj::Promise<void> listen();
  void deliver();

  void work();
  void begin(std::unique_ptr<Task> task);
  void collect(Tasks& done);
  void finish(Line& line, Exchange exchange, Tasks& done);
  void expire(Tasks& done);
  void note(Line& line);
  std::unique_ptr<Line> makeLine();
  void handBack(Tasks done);

  const TransferSettings settings_;
  kj::MutexGuarded<Counter> counter_;
  Tasks fresh_;  // the loop's, on their way to the thread
  kj::Promise<void> handingOver_ = kj::READY_NOW;
  Poller poller_;  // outlives the connections
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::vector<std::unique_ptr<Line>> idle_;    // the thread's
  std::vector<std::unique_ptr<Line>> busy_;    // the thread's
  std::optional<Clock::time_point> nextLook_;  // the thread's: when a deadline may be over
  kj::Promise<void> listening_;
  kj::Own<kj::Thread> thread_;
};

Transfers::Impl::Impl(TransferSettings settings)
    : settings_(std::move(settings)), multi_(nullptr, curl_multi_cleanup), listening_(nullptr) {
  initializeCurl();
  multi_.reset(curl_multi_init());
  KJ_REQUIRE(multi_ != nullptr, "libcurl has no memory");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(settings_.connections));
  curl_multi_setopt(multi_.get(), CURLMOPT_MAX_CONCURRENT_STREAMS, static_cast<long>(settings_.connections));
  poller_.watchMulti(multi_.get());
  // A missing option shows here, on the loop's thread, not with the first SMS.
  idle_.push_back(makeLine());
  listening_ =
      listen().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "transfers are not delivered", e); });
  SignalsBlocked blocked;
  thread_ = kj::heap<kj::Thread>([this]() { work(); });
}

Transfers::Impl::~Impl() {
  counter_.lockExclusive()->stopping = true;
  poller_.wake();
  thread_ = nullptr;  // joins
  for (auto& line : busy_) curl_multi_remove_handle(multi_.get(), line->slot.easy());
}

kj::Promise<Exchange> Transfers::Impl::run(Request request) {
  auto result = kj::newPromiseAndFulfiller<Exchange>();
  // At the end of the turn: what begins in the same turn goes over together.
  if (fresh_.empty()) handingOver_ = kj::evalLast([this]() { handOver(); }).eagerlyEvaluate(nullptr);
  fresh_.push_back(std::make_unique<Task>(Task{std::move(request), {}, kj::mv(result.fulfiller)}));
  return kj::mv(result.promise);
}

void Transfers::Impl::handOver() {
  bool wake = false;
  {
    auto counter = counter_.lockExclusive();
    for (auto& task : fresh_) counter->in.push_back(std::move(task));
    wake = std::exchange(counter->asleep, false);
  }
  fresh_.clear();
  if (wake) poller_.wake();
}

kj::Promise<void> Transfers::Impl::listen() {
  auto ring = kj::newPromiseAndCrossThreadFulfiller<void>();
  {
    auto counter = counter_.lockExclusive();
    if (counter->out.empty()) counter->bell = kj::mv(ring.fulfiller);
  }
  // More has come while the last was delivered.
  if (ring.fulfiller.get() != nullptr) ring.fulfiller->fulfill();
  return ring.promise.then([this]() {
    deliver();
    return listen();
  });
}

void Transfers::Impl::deliver() {
  Tasks done;
  counter_.lockExclusive()->out.swap(done);
  for (auto& task : done) task->fulfiller->fulfill(std::move(task->exchange));
}

void Transfers::Impl::work() {
  Tasks fresh, done;
  for (;;) {
    {
      auto counter = counter_.lockExclusive();
      if (counter->stopping) return;
      counter->asleep = false;
      counter->in.swap(fresh);
    }
    for (auto& task : fresh) begin(std::move(task));
    fresh.clear();
    collect(done);
    if (nextLook_ && *nextLook_ <= Clock::now()) expire(done);
    handBack(std::exchange(done, {}));
    bool more = false;
    {
      auto counter = counter_.lockExclusive();
      more = !counter->in.empty() || counter->stopping;
      counter->asleep = !more;
    }
    poller_.turn(multi_.get(), more ? std::optional(Clock::time_point::min()) : nextLook_);
  }
}

void Transfers::Impl::begin(std::unique_ptr<Task> task) {
  auto line = idle_.empty() ? makeLine() : std::move(idle_.back());
  if (!idle_.empty()) idle_.pop_back();
  line->task = std::move(task);
  line->slot.prepare(line->task->request);
  line->place = busy_.size();
  KJ_ASSERT(curl_multi_add_handle(multi_.get(), line->slot.easy()) == CURLM_OK);
  note(*line);
  busy_.push_back(std::move(line));
}

/// Remembers when the line has to be looked at. libcurl's own timers cost more than a transfer can afford:
/// each is put in order and taken out again, though hardly any is ever over.
void Transfers::Impl::note(Line& line) {
  auto next = line.slot.patience();
  if (!nextLook_ || next < *nextLook_) nextLook_ = next;
}

/// Ends what has taken too long, and finds out when to look again.
void Transfers::Impl::expire(Tasks& done) {
  auto now = Clock::now();
  nextLook_.reset();
  // From the end: finish() puts the last one in the place of the one that goes.
  for (std::size_t i = busy_.size(); i > 0; --i) {
    Line& line = *busy_[i - 1];
    if (line.slot.patience() > now) {
      note(line);
      continue;
    }
    curl_multi_remove_handle(multi_.get(), line.slot.easy());
    finish(line, line.slot.exchange(CURLE_OPERATION_TIMEDOUT), done);
  }
}

void Transfers::Impl::collect(Tasks& done) {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    void* at = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &at);
    auto& line = *static_cast<Line*>(at);
    curl_multi_remove_handle(multi_.get(), easy);
    if (code == CURLE_OK && line.slot.redirect() == Slot::Redirect::follow) {
      KJ_ASSERT(curl_multi_add_handle(multi_.get(), easy) == CURLM_OK);
      continue;
    }
    finish(line, line.slot.exchange(code), done);
  }
}

void Transfers::Impl::finish(Line& line, Exchange exchange, Tasks& done) {
  line.task->exchange = std::move(exchange);
  done.push_back(std::move(line.task));
  std::size_t place = line.place;
  idle_.push_back(std::exchange(busy_[place], std::move(busy_.back())));
  if (busy_[place] != nullptr) busy_[place]->place = place;
  busy_.pop_back();
}

std::unique_ptr<Line> Transfers::Impl::makeLine() {
  auto line = std::make_unique<Line>(settings_);
  curl_easy_setopt(line->slot.easy(), CURLOPT_PRIVATE, line.get());
  poller_.watchEasy(line->slot.easy());
  return line;
}

void Transfers::Impl::handBack(Tasks done) {
  if (done.empty()) return;
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> bell;
  {
    auto counter = counter_.lockExclusive();
    for (auto& task : done) counter->out.push_back(std::move(task));
    bell = kj::mv(counter->bell);
  }
  if (bell.get() != nullptr) bell->fulfill();
}

Transfers::Transfers(TransferSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Transfers::~Transfers() = default;
kj::Promise<Exchange> Transfers::run(Request request) { return impl_->run(std::move(request)); }

}  // namespace smsd::net
