#include "workers/net/transfers.h"

#include <curl/curl.h>
#include <kj/debug.h>
#include <kj/mutex.h>
#include <kj/thread.h>

#include <algorithm>
#include <utility>

#include "workers/net/curl-library.h"
#include "workers/net/slot.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

constexpr auto longestPoll = 60s;

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
  kj::Promise<void> listen();
  void deliver();

  void work();
  void begin(std::unique_ptr<Task> task);
  void collect(Tasks& done);
  std::unique_ptr<Line> makeLine();
  void handBack(Tasks done);

  const TransferSettings settings_;
  kj::MutexGuarded<Counter> counter_;
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::vector<std::unique_ptr<Line>> idle_;  // the thread's
  std::vector<std::unique_ptr<Line>> busy_;  // the thread's
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
  // A missing option shows here, on the loop's thread, not with the first SMS.
  idle_.push_back(makeLine());
  listening_ =
      listen().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "transfers are not delivered", e); });
  SignalsBlocked blocked;
  thread_ = kj::heap<kj::Thread>([this]() { work(); });
}

Transfers::Impl::~Impl() {
  counter_.lockExclusive()->stopping = true;
  curl_multi_wakeup(multi_.get());
  thread_ = nullptr;  // joins
  for (auto& line : busy_) curl_multi_remove_handle(multi_.get(), line->slot.easy());
}

kj::Promise<Exchange> Transfers::Impl::run(Request request) {
  auto result = kj::newPromiseAndFulfiller<Exchange>();
  auto task = std::make_unique<Task>(Task{std::move(request), {}, kj::mv(result.fulfiller)});
  bool first = false;
  {
    auto counter = counter_.lockExclusive();
    first = counter->in.empty();
    counter->in.push_back(std::move(task));
  }
  if (first) curl_multi_wakeup(multi_.get());
  return kj::mv(result.promise);
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
  for (;;) {
    Tasks fresh;
    {
      auto counter = counter_.lockExclusive();
      if (counter->stopping) return;
      counter->in.swap(fresh);
    }
    for (auto& task : fresh) begin(std::move(task));
    int running = 0;
    KJ_ASSERT(curl_multi_perform(multi_.get(), &running) == CURLM_OK);
    Tasks done;
    collect(done);
    handBack(std::move(done));
    constexpr int wait = std::chrono::milliseconds(longestPoll).count();
    KJ_ASSERT(curl_multi_poll(multi_.get(), nullptr, 0, wait, nullptr) == CURLM_OK);
  }
}

void Transfers::Impl::begin(std::unique_ptr<Task> task) {
  auto line = idle_.empty() ? makeLine() : std::move(idle_.back());
  if (!idle_.empty()) idle_.pop_back();
  line->task = std::move(task);
  line->slot.prepare(line->task->request);
  line->place = busy_.size();
  KJ_ASSERT(curl_multi_add_handle(multi_.get(), line->slot.easy()) == CURLM_OK);
  busy_.push_back(std::move(line));
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
    line.task->exchange = line.slot.exchange(code);
    done.push_back(std::move(line.task));
    std::size_t place = line.place;
    idle_.push_back(std::exchange(busy_[place], std::move(busy_.back())));
    if (busy_[place] != nullptr) busy_[place]->place = place;
    busy_.pop_back();
  }
}

std::unique_ptr<Line> Transfers::Impl::makeLine() {
  auto line = std::make_unique<Line>(settings_);
  curl_easy_setopt(line->slot.easy(), CURLOPT_PRIVATE, line.get());
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
