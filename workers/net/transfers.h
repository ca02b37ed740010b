// Transfers: many HTTP requests at once, on connections that are kept alive.
//
// Owns libcurl's multi handle, the pool of easy handles and the connections. Called by the kinds that speak
// HTTP, on the KJ loop, where all of it happens but the looking up of names. Never sends a request twice,
// follows no redirect but within the gateway and only when asked, uses no proxy but the one that is
// configured, never trusts a certificate that does not verify. A transfer does not fail: what became of it is
// an Exchange, at the latest when its deadline is over.
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
  http2,  // over TLS where the gateway speaks it, else 1.1
};
enum class ConnectionsAre { kept, forOneRequest };
enum class Authentication { none, basic, digest, bearer };

struct Request {
  std::string url;                   // of http or https
  std::vector<std::string> headers;  // "Name: value", of this request
  Milliseconds deadline{0};  // from when it is handed over to the end of the answer; at least a millisecond
  std::string body{};        // of POST and PUT
};

/// A proxy that the requests go through; for https as a tunnel.
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

/// What we show of ourselves to a gateway that asks for a certificate.
struct Identity {
  std::string certificate;  // PEM; empty: nothing
  config::Secret key;       // PEM
  config::Secret keyPassword;
};

struct TransferSettings {
  unsigned connections = 1;           // kept alive at most
  Milliseconds connectTimeout{5000};  // name, TCP and TLS
  std::string authorities{};          // PEM; empty: the system's
  Method method = Method::get;
  std::vector<std::string> headers{};  // "Name: value", of every request
  HttpVersion http = HttpVersion::http11;
  ConnectionsAre connectionsAre = ConnectionsAre::kept;
  TlsVersion leastTls = TlsVersion::tls12;
  Identity identity{};
  Credentials credentials{};
  Proxy proxy{};
  unsigned redirects = 0;  // followed at most, to the same scheme, host and port only
  AnswerParts wanted{};    // beside the status
};

class Transfers {
 public:
  Transfers(TransferSettings settings, kj::AsyncIoContext& io);
  /// Ends what is under way; its promises are broken.
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  kj::Promise<Exchange> run(Request request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smsd::net
