#include "workers/mail/lane.h"

#include <kj/debug.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <future>

#include "workers/net/curl-library.h"

namespace smsd::mail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto stopLook = std::chrono::milliseconds(50);  // while a name is looked up

}  // namespace

Lane::Lane(const LaneSettings& settings, net::Names& names)
    : settings_(settings),
      names_(names),
      host_(net::hostToLookUp(settings.url)),
      url_(settings.url + "/" + settings.helo) {
  makeHandle();
}

Lane::~Lane() { hangUp(); }

template <typename T>
void Lane::set(CURLoption option, T value) {
  CURLcode code = curl_easy_setopt(easy_.get(), option, value);
  KJ_REQUIRE(code == CURLE_OK, "libcurl lacks an option", int(option), curl_easy_strerror(code));
}

void Lane::makeHandle() {
  easy_.reset(curl_easy_init());
  KJ_REQUIRE(easy_ != nullptr, "libcurl has no memory");
  dialogue_.forgetLogin();
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_URL, url_.c_str());
  set(CURLOPT_USE_SSL, static_cast<long>(settings_.tls == Tls::wanted ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!settings_.authorities.empty()) {
    curl_blob pem{const_cast<char*>(settings_.authorities.data()), settings_.authorities.size(),
                  CURL_BLOB_NOCOPY};
    set(CURLOPT_CAINFO_BLOB, &pem);
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!settings_.username.empty()) {
    set(CURLOPT_USERNAME, settings_.username.c_str());
    set(CURLOPT_PASSWORD, settings_.password.reveal().c_str());
    // What a password is good for; not what looks for tickets and domains on this host.
    set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
    set(CURLOPT_SASL_IR, 1L);
  }
  set(CURLOPT_PROXY, "");  // none, whatever the environment says
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_MAXCONNECTS, 1L);
  set(CURLOPT_UPLOAD, 1L);
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_READFUNCTION, &onRead);
  set(CURLOPT_READDATA, this);
  set(CURLOPT_HEADERFUNCTION, &onReply);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_VERBOSE, 1L);
  set(CURLOPT_DEBUGFUNCTION, &onDebug);
  set(CURLOPT_DEBUGDATA, this);
  set(CURLOPT_PREREQFUNCTION, &onReady);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &onProgress);
  set(CURLOPT_XFERINFODATA, this);
  set(CURLOPT_OPENSOCKETFUNCTION, &onOpen);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_CLOSESOCKETFUNCTION, &onClose);
  set(CURLOPT_CLOSESOCKETDATA, this);
}

Conversation Lane::run(const Mail& mail) {
  auto start = Clock::now();
  Conversation first = runOnce(mail, mail.deadline, Connection::kept);
  // A kept connection that the server had enough of meanwhile (an idle time, a number of mails) says nothing
  // of this mail, whose address was not named yet.
  bool stale = !dialogue_.usesNewConnection() && first.stage <= Stage::sender &&
               (first.reply == 0 || first.reply == 421) && first.failure != net::Failure::timeout;
  auto left = mail.deadline - std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  if (!stale || left < Milliseconds(1) || stopping_) return first;
  return runOnce(mail, left, Connection::fresh);
}

/// libcurl counts all that comes before MAIL as connecting, the greeting and the login too, from when the
/// request began. Each of them gets its own time by moving that bound on.
void Lane::setTimeToConnect(Milliseconds sinceBegin) {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(sinceBegin.count()));
}

/// A server may let a stranger wait for its greeting, on purpose or under load, longer than it takes to
/// connect (RFC 5321, 4.5.3.2.1).
void Lane::lookForConnection() {
  if (awaits_ != AwaitsFirst::connection) return;
  const bool encrypted = url_.starts_with("smtps");
  curl_off_t after = 0;  // as long as it is not there
  curl_easy_getinfo(easy_.get(), encrypted ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &after);
  if (after == 0) return;
  awaits_ = AwaitsFirst::greeting;
  auto now = std::chrono::duration_cast<Milliseconds>(Clock::now() - begun_);
  setTimeToConnect(now + settings_.greetingTimeout);
}

Conversation Lane::runOnce(const Mail& mail, Milliseconds deadline, Connection connection) {
  dialogue_.begin();
  begun_ = Clock::now();
  deadline_ = deadline;
  awaits_ = AwaitsFirst::connection;
  setTimeToConnect(settings_.connectTimeout);
  unsent_ = mail.content;
  error_[0] = '\0';
  auto start = Clock::now();
  if (auto known = learnAddresses(std::min(deadline, settings_.connectTimeout)); known != Known::yes)
    return conclude(known == Known::no ? CURLE_COULDNT_RESOLVE_HOST : CURLE_OPERATION_TIMEDOUT);
  deadline -= std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  to_.reset(curl_slist_append(nullptr, mail.to.c_str()));
  set(CURLOPT_MAIL_FROM, mail.from.c_str());
  set(CURLOPT_MAIL_RCPT, to_.get());
  set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.content.size()));
  set(CURLOPT_FRESH_CONNECT, connection == Connection::fresh ? 1L : 0L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(deadline.count(), 1)));
  // Else libcurl gives a reply a minute or two, whatever the deadline is.
  set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(deadline.count() / 1000 + 1));
  return conclude(curl_easy_perform(easy_.get()));
}

/// The addresses of the server, for libcurl, which looks up no name itself.
Lane::Known Lane::learnAddresses(Milliseconds patience) {
  if (host_.name.empty()) return Known::yes;
  net::Found found = names_.known(host_);
  if (found.entry.empty()) {
    auto answer = std::make_shared<std::promise<net::Found>>();
    auto asked = answer->get_future();
    names_.ask(host_, [answer](net::Found one) { answer->set_value(std::move(one)); });
    const auto end = Clock::now() + patience;
    while (asked.wait_for(stopLook) != std::future_status::ready)
      if (stopping_ || Clock::now() >= end) return Known::notInTime;
    found = asked.get();
  }
  if (found.entry.empty()) {
    error_[found.problem.copy(error_.data(), error_.size() - 1)] = '\0';
    return Known::no;
  }
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> fresh(
      curl_slist_append(nullptr, found.entry.c_str()), curl_slist_free_all);
  set(CURLOPT_RESOLVE, fresh.get());
  addresses_ = std::move(fresh);
  return Known::yes;
}

Conversation Lane::conclude(CURLcode code) {
  Conversation result = dialogue_.take();
  if (code == CURLE_OK) return result;
  result.end = End::failure;
  result.failure = net::failureOf(code);
  if (code == CURLE_USE_SSL_FAILED && result.stage == Stage::hello) result.end = End::noTls;
  // Nothing offered at all (onReady), or nothing that a password is good for.
  bool noLogin =
      code == CURLE_ABORTED_BY_CALLBACK || (code == CURLE_LOGIN_DENIED && result.stage == Stage::hello);
  if (noLogin && !stopping_) result.end = End::noLogin;
  // Once an address or a credential is out, the library's words could quote it.
  if (result.stage <= Stage::startTls && error_[0] != '\0') result.detail = error_.data();
  return result;
}

void Lane::hangUp() {
  // The QUIT goes out, and the answer is the end of the connection: a server that does not answer is not
  // waited for.
  shut(Ends::reading);
  easy_.reset();
  if (!stopping_) makeHandle();
}

void Lane::stop() {
  stopping_ = true;
  shut(Ends::both);
}

void Lane::shut(Ends ends) {
  std::lock_guard guard(mutex_);
  for (curl_socket_t fd : sockets_) ::shutdown(fd, ends == Ends::both ? SHUT_RDWR : SHUT_RD);
}

/// Once the rest says nothing of this mail, it is not worth waiting for.
void Lane::waitNoLonger(Dialogue::State state) {
  if (state == Dialogue::State::over) shut(Ends::reading);
}

int Lane::onDebug(CURL*, curl_infotype type, char* data, std::size_t size, void* at) {
  auto& lane = *static_cast<Lane*>(at);
  if (type != CURLINFO_HEADER_OUT) return 0;
  // A command: the greeting was there. What is left of the conversation has the time of all of it.
  if (std::exchange(lane.awaits_, AwaitsFirst::nothing) != AwaitsFirst::nothing)
    lane.setTimeToConnect(lane.deadline_ + Milliseconds(1000));
  lane.waitNoLonger(lane.dialogue_.sent({data, size}));
  return 0;
}

std::size_t Lane::onReply(char* line, std::size_t size, std::size_t count, void* at) {
  auto& lane = *static_cast<Lane*>(at);
  lane.waitNoLonger(lane.dialogue_.received({line, size * count}));
  return size * count;
}

std::size_t Lane::onRead(char* buffer, std::size_t size, std::size_t count, void* at) {
  auto& lane = *static_cast<Lane*>(at);
  std::size_t piece = std::min(size * count, lane.unsent_.size());
  std::memcpy(buffer, lane.unsent_.data(), piece);
  lane.unsent_.remove_prefix(piece);
  // With the last piece the final dot is out of our hands.
  if (lane.unsent_.empty()) lane.dialogue_.handedOver();
  return piece;
}

/// Everything is ready for MAIL.
int Lane::onReady(void* at, char*, char*, int, int) {
  auto& lane = *static_cast<Lane*>(at);
  bool loginMissing = !lane.settings_.username.empty() && !lane.dialogue_.isLoggedIn();
  return loginMissing || lane.stopping_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int Lane::onProgress(void* at, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& lane = *static_cast<Lane*>(at);
  lane.lookForConnection();
  return lane.stopping_ ? 1 : 0;
}

curl_socket_t Lane::onOpen(void* at, curlsocktype, struct curl_sockaddr* address) {
  auto& lane = *static_cast<Lane*>(at);
  std::lock_guard guard(lane.mutex_);
  if (lane.stopping_) return CURL_SOCKET_BAD;
  curl_socket_t fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  lane.sockets_.push_back(fd);
  lane.dialogue_.connected();
  return fd;
}

int Lane::onClose(void* at, curl_socket_t fd) {
  auto& lane = *static_cast<Lane*>(at);
  std::lock_guard guard(lane.mutex_);
  std::erase(lane.sockets_, fd);
  return ::close(fd);
}

}  // namespace smsd::mail
