// SPDX-License-Identifier: GPL-3.0-or-later
// The mail dispatcher: one mail to an e-mail-to-SMS gateway for each SMS, by SMTP.
//
// Owns its keys (server, from, to, subject, body, ...) and how a mail is made from an SMS. Called by the kit;
// message, replies and the pool do the work. Never shows more of the server than scheme, host and port, and
// never an address, a number or a text. Never sends a mail a second time by itself, because the supervisor
// decides that. `accepted` means that the mail server is responsible for the mail from now on (RFC 5321,
// section 6.1), not that a phone has received it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "workers/kit/dispatcher.h"
#include "workers/mail/smtp-pool.h"
#include "workers/net/pem.h"
#include "workers/net/secrets.h"
#include "workers/net/template.h"

namespace smsd::mail {

enum class TlsChoice { automatic, required, never };

struct Settings {
  std::string server;
  TlsChoice tls = TlsChoice::automatic;
  std::string username;
  config::Secret password;
  std::string helo;
  std::string from, to;
  std::string subject = "sms {recipient}";
  std::string body = "{text}";
  int window = 4;
  int backlog = 16;
  config::Milliseconds connectTimeout = std::chrono::seconds(10);
  config::Milliseconds greetingTimeout = std::chrono::minutes(5);  // RFC 5321, 4.5.3.2.1
};

class MailDispatcher final : public kit::Dispatcher {
 public:
  MailDispatcher();
  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kit::Condition condition() const override;

 private:
  struct MailServer {
    std::string origin;  // scheme://host:port
    std::string host;
    std::uint16_t port = 0;
    bool tlsFromTheStart = false;
  };

  void declareRules(config::Keys& keys);
  std::optional<std::string> readServer();
  std::optional<std::string> readTemplate(const std::string& text, net::Template& result);
  std::optional<std::string> checkTls() const;
  std::optional<std::string> checkAddress(const net::Template& address) const;
  std::optional<std::string> checkPlaceholders() const;
  bool saysDigits() const;
  Tls tls() const;

  Settings settings_;
  MailServer server_;
  net::Template from_, to_, subject_, body_;
  net::Authorities authorities_;
  net::NamedSecrets secrets_;
  net::Hiding hiding_;
  std::string lastAnswer_ = "none yet";
  Relay relay_ = Relay::unproven;
  std::unique_ptr<SmtpPool> pool_;
};

}  // namespace smsd::mail
