// SPDX-License-Identifier: GPL-3.0-or-later
// Lets the KJ loop wait for all sockets of libcurl's multi handle through one epoll descriptor.
//
// Owns that descriptor and the sockets that libcurl opens. Used by transfers.cpp. libcurl drops its interest
// in a socket at the end of each transfer, and renews it at the next transfer on the same connection. In
// between the socket stays registered in the kernel, which saves two system calls for each request. The loop
// does not watch each socket itself, because that would cost even more. Throws when the kernel gives no
// descriptor.
#pragma once

#include <curl/curl.h>
#include <kj/async-unix.h>

#include <chrono>
#include <optional>
#include <vector>

namespace smsd::net {

class Poller {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Poller(kj::UnixEventPort& port);
  /// Must outlive the multi handle and all easy handles, because their connections close their sockets here.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void watchMulti(CURLM* multi);
  /// To be called for each easy handle, before its first transfer.
  void watchEasy(CURL* easy);

  /// Lets libcurl handle the pending events and its timer. Returns false when there were none.
  bool turn(CURLM* multi);
  /// Resolves when there is a new event. Edge-triggered: call turn() until it returns false before waiting,
  /// or pending events are missed.
  kj::Promise<void> news() { return observer_.whenBecomesReadable(); }
  /// Returns the time at which turn() has to be called even without an event: libcurl's timer expires, or a
  /// socket that the kernel did not register is tried again.
  std::optional<Clock::time_point> due() const;

 private:
  struct Socket {
    unsigned registered = 0;  // events registered in the kernel: EPOLLIN, EPOLLOUT
    unsigned wanted = 0;      // events that libcurl is interested in
    enum class By { curl, us } opened = By::curl;
  };
  static int onInterest(CURL*, curl_socket_t fd, int what, void* data, void*);
  static int onTimer(CURLM*, long milliseconds, void* data);
  static curl_socket_t onOpen(void* data, curlsocktype, curl_sockaddr* address);
  static int onClose(void* data, curl_socket_t fd);
  Socket& at(int fd);
  void ask(int fd, Socket& socket, unsigned events);
  void askAgain();
  void act(CURLM* multi, int fd, unsigned events);

  kj::AutoCloseFd epoll_;
  kj::UnixEventPort::FdObserver observer_;
  std::optional<Clock::time_point> due_;    // libcurl's timer
  std::optional<Clock::time_point> again_;  // when to register again the sockets that the kernel refused
  std::vector<Socket> sockets_;             // by descriptor
};

}  // namespace smsd::net
