// SPDX-License-Identifier: GPL-3.0-or-later
// Conversations with the mail server, one after the other, on one connection that is kept for a while.
//
// Owns a libcurl handle and its connection; the dialogue reads the traffic. Called on a thread of its own
// (smtp-pool.cpp), except for stop(). Keeps no text of a reply except the server's id of a mail.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "workers/mail/dialogue.h"
#include "workers/mail/smtp-pool.h"
#include "workers/net/names.h"

namespace smsd::mail {

class SmtpConnection {
 public:
  SmtpConnection(const SmtpSettings& settings, net::Names& names);
  ~SmtpConnection();
  SmtpConnection(const SmtpConnection&) = delete;
  SmtpConnection& operator=(const SmtpConnection&) = delete;

  Conversation run(const Mail& mail);
  /// Ends the connection, if there is one. Sends QUIT and does not wait for the reply.
  void hangUp();
  /// May be called on another thread. Ends the current run() and every later one at once.
  void stop();

 private:
  enum class Reuse { kept, fresh };
  enum class Ends { reading, both };
  enum class AwaitsFirst { connection, greeting, nothing };

  void makeHandle();
  template <typename T>
  void set(CURLoption option, T value);
  Conversation runOnce(const Mail& mail, Milliseconds deadline, Reuse reuse);
  enum class Known { yes, no, notInTime };
  Known learnAddresses(Milliseconds patience);
  Conversation conclude(CURLcode code);
  void waitNoLonger(SmtpDialogue::State state);
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

  const SmtpSettings& settings_;
  net::Names& names_;
  const net::Host host_;  // to be looked up; its name is empty if there is none
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> addresses_{nullptr, curl_slist_free_all};
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_{nullptr, curl_easy_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> to_{nullptr, curl_slist_free_all};
  std::string nameProblem_;  // of the look-up for this conversation
  std::string url_;

  SmtpDialogue dialogue_;
  std::string_view unsent_;  // the rest of the current mail
  std::chrono::steady_clock::time_point begun_;
  Milliseconds deadline_{0};  // counted from `begun_`
  AwaitsFirst awaits_ = AwaitsFirst::connection;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<curl_socket_t> sockets_;  // the open ones; shared with stop()
};

}  // namespace smsd::mail
