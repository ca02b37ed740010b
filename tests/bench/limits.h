// SPDX-License-Identifier: GPL-3.0-or-later
// What this machine can do with nothing of smsd around it: the denominators of tests/bench/run.
//
// Each is one way of spending the same work as smsd does, as directly as the same libraries allow. Nothing
// here is safe: no fences, no retries, no recovery.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace smsd::bench {

/// GETs over one curl_multi handle on one thread, `inFlight` at a time, connections kept.
class Gets {
 public:
  Gets(std::string url, unsigned inFlight);
  ~Gets();
  Gets(const Gets&) = delete;
  Gets& operator=(const Gets&) = delete;

  struct Request {
    std::string recipient, text;
    bool accepted = false;
  };
  /// Sends them all and returns when the last is answered.
  void send(std::vector<Request*> requests);

 private:
  std::string url_;
  CURLM* multi_;
  std::vector<CURL*> handles_;
};

/// Claims recipients, GETs, marks them: two commits a batch, the database on a thread of its own. Until
/// ended.
void chain(const std::string& dsn, const std::string& url, unsigned batch, unsigned inFlight);

/// `count` rows of smsq become Y, `batch` a commit, by UPDATE ... FROM unnest; prints rows a second.
void mark(const std::string& dsn, unsigned count, unsigned batch);

/// `count` GETs; prints how many a second.
void http(const std::string& url, unsigned count, unsigned inFlight);

/// `count` SMS to another process in dispatch() calls of `batch`, each answered by one call with the outcomes
/// of all; prints SMS a second.
void rpc(unsigned count, unsigned batch);

}  // namespace smsd::bench
