// The far end as an operator describes it: how it is reached, what it is shown, what it is trusted for.
//
// Owns the keys that all kinds over HTTP share, and the files they name. Called by the kinds: declare() when
// the configuration is read, the rest when it was good. Reads its files then, before the lock. Never prints
// what is in them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/keys.h"
#include "common/sandbox/sandbox.h"
#include "workers/kit/dispatcher.h"
#include "workers/net/pem.h"
#include "workers/net/secrets.h"
#include "workers/net/template.h"
#include "workers/net/transfers.h"

namespace smsd::net {

/// What libcurl writes itself, and what would change where a request ends or goes.
bool isOurHeader(std::string_view name);

class Endpoint {
 public:
  /// Before the kind's own keys, so that its rules find what was read.
  void declare(config::Keys& keys);

  /// What stands for {name} in templates.
  Constants constants() const { return secrets_.constants(); }
  unsigned window() const { return static_cast<unsigned>(window_); }
  kit::Traits traits(std::string kind) const;
  /// All but method, headers and what is wanted of an answer.
  TransferSettings transfers() const;
  sandbox::Policy policy(std::uint16_t port) const;
  /// Who asks. As a header: libcurl writes a CURLOPT_USERAGENT twice.
  static std::string agentHeader();
  std::string keyHeader(std::string_view key) const;
  Milliseconds deadline(Milliseconds given) const;
  /// What is wrong with a header of that name beside our own, once all keys are read.
  std::optional<std::string> problemOfHeader(std::string_view name) const;

  /// Takes our secrets out of what a gateway said, should it say one: a reference is shown.
  void hideSecrets(std::string& said) const { hiding_.hideIn(said); }
  /// A secret of the kind's own.
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
