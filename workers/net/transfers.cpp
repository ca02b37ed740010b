// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/transfers.h"

#include <curl/curl.h>
#include <kj/debug.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "workers/net/curl-library.h"
#include "workers/net/names.h"
#include "workers/net/poller.h"
#include "workers/net/slot.h"

namespace smsd::net {
namespace {

using Clock = Poller::Clock;

/// A slot and its current transfer.
struct TransferSlot {
  explicit TransferSlot(const TransferSettings& settings) : slot(settings) {}
  Slot slot;
  Request request;
  kj::Own<kj::PromiseFulfiller<Exchange>> fulfiller;
  std::size_t place = 0;  // index in busy_
};

}  // namespace

class Transfers::Impl final : private kj::TaskSet::ErrorHandler {
 public:
  Impl(TransferSettings settings, kj::AsyncIoContext& io);
  ~Impl() noexcept(false);
  kj::Promise<Exchange> run(Request request);

 private:
  using Fulfiller = kj::Own<kj::PromiseFulfiller<Exchange>>;
  void aim(const std::string& url);
  void begin(Request request, const HostAddresses& found, Fulfiller fulfiller);
  kj::Promise<void> lookUp(Request request, Fulfiller fulfiller);
  void taskFailed(kj::Exception&& exception) override;
  kj::Promise<void> watch();
  void driveSoon();
  kj::Promise<void> goOn();
  enum class Left { something, nothing };
  Left drive();
  void collect();
  void finish(TransferSlot& transfer, Exchange exchange);
  void expire();
  void note(TransferSlot& transfer);
  void setAlarm();
  std::unique_ptr<TransferSlot> makeSlot();

  const TransferSettings settings_;
  kj::Timer& timer_;
  Names names_;
  std::string origin_;  // scheme://host:port for which host_ was set
  Host host_;           // the host to look up: the gateway, or the proxy in front of it
  Poller poller_;       // declared before multi_, so that it outlives the connections
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::vector<std::unique_ptr<TransferSlot>> idle_;
  std::vector<std::unique_ptr<TransferSlot>> busy_;
  std::optional<Clock::time_point> nextLook_;  // when to check the deadlines next
  std::optional<Clock::time_point> alarmAt_;
  bool driving_ = false;
  kj::Promise<void> drive_ = kj::READY_NOW;
  kj::Promise<void> alarm_ = kj::READY_NOW;
  kj::Promise<void> watching_;
  kj::TaskSet lookUps_;
};

Transfers::Impl::Impl(TransferSettings settings, kj::AsyncIoContext& io)
    : settings_(std::move(settings)),
      timer_(io.provider->getTimer()),
      poller_(io.unixEventPort),
      multi_(nullptr, curl_multi_cleanup),
      watching_(nullptr),
      lookUps_(*this) {
  initializeCurl();
  multi_.reset(curl_multi_init());
  KJ_REQUIRE(multi_ != nullptr, "libcurl has no memory");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(settings_.connections));
  curl_multi_setopt(multi_.get(), CURLMOPT_MAX_CONCURRENT_STREAMS, static_cast<long>(settings_.connections));
  poller_.watchMulti(multi_.get());
  // Made now, so that an option that libcurl lacks fails here, not with the first SMS.
  idle_.push_back(makeSlot());
  watching_ = watch().eagerlyEvaluate(
      [](kj::Exception&& e) { KJ_LOG(ERROR, "transfers are not watched any more", e); });
}

Transfers::Impl::~Impl() noexcept(false) {
  for (auto& transfer : busy_) curl_multi_remove_handle(multi_.get(), transfer->slot.easy());
}

kj::Promise<Exchange> Transfers::Impl::run(Request request) {
  auto result = kj::newPromiseAndFulfiller<Exchange>();
  aim(request.url);
  HostAddresses found;
  if (!host_.name.empty()) found = names_.known(host_);
  if (host_.name.empty() || !found.entry.empty())
    begin(std::move(request), found, kj::mv(result.fulfiller));
  else
    lookUps_.add(lookUp(std::move(request), kj::mv(result.fulfiller)));
  return kj::mv(result.promise);
}

/// Sets host_ to the host that has to be looked up for `url`. All requests go to one gateway, so it seldom
/// changes.
void Transfers::Impl::aim(const std::string& url) {
  if (!origin_.empty() && url.compare(0, origin_.size(), origin_) == 0 &&
      (url.size() == origin_.size() || url[origin_.size()] == '/' || url[origin_.size()] == '?'))
    return;
  const std::size_t scheme = url.find("://");
  const std::size_t start = scheme == std::string::npos ? 0 : scheme + 3;
  origin_ = url.substr(0, std::min(url.find_first_of("/?#", start), url.size()));
  host_ = hostToLookUp(settings_.proxy.url.empty() ? origin_ : settings_.proxy.url);
}

void Transfers::Impl::begin(Request request, const HostAddresses& found, Fulfiller fulfiller) {
  auto transfer = idle_.empty() ? makeSlot() : std::move(idle_.back());
  if (!idle_.empty()) idle_.pop_back();
  transfer->request = std::move(request);
  transfer->fulfiller = kj::mv(fulfiller);
  transfer->slot.know(found);
  transfer->slot.prepare(transfer->request);
  transfer->place = busy_.size();
  KJ_ASSERT(curl_multi_add_handle(multi_.get(), transfer->slot.easy()) == CURLM_OK);
  note(*transfer);
  busy_.push_back(std::move(transfer));
  driveSoon();
}

/// Looks up host_, then begins the request. The lookup is bounded by the connect time-out, and its time
/// counts towards the deadline of the request.
kj::Promise<void> Transfers::Impl::lookUp(Request request, Fulfiller fulfiller) {
  auto found = kj::newPromiseAndCrossThreadFulfiller<HostAddresses>();
  // Shared, because std::function copies its content.
  auto shared =
      std::make_shared<kj::Own<kj::CrossThreadPromiseFulfiller<HostAddresses>>>(kj::mv(found.fulfiller));
  names_.ask(host_, [shared](HostAddresses answer) { (*shared)->fulfill(std::move(answer)); });
  auto patience = std::min(request.deadline, settings_.connectTimeout);
  auto late = timer_.afterDelay(std::max<std::int64_t>(patience.count(), 1) * kj::MILLISECONDS).then([]() {
    return HostAddresses{{}, "no connection in time"};
  });
  auto asked = Clock::now();
  return found.promise.exclusiveJoin(kj::mv(late))
      .then([this, asked, patience, request = std::move(request),
             fulfiller = kj::mv(fulfiller)](const HostAddresses& answer) mutable {
        auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - asked);
        if (!answer.entry.empty()) {
          request.deadline = std::max(request.deadline - took, Milliseconds(1));
          return begin(std::move(request), answer, kj::mv(fulfiller));
        }
        Exchange exchange;
        exchange.failure = took >= patience ? Failure::timeout : Failure::unreachable;
        exchange.sent = Sent::nothing;
        exchange.detail = answer.problem;
        fulfiller->fulfill(std::move(exchange));
      });
}

void Transfers::Impl::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "a name is not looked up", exception);
}

kj::Promise<void> Transfers::Impl::watch() {
  return poller_.news().then([this]() {
    driveSoon();
    return watch();
  });
}

/// Drives libcurl at the end of the turn, so that all requests of one turn begin together.
void Transfers::Impl::driveSoon() {
  if (std::exchange(driving_, true)) return;
  drive_ = kj::evalLast([this]() { return goOn(); }).eagerlyEvaluate([](kj::Exception&& e) {
    KJ_LOG(FATAL, "transfers do not go on", e);
    std::abort();  // a silent worker that sends nothing is worse than none
  });
}

/// Drives until nothing is left. Between two drives the loop handles its other events.
kj::Promise<void> Transfers::Impl::goOn() {
  if (drive() == Left::something)
    return timer_.afterDelay(0 * kj::NANOSECONDS).then([this]() { return goOn(); });
  driving_ = false;
  setAlarm();
  return kj::READY_NOW;
}

Transfers::Impl::Left Transfers::Impl::drive() {
  // A second turn, because news() resolves only after a turn that found nothing.
  bool more = poller_.turn(multi_.get()) && poller_.turn(multi_.get());
  collect();
  auto now = Clock::now();
  if (nextLook_ && *nextLook_ <= now) expire();
  return more || (poller_.due() && *poller_.due() <= now) ? Left::something : Left::nothing;
}

void Transfers::Impl::setAlarm() {
  auto next = poller_.due();
  if (nextLook_ && (!next || *nextLook_ < *next)) next = nextLook_;
  if (!next || (alarmAt_ && *alarmAt_ <= *next)) return;  // the set alarm is early enough and sets the next
  alarmAt_ = next;
  // Rounded up, because an alarm that fires too early has to be set again.
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
  alarm_ = timer_.afterDelay(std::max<std::int64_t>(left, 0) * kj::MILLISECONDS).then([this]() {
    alarmAt_.reset();
    driveSoon();
  });
  alarm_ = kj::mv(alarm_).eagerlyEvaluate(nullptr);
}

/// Remembers when the time-outs of `transfer` have to be checked. Used instead of libcurl's own timers, which
/// are too expensive: libcurl inserts and removes each in order, although hardly any ever expires.
void Transfers::Impl::note(TransferSlot& transfer) {
  auto next = transfer.slot.patience();
  if (!nextLook_ || next < *nextLook_) nextLook_ = next;
}

/// Ends the transfers that have timed out, and sets the time of the next check.
void Transfers::Impl::expire() {
  auto now = Clock::now();
  nextLook_.reset();
  // From the end, because finish() moves the last busy slot to the index of the finished slot.
  for (std::size_t i = busy_.size(); i > 0; --i) {
    TransferSlot& transfer = *busy_[i - 1];
    if (transfer.slot.patience() > now) {
      note(transfer);
      continue;
    }
    curl_multi_remove_handle(multi_.get(), transfer.slot.easy());
    finish(transfer, transfer.slot.exchange(CURLE_OPERATION_TIMEDOUT));
  }
}

void Transfers::Impl::collect() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    void* at = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &at);
    auto& transfer = *static_cast<TransferSlot*>(at);
    curl_multi_remove_handle(multi_.get(), easy);
    if (code == CURLE_OK && transfer.slot.redirect() == Slot::Redirect::follow) {
      KJ_ASSERT(curl_multi_add_handle(multi_.get(), easy) == CURLM_OK);
      continue;
    }
    finish(transfer, transfer.slot.exchange(code));
  }
}

void Transfers::Impl::finish(TransferSlot& transfer, Exchange exchange) {
  auto fulfiller = kj::mv(transfer.fulfiller);
  std::size_t place = transfer.place;
  idle_.push_back(std::exchange(busy_[place], std::move(busy_.back())));
  if (busy_[place] != nullptr) busy_[place]->place = place;
  busy_.pop_back();
  fulfiller->fulfill(std::move(exchange));
}

std::unique_ptr<TransferSlot> Transfers::Impl::makeSlot() {
  auto transfer = std::make_unique<TransferSlot>(settings_);
  curl_easy_setopt(transfer->slot.easy(), CURLOPT_PRIVATE, transfer.get());
  poller_.watchEasy(transfer->slot.easy());
  return transfer;
}

Transfers::Transfers(TransferSettings settings, kj::AsyncIoContext& io)
    : impl_(std::make_unique<Impl>(std::move(settings), io)) {}
Transfers::~Transfers() = default;
kj::Promise<Exchange> Transfers::run(Request request) { return impl_->run(std::move(request)); }

}  // namespace smsd::net
