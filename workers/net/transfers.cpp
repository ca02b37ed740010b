#include "workers/net/transfers.h"

#include <curl/curl.h>
#include <kj/debug.h>
#include <kj/mutex.h>
#include <kj/thread.h>

#include <algorithm>
#include <array>
#include <utility>

#include "workers/net/curl-library.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

// Shorter than what gateways keep alive (Apache: 5 s), so that a request seldom meets a connection that is
// just being closed.
constexpr auto longestIdle = 4s;
// No gateway needs more to say what it has to say; the rest of an answer is not waited for.
constexpr std::size_t mostBody = 64 << 10;
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

/// An easy handle and the transfer that is on it.
struct Slot {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), curl_easy_cleanup};
  std::unique_ptr<Task> task;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{nullptr, curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> error{};
  int requests = 0;      // begun; libcurl makes a second one when a kept-alive connection dies
  int status = 0;        // once the headers have come whole
  std::size_t body = 0;  // bytes so far
};

template <typename T>
void set(const Slot& slot, CURLoption option, T value) {
  CURLcode code = curl_easy_setopt(slot.easy.get(), option, value);
  KJ_REQUIRE(code == CURLE_OK, "libcurl lacks an option", int(option), curl_easy_strerror(code));
}

int onRequest(void* at, char*, char*, int, int) {
  return static_cast<Slot*>(at)->requests++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::size_t onHeader(char* line, std::size_t size, std::size_t count, void* at) {
  auto& slot = *static_cast<Slot*>(at);
  if (line[0] != '\r' && line[0] != '\n') return size * count;
  long status = 0;
  curl_easy_getinfo(slot.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200) slot.status = static_cast<int>(status);  // 1xx: another set of headers follows
  return size * count;
}

std::size_t onBody(char*, std::size_t size, std::size_t count, void* at) {
  auto& slot = *static_cast<Slot*>(at);
  slot.body += size * count;
  return slot.body > mostBody ? 0 : size * count;
}

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
  std::unique_ptr<Slot> makeSlot();
  static Exchange exchangeOf(const Slot& slot, CURLcode code);
  void handBack(Tasks done);

  const TransferSettings settings_;
  kj::MutexGuarded<Counter> counter_;
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::vector<std::unique_ptr<Slot>> idle_;  // the thread's
  std::vector<std::unique_ptr<Slot>> busy_;  // the thread's
  kj::Promise<void> listening_;
  kj::Own<kj::Thread> thread_;
};

Transfers::Impl::Impl(TransferSettings settings)
    : settings_(std::move(settings)), multi_(nullptr, curl_multi_cleanup), listening_(nullptr) {
  initializeCurl();
  multi_.reset(curl_multi_init());
  KJ_REQUIRE(multi_ != nullptr, "libcurl has no memory");
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(settings_.connections));
  // A missing option shows here, on the loop's thread, not with the first SMS.
  idle_.push_back(makeSlot());
  listening_ =
      listen().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "transfers are not delivered", e); });
  SignalsBlocked blocked;
  thread_ = kj::heap<kj::Thread>([this]() { work(); });
}

Transfers::Impl::~Impl() {
  counter_.lockExclusive()->stopping = true;
  curl_multi_wakeup(multi_.get());
  thread_ = nullptr;  // joins
  for (auto& slot : busy_) curl_multi_remove_handle(multi_.get(), slot->easy.get());
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
  auto slot = idle_.empty() ? makeSlot() : std::move(idle_.back());
  if (!idle_.empty()) idle_.pop_back();
  slot->error[0] = '\0';
  slot->requests = slot->status = 0;
  slot->body = 0;
  slot->headers.reset();
  for (auto& header : task->request.headers)
    slot->headers.reset(curl_slist_append(slot->headers.release(), header.c_str()));
  slot->task = std::move(task);
  const Request& request = slot->task->request;
  set(*slot, CURLOPT_URL, request.url.c_str());
  set(*slot, CURLOPT_HTTPHEADER, slot->headers.get());
  set(*slot, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(request.deadline.count(), 1)));
  KJ_ASSERT(curl_multi_add_handle(multi_.get(), slot->easy.get()) == CURLM_OK);
  busy_.push_back(std::move(slot));
}

void Transfers::Impl::collect(Tasks& done) {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    curl_multi_remove_handle(multi_.get(), easy);
    auto slot = std::find_if(busy_.begin(), busy_.end(), [easy](auto& s) { return s->easy.get() == easy; });
    (*slot)->task->exchange = exchangeOf(**slot, code);
    done.push_back(std::move((*slot)->task));
    std::swap(*slot, busy_.back());
    idle_.push_back(std::move(busy_.back()));
    busy_.pop_back();
  }
}

std::unique_ptr<Slot> Transfers::Impl::makeSlot() {
  auto slot = std::make_unique<Slot>();
  KJ_REQUIRE(slot->easy != nullptr, "libcurl has no memory");
  set(*slot, CURLOPT_PROTOCOLS_STR, "http,https");
  set(*slot, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(*slot, CURLOPT_FOLLOWLOCATION, 0L);
  set(*slot, CURLOPT_PATH_AS_IS, 1L);
  // None, whatever the environment says.
  set(*slot, CURLOPT_PROXY, "");
  set(*slot, CURLOPT_USERAGENT, settings_.userAgent.c_str());
  set(*slot, CURLOPT_NOSIGNAL, 1L);
  // Else a transfer that ends while its name is being looked up waits for that lookup, and all others with
  // it.
  set(*slot, CURLOPT_QUICK_EXIT, 1L);
  set(*slot, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connectTimeout.count()));
  set(*slot, CURLOPT_MAXAGE_CONN, static_cast<long>(longestIdle.count()));
  set(*slot, CURLOPT_SSL_VERIFYPEER, 1L);
  set(*slot, CURLOPT_SSL_VERIFYHOST, 2L);
  set(*slot, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!settings_.authorities.empty()) {
    // The text, not the file: what was read at the start stays good when the file is replaced behind the
    // lock.
    curl_blob pem{const_cast<char*>(settings_.authorities.data()), settings_.authorities.size(),
                  CURL_BLOB_NOCOPY};
    set(*slot, CURLOPT_CAINFO_BLOB, &pem);
    set(*slot, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(*slot, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(*slot, CURLOPT_ERRORBUFFER, slot->error.data());
  set(*slot, CURLOPT_PREREQFUNCTION, &onRequest);
  set(*slot, CURLOPT_PREREQDATA, slot.get());
  set(*slot, CURLOPT_HEADERFUNCTION, &onHeader);
  set(*slot, CURLOPT_HEADERDATA, slot.get());
  set(*slot, CURLOPT_WRITEFUNCTION, &onBody);
  set(*slot, CURLOPT_WRITEDATA, slot.get());
  return slot;
}

Exchange Transfers::Impl::exchangeOf(const Slot& slot, CURLcode code) {
  long bytes = 0;
  curl_off_t retryAfter = 0;
  curl_easy_getinfo(slot.easy.get(), CURLINFO_REQUEST_SIZE, &bytes);
  curl_easy_getinfo(slot.easy.get(), CURLINFO_RETRY_AFTER, &retryAfter);
  Exchange exchange;
  exchange.status = slot.status;
  exchange.failure = failureOf(code);
  bool touched = exchange.failure == Failure::resend || (slot.requests > 0 && bytes > 0);
  exchange.sent = touched ? Sent::something : Sent::nothing;
  constexpr curl_off_t most = longestRetryAfter / 1s;
  exchange.retryAfter = std::chrono::seconds(std::clamp<curl_off_t>(retryAfter, 0, most));
  // Once a request is out, the library's words could quote it or its answer.
  if (!touched) exchange.detail = slot.error[0] != '\0' ? slot.error.data() : curl_easy_strerror(code);
  return exchange;
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
