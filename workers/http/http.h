// The HTTP dispatcher: one GET to a gateway an SMS, many at once.
//
// Owns its keys (url, window, ...) and what a request looks like. The kit calls it; transfers, templates and
// answers do the work. Never shows more of its URL than scheme, host and port: the rest may hold a password.
// Never sends a request a second time: that is the supervisor's to decide.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "workers/kit/dispatcher.h"
#include "workers/net/template.h"
#include "workers/net/transfers.h"

namespace smsd::http {

enum class Method { get };

struct Settings {
  std::string url;
  Method method = Method::get;
  int window = 64;
  int backlog = 64;
  config::Milliseconds connectTimeout = std::chrono::seconds(5);
  std::filesystem::path caFile;
  bool knowsKeys = false;
  std::string idempotencyHeader = "Idempotency-Key";
};

class HttpDispatcher final : public kit::Dispatcher {
 public:
  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kit::Condition condition() const override;

 private:
  std::optional<std::string> readUrl();
  std::optional<std::string> readAuthorities();

  Settings settings_;
  net::UrlTemplate url_;
  std::string authorities_;
  std::string lastAnswer_ = "none yet";
  std::unique_ptr<net::Transfers> transfers_;
};

}  // namespace smsd::http
