// What libcurl's multi handle waits for, as one thing that the KJ loop can wait for.
//
// Owns an epoll descriptor and the sockets that libcurl opens. Used by transfers.cpp. libcurl says at the end
// of each transfer that it has no further interest in a socket, and at the next one on the same connection
// that it has: in between the kernel is not told, which saves two system calls for each request; nor does the
// loop watch each socket, which would cost it more than that. Throws where the kernel gives no descriptor.
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
  /// After the multi handle and all easy handles: their connections close their sockets here.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void watchMulti(CURLM* multi);
  /// For each easy handle, before its first transfer.
  void watchEasy(CURL* easy);

  /// Lets libcurl do what can be done now. False: that was nothing.
  bool turn(CURLM* multi);
  /// Resolves when there is something to do again. For who was told since that there was nothing: what has
  /// been there all along is no news.
  kj::Promise<void> news() { return observer_.whenBecomesReadable(); }
  /// When libcurl wants a turn() whatever happens until then.
  std::optional<Clock::time_point> due() const { return due_; }

 private:
  struct Socket {
    unsigned registered = 0;  // what the kernel was asked for: EPOLLIN, EPOLLOUT
    unsigned wanted = 0;      // what libcurl wants to know
    enum class By { curl, us } opened = By::curl;
  };
  static int onInterest(CURL*, curl_socket_t socket, int what, void* at, void*);
  static int onTimer(CURLM*, long milliseconds, void* at);
  static curl_socket_t onOpen(void* at, curlsocktype purpose, curl_sockaddr* address);
  static int onClose(void* at, curl_socket_t socket);
  Socket& at(int fd);
  void ask(int fd, Socket& socket, unsigned events);
  void act(CURLM* multi, int fd, unsigned events);

  kj::AutoCloseFd epoll_;
  kj::UnixEventPort::FdObserver observer_;
  std::optional<Clock::time_point> due_;  // libcurl's timer
  std::vector<Socket> sockets_;           // by descriptor
};

}  // namespace smsd::net
