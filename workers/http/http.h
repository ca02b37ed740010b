// SPDX-License-Identifier: GPL-3.0-or-later
// The HTTP dispatcher: sends one request to a gateway for each SMS, many at once.
//
// Owns its keys (url, method, headers, body, ...) and the form of a request. Called by the kit; templates,
// transfers and rules do the work. Never shows more of its URL than scheme, host and port, and nothing of its
// headers and body, because they may hold a password. Never sends a request a second time, because only the
// supervisor may decide that.
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

namespace smsd::http {

struct Header {
  std::string name;
  std::string value;
};

struct Settings {
  std::string url;
  net::Method method = net::Method::get;
  std::vector<Header> headers;
  std::string body;
  net::BodyType bodyType = net::BodyType::form;
  std::string gsm7 = "gsm7";
  std::string ucs2 = "ucs2";
};

class HttpDispatcher final : public kit::Dispatcher {
 public:
  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kit::Condition condition() const override;
  void stop() noexcept override { transfers_.reset(); }

 private:
  struct HeaderTemplate {
    std::string start;  // "Name: "
    net::Template value;
  };
  std::optional<std::string> readUrl();
  std::optional<std::string> readHeaders();
  std::optional<std::string> readBody();
  bool contains(net::Placeholder placeholder) const;
  bool says(const char* name) const;
  std::string_view encodingOf(const std::string& text) const;
  kit::Outcome outcomeOf(const net::Exchange& exchange);

  Settings settings_;
  net::Endpoint endpoint_;
  net::Rules rules_;
  net::UrlTemplate url_;
  std::vector<HeaderTemplate> headers_;  // headers with placeholders
  std::vector<std::string> fixed_;       // headers without
  bool headersAreGood_ = false;          // readHeaders() found no fault
  bool bodyIsGood_ = false;              // readBody() found no fault
  net::BodyTemplate body_;
  bool saysEncoding_ = false;
  bool saysDigits_ = false;
  int lastStatus_ = -1;  // 0: there was no answer; -1: no request yet
  std::unique_ptr<net::Transfers> transfers_;
};

}  // namespace smsd::http
