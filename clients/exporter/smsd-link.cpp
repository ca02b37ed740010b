// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/smsd-link.h"

#include <fmt/format.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/fault.h"

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

/// A connection to a Unix socket that does not wait: it succeeds or fails at once.
kj::Own<rpc::Channel> SmsdLink::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.native().size() >= sizeof address.sun_path)
    throw std::system_error(ENAMETOOLONG, std::generic_category());
  std::strcpy(address.sun_path, socket_.c_str());
  kj::AutoCloseFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category());
  return rpc::Channel::connect(io_.lowLevelProvider->wrapSocketFd(
      kj::mv(fd),
      kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK));
}

template <typename Results, typename Ask>
kj::Promise<Answered<Results>> SmsdLink::ask(Ask question) {
  kj::Own<rpc::Channel> channel;
  try {
    channel = connect();
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
