// Lanes: conversations with one mail server, several at once, each on a thread and a connection of its own.
//
// libcurl waits for the reply to a mail without letting go of its thread, also on a multi handle (curl issue
// 8555), and so it does for the reply to QUIT: on one thread a slow server's check of one mail would hold up
// all others. Hence a thread for each lane, and a lane never waits for another.
//
// Owns the threads, their connections and the timing of a conversation. Called on the KJ loop by the mail
// dispatcher. Never begins a mail twice once its address was named; never trusts a certificate that does not
// verify; never goes on without TLS or login where those are wanted. A conversation does not fail: what
// became of it is a Conversation, at the latest when its deadline is over.
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

struct LaneSettings {
  std::string url;        // smtp://host:port or smtps://host:port
  std::string helo;       // our name
  Tls tls = Tls::wanted;  // of smtp://; smtps:// always has it
  unsigned lanes = 1;
  Milliseconds connectTimeout{10'000};    // name, TCP and the TLS of smtps://
  Milliseconds greetingTimeout{300'000};  // from then to the greeting
  Milliseconds longestIdle{5'000};        // a connection without work is ended after this
  std::string authorities;                // PEM; empty: the system's
  std::string username;                   // empty: no login
  config::Secret password;
};

struct Mail {
  std::string from;  // both are addresses, see isAddress()
  std::string to;
  std::string content;  // with its headers, CR LF line ends
  Milliseconds deadline{0};
};

class Lanes {
 public:
  explicit Lanes(LaneSettings settings);
  /// Ends what is under way; its promises are broken.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  kj::Promise<Conversation> run(Mail mail);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smsd::mail
