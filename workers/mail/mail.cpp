// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/mail/mail.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "workers/mail/message.h"
#include "workers/net/curl-library.h"

namespace smsd::mail {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t nameServicePort = 53;  // the resolver uses TCP for an answer that is too long for UDP

/// Returns this host's name if it is a valid host name, otherwise localhost.
std::string hostName() {
  utsname names{};
  uname(&names);
  std::string name = names.nodename;
  return isAddress("a@" + name) ? name : "localhost";
}

/// Whether `host` is this host itself, so that the traffic never leaves it.
bool isLoopback(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

std::string partOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return owned.get();
}

}  // namespace

MailDispatcher::MailDispatcher() { settings_.helo = hostName(); }

void MailDispatcher::declare(config::Keys& keys) {
  keys.text(
      "server", settings_.server,
      "the mail server, smtp://host:port (default 25), or smtps://host:port (default 465) for TLS from the "
      "start",
      config::Presence::required);
  keys.example("server", "smtp://127.0.0.1:25");
  keys.choice(
      "tls", settings_.tls,
      {{"auto", TlsChoice::automatic}, {"required", TlsChoice::required}, {"never", TlsChoice::never}},
      "STARTTLS with smtp://: required, never, or auto, which requires it except to this host itself");
  authorities_.declare(keys);
  keys.text("username", settings_.username, "the username of the login; without it there is no login");
  keys.example("username", "smsd");
  keys.secretFile("password_file", settings_.password, "a file whose first line is the password");
  keys.text("from", settings_.from, "the sender's address", config::Presence::required);
  keys.example("from", "smsd@example.org");
  keys.text("to", settings_.to,
            "the recipient's address, with {recipient} or {digits} (of the recipient) in it if the "
            "gateway has an address for each number",
            config::Presence::required);
  keys.example("to", "\"{digits}@sms.example.org\"");
  const std::string placeholders =
      "with {recipient}, {digits} (of the recipient), {text}, {key} (the idempotency key) and names from "
      "`secrets`";
  keys.text("subject", settings_.subject, "the mail's subject, " + placeholders);
  keys.text("body", settings_.body, "the mail's text, " + placeholders);
  secrets_.declare(keys, "from, to, subject and body");
  // The default is this host's name, which must not appear in the manual.
  std::string name = std::exchange(settings_.helo, {});
  keys.text("helo", settings_.helo, "the name of this host in EHLO; default: this host's name");
  keys.example("helo", "alarms.example.org");
  keys.rule("helo", [this, name]() -> std::optional<std::string> {
    if (settings_.helo.empty()) settings_.helo = name;
    if (isAddress("a@" + settings_.helo)) return std::nullopt;
    return "expected a host name";
  });
  keys.integer("window", settings_.window, {1, 16}, "conversations with the server at once");
  keys.integer("backlog", settings_.backlog, {0, 4096}, "SMS accepted ahead of the window");
  keys.duration("connect_timeout", settings_.connectTimeout, {100ms, 1min},
                "the time within which a connection has to be established");
  keys.duration("greeting_timeout", settings_.greetingTimeout, {1s, 10min},
                "the time within which the server has to greet after that");
  declareRules(keys);
}

void MailDispatcher::declareRules(config::Keys& keys) {
  keys.rule("server", [this] { return readServer(); });
  keys.rule("tls", [this] { return checkTls(); });
  keys.rule("password_file", [this]() -> std::optional<std::string> {
    hiding_.rememberLogin(settings_.username, settings_.password.reveal());
    if (settings_.username.empty() == settings_.password.empty()) return std::nullopt;
    return "expected both username and password_file, or neither";
  });
  keys.rule("secrets", [this]() -> std::optional<std::string> {
    hiding_.rememberAll(secrets_.constants());
    return std::nullopt;
  });
  keys.rule("from", [this]() -> std::optional<std::string> {
    if (auto problem = readTemplate(settings_.from, from_)) return problem;
    return checkAddress(from_);
  });
  keys.rule("to", [this]() -> std::optional<std::string> {
    if (auto problem = readTemplate(settings_.to, to_)) return problem;
    return checkAddress(to_);
  });
  keys.rule("subject", [this] { return readTemplate(settings_.subject, subject_); });
  keys.rule("body", [this]() -> std::optional<std::string> {
    if (auto problem = readTemplate(settings_.body, body_)) return problem;
    return checkPlaceholders();
  });
}

std::optional<std::string> MailDispatcher::readServer() {
  const std::string expected = "expected smtp://host:port or smtps://host:port, and nothing else";
  server_.tlsFromTheStart = settings_.server.starts_with("smtps://");
  if (!server_.tlsFromTheStart && !settings_.server.starts_with("smtp://")) return expected;
  std::string_view authority = std::string_view(settings_.server).substr(settings_.server.find("//") + 2);
  if (authority.find_first_of("/?#@{}\\") != std::string_view::npos) return expected;
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, settings_.server.c_str(), 0) != CURLUE_OK) return expected;
  std::string port = partOf(url.get(), CURLUPART_PORT);
  server_.port = 0;
  std::from_chars(port.data(), port.data() + port.size(), server_.port);
  if (server_.port == 0) return "expected a port from 1 to 65535";
  server_.host = partOf(url.get(), CURLUPART_HOST);
  server_.origin = partOf(url.get(), CURLUPART_SCHEME) + "://" + server_.host + ":" + port;
  return std::nullopt;
}

Tls MailDispatcher::tls() const {
  bool wanted = settings_.tls == TlsChoice::required ||
                (settings_.tls == TlsChoice::automatic && !isLoopback(server_.host));
  return wanted ? Tls::wanted : Tls::none;
}

std::optional<std::string> MailDispatcher::checkTls() const {
  if (server_.port == 0) return std::nullopt;  // reported already
  if (settings_.tls == TlsChoice::never && server_.tlsFromTheStart)
    return "is never, but the server is smtps://";
  bool naked = !server_.tlsFromTheStart && tls() == Tls::none && !isLoopback(server_.host);
  if (naked && (!settings_.username.empty() || !secrets_.constants().empty()))
    return "is never, but then a password or secret would cross the network unencrypted";
  return std::nullopt;
}

std::optional<std::string> MailDispatcher::readTemplate(const std::string& text, net::Template& result) {
  auto parsed = net::Template::parse(text, net::Place::mail, secrets_.constants());
  if (auto problem = std::get_if<net::TemplateProblem>(&parsed)) return net::describe(*problem);
  result = std::get<net::Template>(std::move(parsed));
  return std::nullopt;
}

std::optional<std::string> MailDispatcher::checkAddress(const net::Template& address) const {
  if (address.find(net::Placeholder::text)) return "a text cannot stand in an address";
  // NAV's queue has numbers as recipients. For administrators' mail, the recipient is itself an address.
  for (auto sample : {"+4799999999", "noc@example.org"})
    if (isAddress(address.expand({sample, "", "k-1"}))) return std::nullopt;
  return "expected an address, name@host, without a display name";
}

std::optional<std::string> MailDispatcher::checkPlaceholders() const {
  if (!body_.find(net::Placeholder::text) && settings_.subject.find("{text}") == std::string::npos)
    return "expected {text} in the body or the subject";
  // Searches the settings, because a template that has another error, reported elsewhere, was not parsed.
  for (auto* part : {&settings_.to, &settings_.subject, &settings_.body})
    for (auto number : {"{recipient}", "{digits}"})
      if (part->find(number) != std::string::npos) return std::nullopt;
  return "expected {recipient} or {digits} in to, subject or body";
}

bool MailDispatcher::saysDigits() const {
  auto parts = {&from_, &to_, &subject_, &body_};
  return std::any_of(parts.begin(), parts.end(),
                     [](const net::Template* part) { return part->contains(net::Placeholder::digits); });
}

sandbox::Policy MailDispatcher::policy() {
  net::initializeCurl();  // before the sandbox, because OpenSSL loads the files that its configuration names
  sandbox::Policy policy;
  policy.readable = sandbox::resolverAndCertificates();
  policy.network = sandbox::Network::outbound;
  policy.connectPorts = {server_.port, nameServicePort};
  // Measured with TLS and 16 conversations at once: 55 descriptors, 23 MiB.
  policy.openFiles = 64 + 8 * static_cast<std::uint64_t>(settings_.window);
  policy.memory = (64 + 4 * static_cast<std::uint64_t>(settings_.window)) << 20;
  return policy;
}

kj::Promise<void> MailDispatcher::start(kj::AsyncIoContext&) {
  SmtpSettings smtp;
  smtp.url = server_.origin;
  smtp.helo = settings_.helo;
  smtp.tls = tls();
  smtp.connections = static_cast<unsigned>(settings_.window);
  smtp.connectTimeout = settings_.connectTimeout;
  smtp.greetingTimeout = settings_.greetingTimeout;
  smtp.authorities = authorities_.text();
  smtp.username = settings_.username;
  smtp.password = settings_.password;
  pool_ = std::make_unique<SmtpPool>(std::move(smtp));
  return kj::READY_NOW;
}

kit::Traits MailDispatcher::traits() const {
  // A mail server accepts a second mail with the same Message-ID, too.
  return {.kind = "mail",
          .window = static_cast<unsigned>(settings_.window),
          .backlog = static_cast<unsigned>(settings_.backlog),
          .knowsKeys = false};
}

kj::Promise<kit::Outcome> MailDispatcher::send(kit::Job job) {
  if (saysDigits() && !net::digitsOf(job.recipient)) return kit::Outcome(kit::Refused{net::noDigits});
  net::Values values{job.recipient, job.text, job.key};
  MailParts parts;
  parts.from = from_.expand(values);
  parts.to = to_.expand(values);
  if (!isAddress(parts.from) || !isAddress(parts.to))
    return kit::Outcome(kit::Refused{"the recipient cannot stand in a mail address"});
  parts.subject = subject_.expand(values);
  parts.body = body_.expand(values);
  parts.messageId = job.key + parts.from.substr(parts.from.rfind('@'));
  parts.date = std::chrono::system_clock::now();
  bool ofTheSms = to_.contains(net::Placeholder::recipient) || to_.contains(net::Placeholder::digits);
  Addressee addressee = ofTheSms ? Addressee::ofTheSms : Addressee::ofTheFile;
  return pool_->run({parts.from, parts.to, compose(parts), job.deadline})
      .then([this, addressee](const Conversation& conversation) {
        lastAnswer_ = conversation.reply == 0 ? "no answer" : "reply " + std::to_string(conversation.reply);
        Relay before = std::exchange(relay_, relayAfter(conversation, relay_));
        auto outcome = outcomeOf(conversation, server_.origin, addressee, before);
        if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) hiding_.hideIn(accepted->reference);
        return outcome;
      });
}

kit::Condition MailDispatcher::condition() const {
  // Never reported as broken here: the supervisor's probe finds out whether a server that rejected one mail
  // accepts the next.
  return {.broken = "", .details = {{"server", server_.origin}, {"last answer", lastAnswer_}}};
}

}  // namespace smsd::mail
