// SPDX-License-Identifier: GPL-3.0-or-later
// A pool of SMTP connections: conversations with one mail server, several at once, each on a thread and a
// connection of its own.
//
// libcurl blocks its thread until it has the reply to a mail, even on a multi handle (curl issue 8555), and
// also until it has the reply to QUIT. On a single thread, a slow server's check of one mail would hold up
// all others. Therefore each connection has a thread, and none waits for another.
//
// Owns the threads, their connections and the timing of a conversation. Called on the KJ loop by the mail
// dispatcher. Never begins a mail again once its address was named; never trusts a certificate that does not
// verify; never continues without TLS or login if they are required. run() does not fail: it returns the
// result as a Conversation, by the deadline at the latest.
#pragma once

#include <kj/async.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/config/secret.h"
#include "workers/mail/replies.h"

namespace smsd::mail {

using Milliseconds = std::chrono::milliseconds;

enum class Tls { wanted, none };

struct SmtpSettings {
  std::string url;        // smtp://host:port or smtps://host:port
  std::string helo;       // the name that EHLO gives
  Tls tls = Tls::wanted;  // for smtp://; smtps:// always uses it
  unsigned connections = 1;
  Milliseconds connectTimeout{10'000};    // name, TCP and the TLS of smtps://
  Milliseconds greetingTimeout{300'000};  // from then until the greeting
  Milliseconds longestIdle{5'000};        // an idle connection is closed after this time
  std::string authorities;                // PEM; empty: those of the system
  std::string username;                   // empty: no login
  config::Secret password;
};

struct Mail {
  std::string from;  // `from` and `to` are addresses, see isAddress()
  std::string to;
  std::string content;  // headers and body, with CR LF line ends
  Milliseconds deadline{0};
};

class SmtpPool {
 public:
  explicit SmtpPool(SmtpSettings settings);
  /// Ends the conversations in progress as failures, and breaks the promises of those that wait.
  ~SmtpPool();
  SmtpPool(const SmtpPool&) = delete;
  SmtpPool& operator=(const SmtpPool&) = delete;

  kj::Promise<Conversation> run(Mail mail);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smsd::mail
