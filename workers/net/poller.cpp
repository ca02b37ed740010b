// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/poller.h"

#include <kj/debug.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace smsd::net {
namespace {

constexpr int mostEvents =
    32;  // events handled in one turn, so that finished transfers do not wait for all others
// The kernel refuses to register a socket while it has no memory, or while the user has reached the limit
// fs.epoll.max_user_watches. Without another try the transfer would wait in vain until its time-out.
constexpr auto refusedFor = std::chrono::milliseconds(100);

kj::AutoCloseFd makeEpoll() {
  int fd = -1;
  KJ_SYSCALL(fd = ::epoll_create1(EPOLL_CLOEXEC));
  return kj::AutoCloseFd(fd);
}

}  // namespace

Poller::Poller(kj::UnixEventPort& port)
    : epoll_(makeEpoll()), observer_(port, epoll_, kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

Poller::~Poller() = default;

void Poller::watchMulti(CURLM* multi) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &onInterest);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &onTimer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
}

void Poller::watchEasy(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &onOpen);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &onClose);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

Poller::Socket& Poller::at(int fd) {
  if (static_cast<std::size_t>(fd) >= sockets_.size()) sockets_.resize(static_cast<std::size_t>(fd) + 1);
  return sockets_[static_cast<std::size_t>(fd)];
}

void Poller::ask(int fd, Socket& socket, unsigned events) {
  if (events == socket.registered) return;
  epoll_event event{.events = events, .data = {.fd = fd}};
  int operation = events == 0 ? EPOLL_CTL_DEL : socket.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  // The kernel drops a descriptor that libcurl closed without onClose(), and its number may be in use again.
  bool failed = ::epoll_ctl(epoll_, operation, fd, &event) != 0 && events != 0;
  if (failed) failed = ::epoll_ctl(epoll_, errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0;
  socket.registered = failed ? 0 : events;
  if (failed && !again_) again_ = Clock::now() + refusedFor;
}

void Poller::askAgain() {
  again_.reset();
  for (std::size_t fd = 0; fd < sockets_.size(); ++fd)
    if (sockets_[fd].registered == 0) ask(static_cast<int>(fd), sockets_[fd], sockets_[fd].wanted);
}

std::optional<Poller::Clock::time_point> Poller::due() const {
  if (!due_ || !again_) return due_ ? due_ : again_;
  return std::min(*due_, *again_);
}

int Poller::onInterest(CURL*, curl_socket_t fd, int what, void* data, void*) {
  auto& self = *static_cast<Poller*>(data);
  Socket& socket = self.at(fd);
  socket.wanted = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? EPOLLIN : 0U) |
                  (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? EPOLLOUT : 0U);
  // An idle socket stays registered for reading only: it is seldom readable, but nearly always writable. A
  // socket that libcurl opened itself does not stay, because its closing is not reported here.
  bool mayStay = socket.wanted == 0 && socket.registered == EPOLLIN && socket.opened == Socket::By::us;
  if (!mayStay) self.ask(fd, socket, socket.wanted);
  return 0;
}

int Poller::onTimer(CURLM*, long milliseconds, void* data) {
  auto& self = *static_cast<Poller*>(data);
  self.due_.reset();
  if (milliseconds >= 0) self.due_ = Clock::now() + std::chrono::milliseconds(milliseconds);
  return 0;
}

curl_socket_t Poller::onOpen(void* data, curlsocktype, curl_sockaddr* address) {
  int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  static_cast<Poller*>(data)->at(fd) = {.registered = 0, .wanted = 0, .opened = Socket::By::us};
  return fd;
}

int Poller::onClose(void* data, curl_socket_t fd) {
  static_cast<Poller*>(data)->at(fd) = {};
  return ::close(fd) == 0 ? 0 : 1;
}

void Poller::act(CURLM* multi, int fd, unsigned events) {
  Socket& socket = at(fd);
  // An event on an idle connection: most likely its end. libcurl notices it when it looks for a connection to
  // reuse.
  if (socket.wanted == 0) return ask(fd, socket, 0);
  int running = 0;
  int bits = ((events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
             ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
             ((events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
  KJ_ASSERT(curl_multi_socket_action(multi, fd, bits, &running) == CURLM_OK);
}

bool Poller::turn(CURLM* multi) {
  if (again_ && *again_ <= Clock::now()) askAgain();
  epoll_event events[mostEvents];
  int count = ::epoll_wait(epoll_, events, mostEvents, 0);
  for (int i = 0; i < count; ++i) act(multi, events[i].data.fd, events[i].events);
  if (!due_ || *due_ > Clock::now()) return count > 0;
  due_.reset();
  int running = 0;
  KJ_ASSERT(curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running) == CURLM_OK);
  return true;
}

}  // namespace smsd::net
