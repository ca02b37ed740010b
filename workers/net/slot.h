// SPDX-License-Identifier: GPL-3.0-or-later
// A slot: one of libcurl's easy handles, its options, and the answer that it receives.
//
// Owns every option of libcurl. Used by transfers.cpp. A slot is reused for many requests, so that the
// expensive options are set only once. No data of an earlier request stays on it.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "workers/net/names.h"
#include "workers/net/transfers.h"

namespace smsd::net {

/// The list of headers for libcurl, without copies: its nodes point into the strings, which must not move
/// until the request has ended.
class HeaderList {
 public:
  /// `common` are the headers of every request; they come after the request's own.
  explicit HeaderList(const std::vector<std::string>& common);
  curl_slist* of(const std::vector<std::string>& own);

 private:
  std::vector<curl_slist> common_;
  std::vector<curl_slist> own_;
};

class Slot {
 public:
  /// Throws when libcurl lacks an option. `settings` must outlive the slot.
  explicit Slot(const TransferSettings& settings);
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  CURL* easy() const { return easy_.get(); }
  /// Sets the addresses of the host, so that libcurl looks up no name itself. To be called before prepare().
  void know(const HostAddresses& found);
  /// Prepares the slot for `request`, which must not move until exchange() was called.
  void prepare(const Request& request);
  /// Returns `follow` when the answer is a redirect that may be followed; the slot is prepared for it then.
  enum class Redirect { none, follow };
  Redirect redirect();
  /// Returns the time at which the transfer times out: after the connect time-out while no request has begun,
  /// otherwise at its deadline.
  std::chrono::steady_clock::time_point patience() const;
  /// Returns the result of the transfer. `code` is libcurl's, or CURLE_OPERATION_TIMEDOUT when the caller
  /// ended the transfer because patience() had passed.
  Exchange exchange(CURLcode code);

 private:
  void setCommon();
  void setConnection();
  void setTls();
  void setCredentials();
  void setProxy();
  template <typename T>
  void set(CURLoption option, T value);
  void aim(const std::string& url);
  bool mayFollow(int status) const;
  static int onRequest(void* at, char*, char*, int, int);
  static std::size_t onHeader(char* line, std::size_t size, std::size_t count, void* at);
  static std::size_t onBody(char* bytes, std::size_t size, std::size_t count, void* at);

  const TransferSettings& settings_;
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed_;  // the gateway's URL; easy_ reads it
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  HeaderList headers_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> addresses_{nullptr, curl_slist_free_all};
  std::uint64_t serial_ = 0;  // of addresses_
  std::string gateway_;       // scheme://host:port in parsed_; empty: easy_ has the whole URL
  const Request* request_ = nullptr;
  std::string target_;  // the URL of a redirect
  std::chrono::steady_clock::time_point begun_{};
  unsigned redirects_ = 0;   // followed
  unsigned requests_ = 0;    // begun; libcurl begins a second one when a kept-alive connection breaks
  unsigned challenges_ = 0;  // answers that request our credentials; each allows one more request
  int status_ = 0;           // 0 until the headers are complete
  std::size_t headerBytes_ = 0;
  std::size_t bodyBytes_ = 0;
  std::string body_;
  std::string header_;
};

}  // namespace smsd::net
