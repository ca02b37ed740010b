// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/mail/smtp-connection.h"

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

constexpr auto stopLook = std::chrono::milliseconds(50);  // how often a lookup checks for stop()

}  // namespace

SmtpConnection::SmtpConnection(const SmtpSettings& settings, net::Names& names)
    : settings_(settings),
      names_(names),
      host_(net::hostToLookUp(settings.url)),
      url_(settings.url + "/" + settings.helo) {
  makeHandle();
}

SmtpConnection::~SmtpConnection() { hangUp(); }

template <typename T>
void SmtpConnection::set(CURLoption option, T value) {
  CURLcode code = curl_easy_setopt(easy_.get(), option, value);
  KJ_REQUIRE(code == CURLE_OK, "libcurl lacks an option", int(option), curl_easy_strerror(code));
}

void SmtpConnection::makeHandle() {
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
    // Only mechanisms that use a password. Others would search this host for tickets and domains.
    set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
    set(CURLOPT_SASL_IR, 1L);
  }
  set(CURLOPT_PROXY, "");  // no proxy, even if the environment sets one
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_MAXCONNECTS, 1L);
  set(CURLOPT_UPLOAD, 1L);
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

Conversation SmtpConnection::run(const Mail& mail) {
  auto start = Clock::now();
  Conversation first = runOnce(mail, mail.deadline, Reuse::kept);
  // The server may have closed a kept connection (idle time, number of mails). As the address was not named
  // yet, that does not concern this mail, and it is tried again on a fresh connection.
  bool stale = !dialogue_.usesNewConnection() && first.stage <= SmtpStage::sender &&
               (first.reply == 0 || first.reply == 421) && first.failure != net::Failure::timeout;
  auto left = mail.deadline - std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  if (!stale || left < Milliseconds(1) || stopping_) return first;
  return runOnce(mail, left, Reuse::fresh);
}

/// libcurl counts everything before MAIL as connecting, including the greeting and the login, from the start
/// of the request. Moving this bound on gives the connection and the greeting a time of their own.
void SmtpConnection::setTimeToConnect(Milliseconds sinceBegin) {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(sinceBegin.count()));
}

/// Once connected, allows `greetingTimeout` for the greeting: a server may delay it, on purpose or under
/// load, for longer than connecting takes (RFC 5321, 4.5.3.2.1).
void SmtpConnection::lookForConnection() {
  if (awaits_ != AwaitsFirst::connection) return;
  const bool encrypted = url_.starts_with("smtps");
  curl_off_t after = 0;  // 0: not connected yet
  curl_easy_getinfo(easy_.get(), encrypted ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &after);
  if (after == 0) return;
  awaits_ = AwaitsFirst::greeting;
  auto now = std::chrono::duration_cast<Milliseconds>(Clock::now() - begun_);
  setTimeToConnect(now + settings_.greetingTimeout);
}

Conversation SmtpConnection::runOnce(const Mail& mail, Milliseconds deadline, Reuse reuse) {
  dialogue_.begin();
  begun_ = Clock::now();
  deadline_ = deadline;
  awaits_ = AwaitsFirst::connection;
  setTimeToConnect(settings_.connectTimeout);
  unsent_ = mail.content;
  nameProblem_.clear();
  auto start = Clock::now();
  if (auto known = learnAddresses(std::min(deadline, settings_.connectTimeout)); known != Known::yes)
    return conclude(known == Known::no ? CURLE_COULDNT_RESOLVE_HOST : CURLE_OPERATION_TIMEDOUT);
  deadline -= std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  to_.reset(curl_slist_append(nullptr, mail.to.c_str()));
  set(CURLOPT_MAIL_FROM, mail.from.c_str());
  set(CURLOPT_MAIL_RCPT, to_.get());
  set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.content.size()));
  set(CURLOPT_FRESH_CONNECT, reuse == Reuse::fresh ? 1L : 0L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(deadline.count(), 1)));
  // Otherwise libcurl waits for a reply for one or two minutes, regardless of the deadline.
  set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(deadline.count() / 1000 + 1));
  return conclude(curl_easy_perform(easy_.get()));
}

/// Gives libcurl the server's addresses, because libcurl looks up no name itself.
SmtpConnection::Known SmtpConnection::learnAddresses(Milliseconds patience) {
  if (host_.name.empty()) return Known::yes;
  net::HostAddresses found = names_.known(host_);
  if (found.entry.empty()) {
    auto answer = std::make_shared<std::promise<net::HostAddresses>>();
    auto asked = answer->get_future();
    names_.ask(host_, [answer](net::HostAddresses one) { answer->set_value(std::move(one)); });
    const auto end = Clock::now() + patience;
    while (asked.wait_for(stopLook) != std::future_status::ready)
      if (stopping_ || Clock::now() >= end) return Known::notInTime;
    found = asked.get();
  }
  if (found.entry.empty()) {
    nameProblem_ = found.problem;
    return Known::no;
  }
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> fresh(
      curl_slist_append(nullptr, found.entry.c_str()), curl_slist_free_all);
  set(CURLOPT_RESOLVE, fresh.get());
  addresses_ = std::move(fresh);
  return Known::yes;
}

Conversation SmtpConnection::conclude(CURLcode code) {
  Conversation result = dialogue_.take();
  if (code == CURLE_OK) return result;
  result.end = EarlyEnd::failure;
  result.failure = net::failureOf(code);
  if (code == CURLE_USE_SSL_FAILED && result.stage == SmtpStage::hello) result.end = EarlyEnd::noTls;
  // The server offers no login at all (onReady), or none that uses a password.
  bool noLogin =
      code == CURLE_ABORTED_BY_CALLBACK || (code == CURLE_LOGIN_DENIED && result.stage == SmtpStage::hello);
  if (noLogin && !stopping_) result.end = EarlyEnd::noLogin;
  if (result.stage <= SmtpStage::startTls)
    result.detail = nameProblem_.empty() ? net::detailOf(code, easy_.get()) : nameProblem_;
  return result;
}

void SmtpConnection::hangUp() {
  // libcurl sends QUIT and reads the end of the connection as its reply, so that a server that does not
  // answer is not waited for.
  shut(Ends::reading);
  easy_.reset();
  if (!stopping_) makeHandle();
}

void SmtpConnection::stop() {
  stopping_ = true;
  shut(Ends::both);
}

void SmtpConnection::shut(Ends ends) {
  std::lock_guard guard(mutex_);
  for (curl_socket_t fd : sockets_) ::shutdown(fd, ends == Ends::both ? SHUT_RDWR : SHUT_RD);
}

/// Ends the wait for replies that do not concern this mail.
void SmtpConnection::waitNoLonger(SmtpDialogue::State state) {
  if (state == SmtpDialogue::State::over) shut(Ends::reading);
}

int SmtpConnection::onDebug(CURL*, curl_infotype type, char* data, std::size_t size, void* at) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  if (type != CURLINFO_HEADER_OUT) return 0;
  // The first command shows that the greeting has come. The rest has only the overall deadline.
  if (std::exchange(connection.awaits_, AwaitsFirst::nothing) != AwaitsFirst::nothing)
    connection.setTimeToConnect(connection.deadline_ + Milliseconds(1000));
  connection.waitNoLonger(connection.dialogue_.sent({data, size}));
  return 0;
}

std::size_t SmtpConnection::onReply(char* line, std::size_t size, std::size_t count, void* at) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  connection.waitNoLonger(connection.dialogue_.received({line, size * count}));
  return size * count;
}

std::size_t SmtpConnection::onRead(char* buffer, std::size_t size, std::size_t count, void* at) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  std::size_t piece = std::min(size * count, connection.unsent_.size());
  std::memcpy(buffer, connection.unsent_.data(), piece);
  connection.unsent_.remove_prefix(piece);
  // After the last piece, libcurl sends the final dot by itself.
  if (connection.unsent_.empty()) connection.dialogue_.handedOver();
  return piece;
}

/// libcurl calls this before MAIL. Aborts if a login is configured but was not made.
int SmtpConnection::onReady(void* at, char*, char*, int, int) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  bool loginMissing = !connection.settings_.username.empty() && !connection.dialogue_.isLoggedIn();
  return loginMissing || connection.stopping_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int SmtpConnection::onProgress(void* at, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  connection.lookForConnection();
  return connection.stopping_ ? 1 : 0;
}

curl_socket_t SmtpConnection::onOpen(void* at, curlsocktype, struct curl_sockaddr* address) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  std::lock_guard guard(connection.mutex_);
  if (connection.stopping_) return CURL_SOCKET_BAD;
  curl_socket_t fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  connection.sockets_.push_back(fd);
  connection.dialogue_.connected();
  return fd;
}

int SmtpConnection::onClose(void* at, curl_socket_t fd) {
  auto& connection = *static_cast<SmtpConnection*>(at);
  std::lock_guard guard(connection.mutex_);
  std::erase(connection.sockets_, fd);
  return ::close(fd);
}

}  // namespace smsd::mail
