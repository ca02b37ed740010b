// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/slot.h"

#include <kj/debug.h>
#include <strings.h>

#include <algorithm>

#include "workers/net/curl-library.h"
#include "workers/net/template.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

// Shorter than the keep-alive time of gateways (Apache: 5 s), so that a request seldom uses a connection that
// the gateway is just closing.
constexpr auto longestIdle = 4s;
constexpr long receiveBuffer = 4096;
// Two, because a gateway repeats its challenge when the nonce of a digest has expired.
constexpr unsigned mostChallenges = 2;

const char* wordOf(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
  }
  std::abort();
}

// Passes the text, not the file, so that the content read at the start stays valid when the file is replaced.
curl_blob blobOf(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

}  // namespace

HeaderList::HeaderList(const std::vector<std::string>& common) {
  common_.reserve(common.size());
  for (auto& header : common) common_.push_back({const_cast<char*>(header.c_str()), nullptr});
  for (std::size_t i = 1; i < common_.size(); ++i) common_[i - 1].next = &common_[i];
}

curl_slist* HeaderList::of(const std::vector<std::string>& own) {
  own_.resize(own.size());
  curl_slist* next = common_.empty() ? nullptr : common_.data();
  for (std::size_t i = own.size(); i > 0; --i) {
    own_[i - 1] = {const_cast<char*>(own[i - 1].c_str()), next};
    next = &own_[i - 1];
  }
  return next;
}

Slot::Slot(const TransferSettings& settings)
    : settings_(settings),
      parsed_(curl_url(), curl_url_cleanup),
      easy_(curl_easy_init(), curl_easy_cleanup),
      headers_(settings.headers) {
  KJ_REQUIRE(parsed_ != nullptr && easy_ != nullptr, "libcurl has no memory");
  setCommon();
  setConnection();
  setTls();
  setCredentials();
  setProxy();
}

template <typename T>
void Slot::set(CURLoption option, T value) {
  CURLcode code = curl_easy_setopt(easy_.get(), option, value);
  KJ_REQUIRE(code == CURLE_OK, "libcurl lacks an option", int(option), curl_easy_strerror(code));
}

void Slot::setCommon() {
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  if (settings_.method != Method::get) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_CUSTOMREQUEST, wordOf(settings_.method));
  }
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  // Small, because each connection keeps one such buffer and a gateway's answer seldom fills it.
  set(CURLOPT_BUFFERSIZE, receiveBuffer);
  // Otherwise a transfer that ends during its name lookup waits for that lookup, and blocks all others.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_PREREQFUNCTION, &onRequest);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_HEADERFUNCTION, &onHeader);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &onBody);
  set(CURLOPT_WRITEDATA, this);
}

void Slot::setConnection() {
  bool two = settings_.http == HttpVersion::http2;
  set(CURLOPT_HTTP_VERSION, static_cast<long>(two ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  // Wait to share a connection that is being made, instead of opening another.
  if (two) set(CURLOPT_PIPEWAIT, 1L);
  // libcurl divides this time among the addresses of a name.
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connectTimeout.count()));
  set(CURLOPT_MAXAGE_CONN, static_cast<long>(longestIdle.count()));
  if (settings_.connectionsAre == ConnectionsAre::forOneRequest) set(CURLOPT_FORBID_REUSE, 1L);
}

void Slot::setTls() {
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  bool thirteen = settings_.leastTls == TlsVersion::tls13;
  set(CURLOPT_SSLVERSION, static_cast<long>(thirteen ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
  if (!settings_.authorities.empty()) {
    curl_blob pem = blobOf(settings_.authorities);
    set(CURLOPT_CAINFO_BLOB, &pem);
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  const Identity& identity = settings_.identity;
  if (identity.certificate.empty()) return;
  curl_blob certificate = blobOf(identity.certificate);
  curl_blob key = blobOf(identity.key.reveal());
  set(CURLOPT_SSLCERT_BLOB, &certificate);
  set(CURLOPT_SSLKEY_BLOB, &key);
  // Set even when empty, so that OpenSSL never prompts on the terminal for the password of a key.
  set(CURLOPT_KEYPASSWD, identity.keyPassword.reveal().c_str());
}

void Slot::setCredentials() {
  const Credentials& credentials = settings_.credentials;
  switch (credentials.how) {
    case Authentication::none:
      return;
    case Authentication::bearer:
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      set(CURLOPT_XOAUTH2_BEARER, credentials.password.reveal().c_str());
      return;
    case Authentication::basic:
    case Authentication::digest:
      break;
  }
  bool digest = credentials.how == Authentication::digest;
  set(CURLOPT_HTTPAUTH, static_cast<long>(digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC));
  set(CURLOPT_USERNAME, credentials.username.c_str());
  set(CURLOPT_PASSWORD, credentials.password.reveal().c_str());
}

void Slot::setProxy() {
  // CURLOPT_NOPROXY lists the hosts without a proxy: all or none, so that the environment has no effect.
  if (settings_.proxy.url.empty()) return set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NOPROXY, "");
  set(CURLOPT_PROXY, settings_.proxy.url.c_str());
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (settings_.proxy.username.empty()) return;
  set(CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
  set(CURLOPT_PROXYUSERNAME, settings_.proxy.username.c_str());
  set(CURLOPT_PROXYPASSWORD, settings_.proxy.password.reveal().c_str());
}

/// Sets the URL of a request. Sets scheme://host:port once and passes path and query as
/// CURLOPT_REQUEST_TARGET, because parsing and rewriting the URL for each request is a third of libcurl's
/// work. Sets the whole URL if it is needed: a proxy request contains it, a digest is computed from it, and a
/// redirect may be relative to it.
void Slot::aim(const std::string& url) {
  const std::size_t start = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : url.size();
  const std::size_t end = std::min(url.find_first_of("/?", start), url.size());
  const bool whole = end == start || !settings_.proxy.url.empty() || settings_.redirects > 0 ||
                     settings_.credentials.how == Authentication::digest;
  if (whole) {
    gateway_.clear();
    set(CURLOPT_CURLU, static_cast<CURLU*>(nullptr));
    set(CURLOPT_REQUEST_TARGET, static_cast<const char*>(nullptr));
    return set(CURLOPT_URL, url.c_str());
  }
  if (url.compare(0, end, gateway_) != 0) {
    gateway_ = url.substr(0, end);
    CURLUcode code = curl_url_set(parsed_.get(), CURLUPART_URL, gateway_.c_str(), 0);
    KJ_REQUIRE(code == CURLUE_OK, "libcurl does not take the gateway's URL", curl_url_strerror(code));
    set(CURLOPT_CURLU, parsed_.get());
  }
  if (end < url.size() && url[end] == '/')
    set(CURLOPT_REQUEST_TARGET, url.c_str() + end);
  else
    set(CURLOPT_REQUEST_TARGET, ("/" + url.substr(end)).c_str());
}

void Slot::know(const HostAddresses& found) {
  if (found.serial == serial_ || found.entry.empty()) return;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> fresh(
      curl_slist_append(nullptr, found.entry.c_str()), curl_slist_free_all);
  KJ_REQUIRE(fresh != nullptr, "libcurl has no memory");
  set(CURLOPT_RESOLVE, fresh.get());
  addresses_ = std::move(fresh);
  serial_ = found.serial;
}

void Slot::prepare(const Request& request) {
  request_ = &request;
  redirects_ = requests_ = challenges_ = 0;
  status_ = 0;
  headerBytes_ = bodyBytes_ = 0;
  body_.clear();
  header_.clear();
  aim(request.url);
  set(CURLOPT_HTTPHEADER, headers_.of(request.headers));
  if (settings_.method != Method::get) {
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  begun_ = std::chrono::steady_clock::now();
}

std::chrono::steady_clock::time_point Slot::patience() const {
  auto whole = begun_ + request_->deadline;
  return requests_ > 0 || redirects_ > 0 ? whole : std::min(whole, begun_ + settings_.connectTimeout);
}

/// A request other than GET is repeated only when the status allows it: 307 or 308 (RFC 9110, 15.4).
bool Slot::mayFollow(int status) const {
  if (status == 307 || status == 308) return true;
  return settings_.method == Method::get && status >= 301 && status <= 303;
}

Slot::Redirect Slot::redirect() {
  if (redirects_ >= settings_.redirects || !mayFollow(status_)) return Redirect::none;
  char* location = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &location);
  if (location == nullptr) return Redirect::none;
  auto here = originOf(request_->url);
  auto there = originOf(location);
  // Another host must not see the credentials, the number and the text.
  if (!here || !there || here->text != there->text) return Redirect::none;
  ++redirects_;
  target_ = location;
  requests_ = challenges_ = 0;
  status_ = 0;
  headerBytes_ = bodyBytes_ = 0;
  body_.clear();
  header_.clear();
  set(CURLOPT_URL, target_.c_str());
  return Redirect::follow;
}

Exchange Slot::exchange(CURLcode code) {
  long bytes = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &bytes);
  Exchange exchange;
  exchange.status = status_;
  exchange.failure = failureOf(code);
  bool touched = exchange.failure == Failure::resend || redirects_ > 0 || (requests_ > 0 && bytes > 0);
  exchange.sent = touched ? Sent::something : Sent::nothing;
  long proxySaid = 0;
  if (!settings_.proxy.url.empty()) curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &proxySaid);
  if (!touched && proxySaid == 407) exchange.failure = Failure::proxy;
  if (!touched && code != CURLE_OK && proxySaid >= 300 && proxySaid != 407) {
    exchange.failure = Failure::tunnel;
    exchange.proxySaid = static_cast<int>(proxySaid);
  }
  if (status_ >= 300) {
    curl_off_t retryAfter = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retryAfter);
    constexpr curl_off_t most = longestRetryAfter / 1s;
    exchange.retryAfter = std::chrono::seconds(std::clamp<curl_off_t>(retryAfter, 0, most));
  }
  exchange.whole = code == CURLE_OK ? Exchange::Body::whole : Exchange::Body::partial;
  exchange.body = std::move(body_);
  if (!exchange.body.empty()) {
    char* type = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    if (type != nullptr) exchange.contentType = std::string_view(type).substr(0, mostHeader);
  }
  exchange.header = std::move(header_);
  if (!touched)
    exchange.detail =
        code == CURLE_OPERATION_TIMEDOUT ? "no connection in time" : detailOf(code, easy_.get());
  request_ = nullptr;
  return exchange;
}

int Slot::onRequest(void* at, char*, char*, int, int) {
  auto& slot = *static_cast<Slot*>(at);
  if (slot.requests_++ > slot.challenges_) return CURL_PREREQFUNC_ABORT;
  // Discard the earlier answer, which was the challenge for credentials.
  slot.status_ = 0;
  slot.headerBytes_ = slot.bodyBytes_ = 0;
  slot.body_.clear();
  slot.header_.clear();
  return CURL_PREREQFUNC_OK;
}

std::size_t Slot::onHeader(char* line, std::size_t size, std::size_t count, void* at) {
  auto& slot = *static_cast<Slot*>(at);
  std::size_t length = size * count;
  slot.headerBytes_ += length;
  if (slot.headerBytes_ > mostHeaders) return 0;
  const std::string& name = slot.settings_.wanted.header;
  if (line[0] != '\r' && line[0] != '\n') {
    if (!name.empty() && length > name.size() && line[name.size()] == ':' &&
        ::strncasecmp(line, name.data(), name.size()) == 0) {
      std::string_view value(line + name.size() + 1, length - name.size() - 1);
      value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
      value.remove_suffix(value.size() - (value.find_last_not_of(" \t\r\n") + 1));
      slot.header_ = value.substr(0, mostHeader);
    }
    return length;
  }
  long status = 0;
  curl_easy_getinfo(slot.easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200) slot.status_ = static_cast<int>(status);  // after a 1xx another set of headers follows
  bool digest = slot.settings_.credentials.how == Authentication::digest;
  if (digest && status == 401 && slot.challenges_ < mostChallenges) ++slot.challenges_;
  return length;
}

std::size_t Slot::onBody(char* bytes, std::size_t size, std::size_t count, void* at) {
  auto& slot = *static_cast<Slot*>(at);
  std::size_t length = size * count;
  std::size_t room = mostBody - std::min(slot.bodyBytes_, mostBody);
  slot.bodyBytes_ += length;
  if (slot.settings_.wanted.body == AnswerParts::Body::kept || slot.status_ == 400)
    slot.body_.append(bytes, std::min(length, room));
  return slot.bodyBytes_ > mostBody ? 0 : length;
}

}  // namespace smsd::net
