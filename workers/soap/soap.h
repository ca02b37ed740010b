// The SOAP dispatcher: one call of a method for each SMS, many at once, over HTTP.
//
// Owns its keys (preset, method, parameters, ...), what a call looks like, and what an answer means that no
// rule speaks of. The kit calls it; envelope, transfers and rules do the work. Never shows more of its URL
// than scheme, host and port, and nothing of a call. Never calls a second time: that is the supervisor's to
// decide.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/kit/dispatcher.h"
#include "workers/net/endpoint.h"
#include "workers/net/rules.h"
#include "workers/net/template.h"
#include "workers/net/transfers.h"
#include "workers/soap/envelope.h"

namespace smsd::soap {

enum class Preset {
  none,
  boost,  // the ExternalSender that NAV's plugin spoke to
};

struct Settings {
  std::string url;
  Preset preset = Preset::none;
  std::string username;
  config::Secret password;
  std::string sender;
  std::string method;
  std::string nameSpace;
  std::string action;
  std::vector<Parameter> parameters;
  std::string result;
};

class SoapDispatcher final : public kit::Dispatcher {
 public:
  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kit::Condition condition() const override;
  void stop() noexcept override { transfers_.reset(); }

 private:
  std::optional<std::string> readUrl();
  std::optional<std::string> readPreset();
  std::optional<std::string> readCall();
  net::Constants constants() const;
  kit::Outcome outcomeOf(const net::Exchange& exchange);
  static std::string textOf(const net::Exchange& exchange);
  kit::Unknown notUnderstood(std::string_view words, const net::Exchange& exchange) const;
  kit::Outcome meaningOf(const nlohmann::json& answer, const net::Answer& read) const;
  kit::Outcome meaningOfFault(const std::string& code, const net::Exchange& exchange) const;

  Settings settings_;
  net::Endpoint endpoint_;
  net::Rules rules_;
  net::UrlTemplate url_;
  net::BodyTemplate call_;
  int lastStatus_ = -1;  // 0: there was no answer; -1: nothing was asked yet
  std::unique_ptr<net::Transfers> transfers_;
};

}  // namespace smsd::soap
