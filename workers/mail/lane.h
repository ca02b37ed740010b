// One lane: one conversation after the other with the mail server, on one connection that is kept for a
// while.
//
// Owns a libcurl handle and its connection; what goes over it is the dialogue's to read. Called on its own
// thread (lanes.cpp), but for stop(). Keeps no reply's text beyond the server's id of a mail.
#pragma once

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "workers/mail/dialogue.h"
#include "workers/mail/lanes.h"
#include "workers/net/names.h"

namespace smsd::mail {

class Lane {
 public:
  Lane(const LaneSettings& settings, net::Names& names);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Conversation run(const Mail& mail);
  /// Ends the connection, if there is one, with a QUIT whose answer is not waited for.
  void hangUp();
  /// From another thread: whatever run() does ends at once, and all that follow.
  void stop();

 private:
  enum class Connection { kept, fresh };
  enum class Ends { reading, both };
  enum class AwaitsFirst { connection, greeting, nothing };

  void makeHandle();
  template <typename T>
  void set(CURLoption option, T value);
  Conversation runOnce(const Mail& mail, Milliseconds deadline, Connection connection);
  enum class Known { yes, no, notInTime };
  Known learnAddresses(Milliseconds patience);
  Conversation conclude(CURLcode code);
  void waitNoLonger(Dialogue::State state);
  void setTimeToConnect(Milliseconds sinceBegin);
  void lookForConnection();
  void shut(Ends ends);

  static int onDebug(CURL*, curl_infotype type, char* data, std::size_t size, void* at);
  static std::size_t onReply(char* line, std::size_t size, std::size_t count, void* at);
  static std::size_t onRead(char* buffer, std::size_t size, std::size_t count, void* at);
  static int onReady(void* at, char*, char*, int, int);
  static int onProgress(void* at, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  static curl_socket_t onOpen(void* at, curlsocktype, struct curl_sockaddr* address);
  static int onClose(void* at, curl_socket_t fd);

  const LaneSettings& settings_;
  net::Names& names_;
  const net::Host host_;  // that has to be looked up
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> addresses_{nullptr, curl_slist_free_all};
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_{nullptr, curl_easy_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> to_{nullptr, curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string url_;

  Dialogue dialogue_;
  std::string_view unsent_;  // of the mail under way
  std::chrono::steady_clock::time_point begun_;
  Milliseconds deadline_{0};  // from then
  AwaitsFirst awaits_ = AwaitsFirst::connection;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<curl_socket_t> sockets_;  // open; shared with stop()
};

}  // namespace smsd::mail
