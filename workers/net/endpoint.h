// SPDX-License-Identifier: GPL-3.0-or-later
// The gateway as the operator configures it: the connection, TLS, credentials and limits.
//
// Owns the keys that all kinds over HTTP share, and the files they name. The kinds call declare() when the
// configuration is read, and the other functions when it is valid. Reads its files with the configuration,
// before the lock. Never prints their content.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/keys.h"
#include "common/sandbox/policy.h"
#include "workers/kit/dispatcher.h"
#include "workers/net/pem.h"
#include "workers/net/secrets.h"
#include "workers/net/template.h"
#include "workers/net/transfers.h"

namespace smsd::net {

/// Whether `name` is a header that libcurl writes itself or that would change where a request ends or goes.
bool isOurHeader(std::string_view name);

class Endpoint {
 public:
  /// Declares the shared keys. To be called before the kind's own rules, so that they find the values read.
  void declare(config::Keys& keys);

  /// The values for {name} in templates.
  Constants constants() const { return secrets_.constants(); }
  unsigned window() const { return static_cast<unsigned>(window_); }
  kit::Traits traits(std::string kind) const;
  /// Returns all settings except the method, the headers and the wanted parts of an answer.
  TransferSettings transfers() const;
  sandbox::Policy policy(std::uint16_t port) const;
  /// Returns the User-Agent as a plain header, because libcurl writes a CURLOPT_USERAGENT twice for each
  /// request.
  static std::string agentHeader();
  std::string keyHeader(std::string_view key) const;
  Milliseconds deadline(Milliseconds given) const;
  /// Returns why the operator may not configure a header `name`, or nothing. To be called when all keys are
  /// read.
  std::optional<std::string> problemOfHeader(std::string_view name) const;

  /// Removes our secrets from `said`, a text from the gateway, because a reference is shown.
  void hideSecrets(std::string& said) const { hiding_.hideIn(said); }
  /// Adds a secret of the kind's own to those that hideSecrets() removes.
  void hideToo(const config::Secret& secret) { hiding_.remember(secret.reveal()); }

 private:
  void declareTls(config::Keys& keys);
  void declareAccess(config::Keys& keys);
  void declareProxy(config::Keys& keys);
  void declareRules(config::Keys& keys);
  std::optional<std::string> readIdentity(config::Keys& keys);
  std::optional<std::string> readProxy();
  std::optional<std::string> checkAccess();

  int window_ = 64;
  int backlog_ = 64;
  Milliseconds connectTimeout_ = std::chrono::seconds(5);
  std::optional<Milliseconds> timeout_;
  int redirects_ = 0;
  double perSecond_ = 0;
  bool knowsKeys_ = false;
  bool keepAlive_ = true;
  std::string idempotencyHeader_ = "Idempotency-Key";
  HttpVersion http_ = HttpVersion::http11;

  TlsVersion leastTls_ = TlsVersion::tls12;
  Authorities authorities_;
  std::filesystem::path certificateFile_, keyFile_;
  Identity identity_;

  Credentials credentials_;
  config::Secret token_;
  NamedSecrets secrets_;

  Proxy proxy_;
  std::uint16_t proxyPort_ = 0;
  Hiding hiding_;
};

}  // namespace smsd::net
