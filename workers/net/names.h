// SPDX-License-Identifier: GPL-3.0-or-later
// Looks up host names on one thread that runs from the start. libcurl would start a thread for each lookup,
// and a worker must not start threads while it serves.
//
// Owns the thread and the addresses of the one host that a worker connects to. Called by transfers.cpp on the
// KJ loop and by the mail worker's SMTP connections on their threads. A lookup cannot be cancelled: a caller
// may stop waiting, but the lookup goes on. Returns a failure as a text (HostAddresses::problem).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace smsd::net {

/// Host and port of a URL.
struct Host {
  std::string name;
  std::uint16_t port = 0;
  bool operator==(const Host&) const = default;
};

/// Returns the host of `url`. Its name is empty when no lookup is needed, because it is an address or
/// localhost.
Host hostToLookUp(const std::string& url);

struct HostAddresses {
  // For CURLOPT_RESOLVE: "host:port:address,address". Empty: no address is known.
  std::string entry;
  std::string problem;
  // Changes whenever the addresses may have changed.
  std::uint64_t serial = 0;
};

class Names {
 public:
  Names();
  ~Names();
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// Returns the addresses of `host` without waiting, for up to ten minutes after the lookup. After one
  /// minute also starts a new lookup in the background. Returns an empty entry without a problem when ask()
  /// is needed.
  HostAddresses known(const Host& host);
  /// Looks up `host` and calls `done` with the result on the lookup thread. When the lookup fails, the result
  /// is the earlier addresses of this host, if any.
  void ask(const Host& host, std::function<void(HostAddresses)> done);

 private:
  struct Lookups;
  std::shared_ptr<Lookups> lookups_;
};

}  // namespace smsd::net
