// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

#include "tests/bench/limits.h"

namespace smsd::bench {
namespace {

std::size_t swallow(char*, std::size_t size, std::size_t count, void*) { return size * count; }

}  // namespace

Gets::Gets(std::string url, unsigned inFlight) : url_(std::move(url)) {
  curl_global_init(CURL_GLOBAL_ALL);
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(inFlight) + 8);
  for (unsigned i = 0; i < inFlight; ++i) {
    CURL* handle = handles_.emplace_back(curl_easy_init());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 10'000L);
  }
}

Gets::~Gets() {
  for (CURL* handle : handles_) curl_easy_cleanup(handle);
  curl_multi_cleanup(multi_);
}

void Gets::send(std::vector<Request*> requests) {
  std::size_t next = 0, done = 0;
  auto arm = [&](CURL* handle) {
    if (next == requests.size()) return;
    Request* request = requests[next++];
    char* recipient = curl_easy_escape(handle, request->recipient.c_str(), 0);
    char* text = curl_easy_escape(handle, request->text.c_str(), 0);
    curl_easy_setopt(handle, CURLOPT_URL, (url_ + "?to=" + recipient + "&m=" + text).c_str());
    curl_easy_setopt(handle, CURLOPT_PRIVATE, request);
    curl_free(recipient);
    curl_free(text);
    curl_multi_add_handle(multi_, handle);
  };
  for (CURL* handle : handles_) arm(handle);
  while (done < requests.size()) {
    int running = 0, left = 0;
    curl_multi_perform(multi_, &running);
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      CURL* handle = message->easy_handle;
      Request* request = nullptr;
      long status = 0;
      curl_easy_getinfo(handle, CURLINFO_PRIVATE, &request);
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      request->accepted = message->data.result == CURLE_OK && status / 100 == 2;
      ++done;
      curl_multi_remove_handle(multi_, handle);
      arm(handle);
    }
    if (done < requests.size()) curl_multi_poll(multi_, nullptr, 0, 100, nullptr);
  }
}

void http(const std::string& url, unsigned count, unsigned inFlight) {
  Gets gets(url, inFlight);
  std::vector<Gets::Request> requests(count);
  std::vector<Gets::Request*> all;
  for (auto& request : requests) {
    request = {fmt::format("+47{}", 90'000'000 + all.size()), "box.example.org: interface ge-0/0/1 down",
               false};
    all.push_back(&request);
  }
  gets.send({all.begin(),
             all.begin() + std::min<std::size_t>(count, inFlight)});  // connections and caches are warm
  auto began = std::chrono::steady_clock::now();
  gets.send(all);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (auto& request : requests)
    if (!request.accepted) throw std::runtime_error("the gateway did not accept every request");
  fmt::print("{:.0f}\n", count / took.count());
}

}  // namespace smsd::bench
