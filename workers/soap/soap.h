// SPDX-License-Identifier: GPL-3.0-or-later
// The SOAP dispatcher: calls a method over HTTP for each SMS, many at once.
//
// Owns its keys (preset, method, parameters, ...), the form of a call, and the meaning of an answer that no
// rule fits. Called by the kit; envelope, transfers and rules do the work. Never shows more of its URL than
// scheme, host and port, and nothing of a call. Never repeats a call, because only the supervisor may decide
// that.
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
  boost,  // the ExternalSender service that NAV's plugin uses
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
  int lastStatus_ = -1;  // 0: there was no answer; -1: no request yet
  std::unique_ptr<net::Transfers> transfers_;
};

}  // namespace smsd::soap
