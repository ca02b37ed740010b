// SPDX-License-Identifier: GPL-3.0-or-later
// Transfers: many HTTP requests at once, on connections that are kept alive.
//
// Owns libcurl's multi handle, the pool of easy handles and the connections. Called by the kinds that use
// HTTP, on the KJ loop; all work except the lookup of names is done there. Never sends a request twice.
// Follows redirects only if configured, and only within the gateway. Uses only the configured proxy. Never
// trusts a certificate that does not verify. A transfer does not fail: it always ends with an Exchange, at
// its deadline at the latest.
#pragma once

#include <kj/async-io.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/config/secret.h"
#include "workers/net/answers.h"

namespace smsd::net {

enum class Method { get, post, put };
enum class TlsVersion { tls12, tls13 };
enum class HttpVersion {
  http11,
  http2,  // over TLS when the gateway supports it, otherwise HTTP/1.1
};
enum class ConnectionsAre { kept, forOneRequest };
enum class Authentication { none, basic, digest, bearer };

struct Request {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value", for this request only
  Milliseconds deadline{0};          // from run() to the end of the answer; at least one millisecond
  std::string body{};                // for POST and PUT
};

/// The proxy for all requests; for https it makes a tunnel.
struct Proxy {
  std::string url;  // http://host:port; empty: none
  std::string username;
  config::Secret password;
};

struct Credentials {
  Authentication how = Authentication::none;
  std::string username;
  config::Secret password;  // or the token
};

/// Our certificate and its key, for a gateway that requests a certificate.
struct Identity {
  std::string certificate;  // PEM; empty: none
  config::Secret key;       // PEM
  config::Secret keyPassword;
};

struct TransferSettings {
  unsigned connections = 1;           // most connections to keep alive
  Milliseconds connectTimeout{5000};  // for the lookup, TCP and TLS
  std::string authorities{};          // PEM; empty: those of the system
  Method method = Method::get;
  std::vector<std::string> headers{};  // "Name: value", for every request
  HttpVersion http = HttpVersion::http11;
  ConnectionsAre connectionsAre = ConnectionsAre::kept;
  TlsVersion leastTls = TlsVersion::tls12;
  Identity identity{};
  Credentials credentials{};
  Proxy proxy{};
  unsigned redirects = 0;  // most to follow, to the same scheme, host and port only
  AnswerParts wanted{};    // parts of an answer to keep beside the status
};

class Transfers {
 public:
  Transfers(TransferSettings settings, kj::AsyncIoContext& io);
  /// Ends the transfers under way and breaks their promises.
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  kj::Promise<Exchange> run(Request request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smsd::net
