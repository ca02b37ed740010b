// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/smsd-link.h"

#include <fmt/format.h>

#include <system_error>

#include "common/fault.h"
#include "common/rpc/connect.h"

namespace smsd::exporter {
namespace {

constexpr auto patience = 5 * kj::SECONDS;

std::string wordsOf(const kj::Exception& fault) {
  switch (fault.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return "smsd ended the connection; its journal has the reason";
    case kj::Exception::Type::UNIMPLEMENTED:
      return "smsd is of an older version than smsd-exporter: restart smsd, so that the newer one runs";
    case kj::Exception::Type::OVERLOADED:
      return fmt::format("smsd did not answer within {} s", patience / kj::SECONDS);
    case kj::Exception::Type::FAILED:
      break;
  }
  return "smsd did not answer: " + faultOf(fault);
}

}  // namespace

template <typename Results, typename Ask>
kj::Promise<Answered<Results>> SmsdLink::ask(Ask question) {
  kj::Own<rpc::Channel> channel;
  try {
    channel = rpc::Channel::connect(rpc::connectTo(*io_.lowLevelProvider, socket_));
  } catch (const std::system_error& e) {
    return Answered<Results>{
        {}, nullptr, fmt::format("no connection to {}: {}", socket_.string(), e.code().message())};
  }
  auto answer = question(channel->peer());
  return io_.provider->getTimer()
      .timeoutAfter(patience, kj::mv(answer))
      .then(
          [channel = kj::mv(channel)](capnp::Response<Results> response) mutable {
            return Answered<Results>{kj::mv(channel), kj::mv(response), ""};
          },
          [](kj::Exception&& fault) {
            return Answered<Results>{{}, nullptr, wordsOf(fault)};
          });
}

kj::Promise<MetricsAnswer> SmsdLink::metrics() {
  using Results = proto::MetricsSource::MetricsResults;
  return ask<Results>([](capnp::Capability::Client peer) -> kj::Promise<capnp::Response<Results>> {
    return peer.castAs<proto::MetricsSource>().metricsRequest().send();
  });
}

kj::Promise<StatusAnswer> SmsdLink::status() {
  using Results = proto::Control::StatusResults;
  return ask<Results>([](capnp::Capability::Client peer) -> kj::Promise<capnp::Response<Results>> {
    return peer.castAs<proto::Control>().statusRequest().send();
  });
}

}  // namespace smsd::exporter
