// What a thread with libcurl's multi handle on it waits for: its sockets, its timer, and a call from another
// thread.
//
// Owns an epoll descriptor and the sockets that libcurl opens. Used by transfers.cpp, on its thread but for
// wake(). libcurl says at the end of each transfer that it has no further interest in a socket, and at the
// next one on the same connection that it has: in between the kernel is not told, which saves two system
// calls for each request. Throws where the kernel gives no descriptor.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <optional>
#include <vector>

namespace smsd::net {

class Poller {
 public:
  using Clock = std::chrono::steady_clock;

  Poller();
  /// After the multi handle and all easy handles: their connections close their sockets here.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void watchMulti(CURLM* multi);
  /// For each easy handle, before its first transfer.
  void watchEasy(CURL* easy);

  /// Waits until something is to be done, at the latest until `until`, and lets libcurl do it.
  void turn(CURLM* multi, std::optional<Clock::time_point> until);
  /// From any thread: ends a turn() that is under way, or the next one at once.
  void wake();

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
  int patience(std::optional<Clock::time_point> until) const;
  void act(CURLM* multi, int fd, unsigned events);

  int epoll_ = -1;
  int bell_ = -1;
  std::optional<Clock::time_point> due_;  // libcurl's timer
  std::vector<Socket> sockets_;           // by descriptor
};

}  // namespace smsd::net
