// A slot: one of libcurl's easy handles, what is set on it once and for each request, and what it hears.
//
// Owns every option of libcurl. Used by transfers.cpp. A slot is used
// again and again: what costs is done once. Nothing of an earlier request stays on it.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "workers/net/names.h"
#include "workers/net/transfers.h"

namespace smsd::net {

/// Headers as libcurl wants them, without a copy of each: the nodes point into the strings, which stay where
/// they are until the request has ended.
class HeaderList {
 public:
  /// `common` come after the request's own.
  explicit HeaderList(const std::vector<std::string>& common);
  curl_slist* of(const std::vector<std::string>& own);

 private:
  std::vector<curl_slist> common_;
  std::vector<curl_slist> own_;
};

class Slot {
 public:
  /// Throws where libcurl lacks an option. `settings` outlives the slot.
  explicit Slot(const TransferSettings& settings);
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  CURL* easy() const { return easy_.get(); }
  /// The addresses of the host, before prepare(). libcurl looks up no name itself.
  void know(const Found& found);
  /// Takes the request, which stays where it is until the exchange is had.
  void prepare(const Request& request);
  /// The answer was a redirect that may be followed: the slot is prepared for it.
  enum class Redirect { none, follow };
  Redirect redirect();
  /// When it will have taken too long: to connect, or altogether.
  std::chrono::steady_clock::time_point patience() const;
  /// What became of it; the time having run out is CURLE_OPERATION_TIMEDOUT, said by who watches it.
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
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed_;  // the gateway's, which easy_ reads
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  HeaderList headers_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> addresses_{nullptr, curl_slist_free_all};
  std::uint64_t serial_ = 0;  // of those
  std::string gateway_;       // scheme://host:port; empty: easy_ has the whole URL
  std::array<char, CURL_ERROR_SIZE> error_{};
  const Request* request_ = nullptr;
  std::string target_;  // where a redirect led
  std::chrono::steady_clock::time_point begun_{};
  unsigned redirects_ = 0;   // followed
  unsigned requests_ = 0;    // begun; libcurl makes another one when a kept-alive connection dies
  unsigned challenges_ = 0;  // answers that ask for credentials we have: each allows one more request
  int status_ = 0;           // once the headers have come whole
  std::size_t headerBytes_ = 0;
  std::size_t bodyBytes_ = 0;
  std::string body_;
  std::string header_;
};

}  // namespace smsd::net
