// SPDX-License-Identifier: GPL-3.0-or-later
// Reads smsd's state and figures at status.sock.
//
// Opens a connection for each call, so that none is silent between two scrapes, and a restart of smsd needs
// no care. Never blocks, and waits for `patience` at most. An smsd that cannot be reached is an answer with
// the reason, not an exception. Trusts smsd, as smsctl does.
#pragma once

#include <kj/async-io.h>
#include <proto/metrics.capnp.h>

#include <filesystem>
#include <string>

#include "common/rpc/channel.h"

namespace smsd::exporter {

template <typename Results>
struct Answered {
  kj::Own<rpc::Channel> channel;  // outlives the response
  kj::Maybe<capnp::Response<Results>> response;
  std::string why;  // why there is none
};
using MetricsAnswer = Answered<proto::MetricsSource::MetricsResults>;
using StatusAnswer = Answered<proto::Control::StatusResults>;

class SmsdLink {
 public:
  SmsdLink(kj::AsyncIoContext& io, std::filesystem::path socket) : io_(io), socket_(std::move(socket)) {}

  kj::Promise<MetricsAnswer> metrics();
  kj::Promise<StatusAnswer> status();

 private:
  template <typename Results, typename Ask>
  kj::Promise<Answered<Results>> ask(Ask question);

  kj::AsyncIoContext& io_;
  std::filesystem::path socket_;
};

}  // namespace smsd::exporter
