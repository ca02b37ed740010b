#include "workers/net/transfers.h"

#include <curl/curl.h>
#include <kj/debug.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "workers/net/curl-library.h"
#include "workers/net/poller.h"
#include "workers/net/slot.h"

namespace smsd::net {
namespace {

using Clock = Poller::Clock;

/// A slot and the transfer that is on it.
struct Line {
  explicit Line(const TransferSettings& settings) : slot(settings) {}
  Slot slot;
  Request request;
  kj::Own<kj::PromiseFulfiller<Exchange>> fulfiller;
  std::size_t place = 0;  // among the busy ones
};

}  // namespace

class Transfers::Impl {
 public:
  Impl(TransferSettings settings, kj::AsyncIoContext& io);
  ~Impl();
  kj::Promise<Exchange> run(Request request);

 private:
  kj::Promise<void> watch();
  void driveSoon();
  kj::Promise<void> goOn();
  enum class Left { something, nothing };
  Left drive();
  void collect();
  void finish(Line& line, Exchange exchange);
  void expire();
  void note(Line& line);
  void setAlarm();
  std::unique_ptr<Line> makeLine();

  const TransferSettings settings_;
  kj::Timer& timer_;
  Poller poller_;  // outlives the connections
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::vector<std::unique_ptr<Line>> idle_;
  std::vector<std::unique_ptr<Line>> busy_;
  std::optional<Clock::time_point> nextLook_;  // when a deadline may be over
  std::optional<Clock::time_point> alarmAt_;
  bool driving_ = false;
  kj::Promise<void> drive_ = kj::READY_NOW;
  kj::Promise<void> alarm_ = kj::READY_NOW;
  kj::Promise<void> watching_;
};

Transfers::Impl::Impl(TransferSettings settings, kj::AsyncIoContext& io)
    : settings_(std::move(settings)),
      timer_(io.provider->getTimer()),
      poller_(io.unixEventPort),
      multi_(nullptr, curl_multi_cleanup),
      watching_(nullptr) {
  initializeCurl();
  multi_.reset(curl_multi_init());
  KJ_REQUIRE(multi_ != nullptr, "libcurl has no memory");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(settings_.connections));
  curl_multi_setopt(multi_.get(), CURLMOPT_MAX_CONCURRENT_STREAMS, static_cast<long>(settings_.connections));
  poller_.watchMulti(multi_.get());
  // A missing option shows here, not with the first SMS.
  idle_.push_back(makeLine());
  watching_ = watch().eagerlyEvaluate(
      [](kj::Exception&& e) { KJ_LOG(ERROR, "transfers are not watched any more", e); });
}

Transfers::Impl::~Impl() {
  for (auto& line : busy_) curl_multi_remove_handle(multi_.get(), line->slot.easy());
}

kj::Promise<Exchange> Transfers::Impl::run(Request request) {
  auto line = idle_.empty() ? makeLine() : std::move(idle_.back());
  if (!idle_.empty()) idle_.pop_back();
  auto result = kj::newPromiseAndFulfiller<Exchange>();
  line->request = std::move(request);
  line->fulfiller = kj::mv(result.fulfiller);
  line->slot.prepare(line->request);
  line->place = busy_.size();
  KJ_ASSERT(curl_multi_add_handle(multi_.get(), line->slot.easy()) == CURLM_OK);
  note(*line);
  busy_.push_back(std::move(line));
  driveSoon();
  return kj::mv(result.promise);
}

kj::Promise<void> Transfers::Impl::watch() {
  return poller_.news().then([this]() {
    driveSoon();
    return watch();
  });
}

/// At the end of the turn: what begins in the same turn begins together.
void Transfers::Impl::driveSoon() {
  if (std::exchange(driving_, true)) return;
  drive_ = kj::evalLast([this]() { return goOn(); }).eagerlyEvaluate([](kj::Exception&& e) {
    KJ_LOG(FATAL, "transfers do not go on", e);
    std::abort();  // a worker that sends nothing and says nothing is worse than none
  });
}

/// Until nothing is left; between one drive and the next the loop hears what else there is.
kj::Promise<void> Transfers::Impl::goOn() {
  if (drive() == Left::something)
    return timer_.afterDelay(0 * kj::NANOSECONDS).then([this]() { return goOn(); });
  driving_ = false;
  setAlarm();
  return kj::READY_NOW;
}

Transfers::Impl::Left Transfers::Impl::drive() {
  // News come only to who has seen that there was nothing.
  bool more = poller_.turn(multi_.get()) && poller_.turn(multi_.get());
  collect();
  auto now = Clock::now();
  if (nextLook_ && *nextLook_ <= now) expire();
  return more || (poller_.due() && *poller_.due() <= now) ? Left::something : Left::nothing;
}

void Transfers::Impl::setAlarm() {
  auto next = poller_.due();
  if (nextLook_ && (!next || *nextLook_ < *next)) next = nextLook_;
  if (!next || (alarmAt_ && *alarmAt_ <= *next)) return;  // what is set is early enough, and sets the next
  alarmAt_ = next;
  // Rounded up: to wake before it is due would be to wake twice.
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
  alarm_ = timer_.afterDelay(std::max<std::int64_t>(left, 0) * kj::MILLISECONDS).then([this]() {
    alarmAt_.reset();
    driveSoon();
  });
  alarm_ = kj::mv(alarm_).eagerlyEvaluate(nullptr);
}

/// Remembers when the line has to be looked at. libcurl's own timers cost more than a transfer can afford:
/// each is put in order and taken out again, though hardly any is ever over.
void Transfers::Impl::note(Line& line) {
  auto next = line.slot.patience();
  if (!nextLook_ || next < *nextLook_) nextLook_ = next;
}

/// Ends what has taken too long, and finds out when to look again.
void Transfers::Impl::expire() {
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
    finish(line, line.slot.exchange(CURLE_OPERATION_TIMEDOUT));
  }
}

void Transfers::Impl::collect() {
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
    finish(line, line.slot.exchange(code));
  }
}

void Transfers::Impl::finish(Line& line, Exchange exchange) {
  auto fulfiller = kj::mv(line.fulfiller);
  std::size_t place = line.place;
  idle_.push_back(std::exchange(busy_[place], std::move(busy_.back())));
  if (busy_[place] != nullptr) busy_[place]->place = place;
  busy_.pop_back();
  fulfiller->fulfill(std::move(exchange));
}

std::unique_ptr<Line> Transfers::Impl::makeLine() {
  auto line = std::make_unique<Line>(settings_);
  curl_easy_setopt(line->slot.easy(), CURLOPT_PRIVATE, line.get());
  poller_.watchEasy(line->slot.easy());
  return line;
}

Transfers::Transfers(TransferSettings settings, kj::AsyncIoContext& io)
    : impl_(std::make_unique<Impl>(std::move(settings), io)) {}
Transfers::~Transfers() = default;
kj::Promise<Exchange> Transfers::run(Request request) { return impl_->run(std::move(request)); }

}  // namespace smsd::net
