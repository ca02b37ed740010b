// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/endpoint.h"

#include <algorithm>

#include "version.h"
#include "workers/net/curl-library.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t nameServicePort = 53;  // over TCP, when an answer is too long for UDP

bool isPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string lowered(std::string_view name) {
  std::string result(name);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

}  // namespace

bool isOurHeader(std::string_view name) {
  constexpr std::string_view ours[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "upgrade",        "expect"};
  return std::find(std::begin(ours), std::end(ours), lowered(name)) != std::end(ours);
}

std::optional<std::string> Endpoint::problemOfHeader(std::string_view name) const {
  if (isOurHeader(name)) return "is a header that the worker itself sets, expected another header";
  if (credentials_.how != Authentication::none && lowered(name) == "authorization")
    return "`auth` sends the header Authorization, expected only one of the two";
  return std::nullopt;
}

void Endpoint::declare(config::Keys& keys) {
  keys.integer("window", window_, {1, 256}, "requests under way at once");
  keys.integer("backlog", backlog_, {0, 4096}, "SMS accepted ahead of the window");
  keys.duration("connect_timeout", connectTimeout_, {100ms, 1min},
                "the time within which a connection has to be established");
  keys.durationOr(
      "never", "timeout", timeout_, {100ms, 1h},
      "the time within which an answer has to be complete; `timeout` of smsd.yaml applies as well");
  keys.choice("http_version", http_, {{"1.1", HttpVersion::http11}, {"2", HttpVersion::http2}},
              "the newest version of HTTP to use; 2 only over TLS");
  keys.flag("keep_alive", keepAlive_,
            "keep connections for further requests; false: a connection for each request, for a gateway that "
            "closes connections without notice");
  keys.integer("redirects", redirects_, {0, 10},
               "how many redirects to follow, within the same scheme, host and port only");
  keys.flag("knows_keys", knowsKeys_,
            "the gateway drops a second request with the same idempotency key, so that an unknown SMS can be "
            "sent again");
  keys.text("idempotency_header", idempotencyHeader_, "the header that carries the idempotency key");
  keys.number("rate.per_second", perSecond_, {0, 1000},
              "the most SMS that are begun in a second, evenly spaced; 0: no limit");
  declareTls(keys);
  declareAccess(keys);
  declareProxy(keys);
  declareRules(keys);
}

void Endpoint::declareTls(config::Keys& keys) {
  authorities_.declare(keys);
  keys.path("certificate_file", certificateFile_,
            "the client certificate (PEM), for a gateway that requires one");
  keys.example("certificate_file", "smsd.pem");
  keys.path("key_file", keyFile_, "the private key (PEM) of certificate_file");
  keys.example("key_file", "smsd.key");
  keys.secretFile("key_password_file", identity_.keyPassword, "the password of the key in key_file");
  keys.example("key_password_file", "key.password");
  keys.choice("tls_min_version", leastTls_, {{"1.2", TlsVersion::tls12}, {"1.3", TlsVersion::tls13}},
              "the oldest version of TLS to accept");
}

void Endpoint::declareAccess(config::Keys& keys) {
  keys.choice("auth.type", credentials_.how,
              {{"none", Authentication::none},
               {"basic", Authentication::basic},
               {"digest", Authentication::digest},
               {"bearer", Authentication::bearer}},
              "how to log in to the gateway");
  keys.text("auth.username", credentials_.username, "the username, for basic and digest");
  keys.example("auth.username", "noc");
  keys.secretFile("auth.password_file", credentials_.password, "the password, for basic and digest");
  keys.secretFile("auth.token_file", token_, "the token, for bearer");
  secrets_.declare(keys, "url, headers and body");
}

void Endpoint::declareProxy(config::Keys& keys) {
  keys.text("proxy.url", proxy_.url, "a proxy to go through, http://host:port");
  keys.example("proxy.url", "http://proxy.example.org:3128");
  keys.text("proxy.username", proxy_.username, "the username at the proxy");
  keys.example("proxy.username", "noc");
  keys.secretFile("proxy.password_file", proxy_.password, "the password at the proxy");
  keys.example("proxy.password_file", "proxy.password");
}

void Endpoint::declareRules(config::Keys& keys) {
  keys.rule("certificate_file", [this, &keys] { return readIdentity(keys); });
  keys.rule("idempotency_header", [this]() -> std::optional<std::string> {
    if (!isHeaderName(idempotencyHeader_)) return "expected the name of a header";
    if (isOurHeader(idempotencyHeader_))
      return "is a header that the worker itself sets, expected another header";
    return std::nullopt;
  });
  // The supervisor treats a worker that begins no SMS for a longer time as hung.
  keys.rule("rate", [this]() -> std::optional<std::string> {
    if (perSecond_ == 0 || perSecond_ >= 0.2) return std::nullopt;
    return "expected 0, or per_second: 0.2 (one in five seconds) and more";
  });
  keys.rule("auth", [this] { return checkAccess(); });
  keys.rule("secrets", [this]() -> std::optional<std::string> {
    hiding_.rememberAll(constants());
    return std::nullopt;
  });
  keys.rule("proxy", [this] { return readProxy(); });
}

std::optional<std::string> Endpoint::readIdentity(config::Keys& keys) {
  if (certificateFile_.empty() && keyFile_.empty()) return std::nullopt;
  if (certificateFile_.empty()) return "is missing, expected beside key_file";
  if (keyFile_.empty()) return "expected key_file beside it";
  auto certificate = readPem(fileOf(keys, certificateFile_), PemOf::certificate);
  if (certificate.opened == PemRead::Opened::no && keys.tolerates("certificate_file")) return std::nullopt;
  if (!certificate.problem.empty()) return certificate.problem;
  auto key = readPem(fileOf(keys, keyFile_), PemOf::key);
  if (key.opened == PemRead::Opened::no && keys.tolerates("key_file")) return std::nullopt;
  if (!key.problem.empty()) return "key_file: " + key.problem;
  identity_.certificate = std::move(certificate.text);
  identity_.key = config::Secret(std::move(key.text));
  hiding_.remember(identity_.keyPassword.reveal());
  return std::nullopt;
}

std::optional<std::string> Endpoint::checkAccess() {
  auto& [how, username, password] = credentials_;
  bool withPassword = how == Authentication::basic || how == Authentication::digest;
  if (withPassword && (username.empty() || password.empty()))
    return "expected auth.username and auth.password_file with this type";
  if (!withPassword && (!username.empty() || !password.empty()))
    return "expected auth.username and auth.password_file only with the types basic and digest";
  if (username.find(':') != std::string::npos || username.find('\n') != std::string::npos)
    return "a username cannot contain a colon or a line break";
  if ((how == Authentication::bearer) == token_.empty())
    return "expected auth.token_file with the type bearer, and only with it";
  if (!isPrintable(token_.reveal())) return "the token has characters that cannot stand in a header";
  hiding_.rememberLogin(username, password.reveal());
  hiding_.remember(token_.reveal());
  return std::nullopt;
}

std::optional<std::string> Endpoint::readProxy() {
  if (proxy_.url.empty()) {
    if (proxy_.username.empty() && proxy_.password.empty()) return std::nullopt;
    return "expected proxy.url with a username or password";
  }
  auto origin = originOf(proxy_.url);
  // Without a username or password: they have keys of their own, and the URL is shown.
  bool bare = origin && proxy_.url.starts_with("http://") &&
              proxy_.url.find_first_of("@?#{", 7) == std::string::npos &&
              proxy_.url.find('/', 7) == std::string::npos;
  if (!bare) return "expected proxy.url as http://host:port";
  if (proxy_.username.empty() != proxy_.password.empty())
    return "expected proxy.username and proxy.password_file, or neither";
  proxy_.url = origin->text;
  proxyPort_ = origin->port;
  hiding_.remember(proxy_.password.reveal());
  return std::nullopt;
}

kit::Traits Endpoint::traits(std::string kind) const {
  return {.kind = std::move(kind),
          .window = static_cast<unsigned>(window_),
          .backlog = static_cast<unsigned>(backlog_),
          .knowsKeys = knowsKeys_,
          .spacing = perSecond_ > 0 ? std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / perSecond_))
                                    : std::chrono::nanoseconds(0)};
}

TransferSettings Endpoint::transfers() const {
  TransferSettings settings;
  settings.connections = window();
  settings.connectTimeout = connectTimeout_;
  settings.authorities = authorities_.text();
  settings.http = http_;
  settings.connectionsAre = keepAlive_ ? ConnectionsAre::kept : ConnectionsAre::forOneRequest;
  settings.leastTls = leastTls_;
  settings.identity = identity_;
  settings.credentials = credentials_;
  if (credentials_.how == Authentication::bearer) settings.credentials.password = token_;
  settings.proxy = proxy_;
  settings.redirects = static_cast<unsigned>(redirects_);
  return settings;
}

sandbox::Policy Endpoint::policy(std::uint16_t port) const {
  initializeCurl();  // before the lock: OpenSSL reads its configuration and loads the modules named there
  sandbox::Policy policy;
  policy.readable = sandbox::resolverAndCertificates();
  policy.network = sandbox::Network::outbound;
  policy.connectPorts = {proxyPort_ != 0 ? proxyPort_ : port, nameServicePort};
  // Measured with TLS and the whole window under way: 74 descriptors and 11 MiB for a window of 64, 266
  // descriptors and 37 MiB for a window of 256. The rest is for long answers and for retries of connections.
  policy.openFiles = 64 + 2 * static_cast<std::uint64_t>(window_);
  policy.memory = (64 + static_cast<std::uint64_t>(window_)) << 20;
  return policy;
}

std::string Endpoint::agentHeader() { return "User-Agent: smsd/" SMSD_VERSION; }

std::string Endpoint::keyHeader(std::string_view key) const {
  std::string header;
  header.reserve(idempotencyHeader_.size() + 2 + key.size());
  header.append(idempotencyHeader_).append(": ").append(key);
  return header;
}

Milliseconds Endpoint::deadline(Milliseconds given) const {
  return timeout_ ? std::min(*timeout_, given) : given;
}

}  // namespace smsd::net
