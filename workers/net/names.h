// Host names looked up on one thread, which is there from the start: libcurl would start one for each lookup,
// and a worker starts no thread once it serves.
//
// Owns the thread, and what it found: the addresses of the one host that a worker speaks to. Called by
// transfers.cpp on the KJ loop and by the mail worker's lanes on theirs. A lookup cannot be ended: whoever
// waits for one gives up, and it goes on. Never looks up what is an address or this host itself. Fails by
// returning words.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace smsd::net {

/// Of a URL's authority.
struct Host {
  std::string name;
  std::uint16_t port = 0;
  bool operator==(const Host&) const = default;
};

/// Nothing where the URL has no host that has to be looked up: an address, localhost.
Host hostToLookUp(const std::string& url);

struct Found {
  // For CURLOPT_RESOLVE: "host:port:address,address". Empty: it was not found.
  std::string entry;
  std::string problem;
  // Which one this is: it changes when the addresses may have.
  std::uint64_t serial = 0;
};

class Names {
 public:
  Names();
  ~Names();
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// What is known of the host, if it may still be used: for ten minutes. After one it is looked up again
  /// meanwhile. An entry that is empty and without a problem: it has to be asked for.
  Found known(const Host& host);
  /// Looks the host up and says what was found, on the thread. A lookup that fails finds what was found
  /// before.
  void ask(const Host& host, std::function<void(Found)> done);

 private:
  struct Desk;
  std::shared_ptr<Desk> desk_;
};

}  // namespace smsd::net
