// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/names.h"

#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "workers/net/curl-library.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// As long as libcurl caches a name. After that the old addresses are used until a new lookup has succeeded.
constexpr auto freshFor = 60s;
constexpr auto usableFor = 10min;

std::string partOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return owned.get();
}

bool isNumeric(const std::string& name) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

std::string textOf(const addrinfo& address) {
  char text[NI_MAXHOST];
  if (::getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  return address.ai_family == AF_INET6 ? "[" + std::string(text) + "]" : text;
}

/// Looks up `host`. Blocks until the resolver answers.
HostAddresses lookUp(const Host& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int error = ::getaddrinfo(host.name.c_str(), nullptr, &hints, &found);
  if (error != 0)
    return {{}, "the name " + host.name + " cannot be looked up (" + ::gai_strerror(error) + ")"};
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  std::string addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::string address = textOf(*one);
    if (address.empty()) continue;
    if (!addresses.empty()) addresses += ',';
    addresses += address;
  }
  if (addresses.empty()) return {{}, "the name " + host.name + " has no address that can be used"};
  return {host.name + ":" + std::to_string(host.port) + ":" + addresses, {}};
}

}  // namespace

Host hostToLookUp(const std::string& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return {};
  Host host{partOf(parsed.get(), CURLUPART_HOST), 0};
  // libcurl resolves localhost itself (RFC 6761, 6.3).
  if (host.name == "localhost" || host.name.ends_with(".localhost") || host.name.starts_with('[')) return {};
  if (isNumeric(host.name)) return {};
  const std::string port = partOf(parsed.get(), CURLUPART_PORT);
  std::from_chars(port.data(), port.data() + port.size(),
                  host.port);  // libcurl checked it; 0 if there is none
  return host;
}

/// The state that the lookup thread and its callers share. Owned by both, because a lookup may go on after
/// ~Names().
struct Names::Lookups {
  struct Question {
    Host host;
    std::function<void(HostAddresses)> done;
  };

  void work() {
    std::unique_lock lock(guard);
    for (;;) {
      changed.wait(lock, [this] { return closed || !questions.empty(); });
      if (closed) return;
      Question question = std::move(questions.front());
      questions.pop_front();
      if (!isFresh(question.host)) {
        lock.unlock();
        HostAddresses found = lookUp(question.host);
        lock.lock();
        remember(question.host, std::move(found));
      }
      HostAddresses answer = last;
      if (closed) return;
      question.done(std::move(answer));
    }
  }
  bool isFresh(const Host& asked) const {
    return asked == host && !last.entry.empty() && Clock::now() < at + freshFor;
  }
  void remember(const Host& asked, HostAddresses found) {
    if (found.entry.empty() && asked == host && !last.entry.empty()) return;
    bool same = asked == host && found.entry == last.entry;
    found.serial = same ? last.serial : last.serial + 1;
    host = asked;
    last = std::move(found);
    at = Clock::now();
  }

  std::mutex guard;
  std::condition_variable changed;
  std::deque<Question> questions;
  bool closed = false;
  Host host;  // to which `last` belongs
  HostAddresses last;
  Clock::time_point at{};
};

Names::Names() : lookups_(std::make_shared<Lookups>()) {
  SignalsBlocked blocked;
  std::thread([lookups = lookups_]() { lookups->work(); }).detach();
}

Names::~Names() {
  std::lock_guard lock(lookups_->guard);
  lookups_->closed = true;
  lookups_->questions.clear();
  lookups_->changed.notify_all();
}

HostAddresses Names::known(const Host& host) {
  std::lock_guard lock(lookups_->guard);
  auto now = Clock::now();
  if (!(host == lookups_->host) || lookups_->last.entry.empty() || now >= lookups_->at + usableFor) return {};
  if (now >= lookups_->at + freshFor && lookups_->questions.empty()) {
    lookups_->questions.push_back({host, [](const HostAddresses&) {}});
    lookups_->changed.notify_all();
  }
  return lookups_->last;
}

void Names::ask(const Host& host, std::function<void(HostAddresses)> done) {
  std::lock_guard lock(lookups_->guard);
  lookups_->questions.push_back({host, std::move(done)});
  lookups_->changed.notify_all();
}

}  // namespace smsd::net
